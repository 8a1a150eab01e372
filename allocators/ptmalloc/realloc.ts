/** _int_realloc: a chunk that is not mapped gets another size (both designs). Sizes in words. */
import { Event } from '../../lab/words/events.ts'
import { bytesOfWords, type WordIndex } from '../../lab/words/units.ts'
import type { Arena } from './arena-layout.ts'
import { unlinkChunk } from './bins.ts'
import {
  ALIGN_MASK,
  CHUNK_NONE,
  type Chunk,
  FIELD_WORDS,
  HEADER_WORDS,
  MIN_CHUNK_WORDS,
  PREV_INUSE,
  SIZE_BITS,
} from './chunk-layout.ts'
import { copyWords } from './memory-ops.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'

/**
 * The chunk that now holds the block, at least `nb` large, or CHUNK_NONE (the old one lives on). In
 * order: it is large enough; it can grow into the top; into a free chunk above; else it is moved.
 * What is over at its end is freed. The caller holds the arena's lock, or the process has one
 * thread.
 */
export function intRealloc(m: Ptmalloc, av: Arena, p: Chunk, oldSize: number, nb: number): Chunk {
  const above = chunkAt(p, oldSize)
  const aboveSize = m.size(above)
  checkSizes(m, av, oldSize, aboveSize)
  if (oldSize >= nb) return cutToSize(m, av, p, oldSize, nb)

  const joined = oldSize + aboveSize
  if (above === m.top(av)) {
    if (joined >= nb + MIN_CHUNK_WORDS) return growIntoTop(m, av, p, joined, nb)
  } else if (joined >= nb && !m.prevInuse(chunkAt(above, aboveSize))) {
    unlinkChunk(m, above, aboveSize)
    return cutToSize(m, av, p, joined, nb)
  }
  return moveChunk(m, av, p, oldSize, nb)
}

function checkSizes(m: Ptmalloc, av: Arena, oldSize: number, aboveSize: number): void {
  const system = m.systemMem(av)
  if (oldSize < HEADER_WORDS || oldSize >= system) m.abort('realloc(): invalid old size')
  if (aboveSize < HEADER_WORDS || aboveSize >= system) m.abort('realloc(): invalid next size')
}

/** set_head_size: a new size with the flags as they are, and the arena's. */
function setHeadSize(m: Ptmalloc, av: Arena, p: Chunk, size: number): void {
  m.setHead(p, size, (m.head(p) & SIZE_BITS) | m.arenaFlag(av))
}

function growIntoTop(m: Ptmalloc, av: Arena, p: Chunk, joined: number, nb: number): Chunk {
  setHeadSize(m, av, p, nb)
  const top = chunkAt(p, nb)
  m.touchHeader(top)
  m.setTop(av, top)
  m.setHead(top, joined - nb, PREV_INUSE)
  return p
}

/** Another chunk, unless the one malloc finds happens to be just above: then both become one. */
function moveChunk(m: Ptmalloc, av: Arena, p: Chunk, oldSize: number, nb: number): Chunk {
  const q = m.rules.intMalloc(m, av, requestOf(m, nb))
  if (q === CHUNK_NONE) return CHUNK_NONE
  if (q === chunkAt(p, oldSize)) return cutToSize(m, av, p, oldSize + m.size(q), nb)
  const count = oldSize - FIELD_WORDS
  copyWords(m, (q + HEADER_WORDS) as WordIndex, (p + HEADER_WORDS) as WordIndex, count)
  m.process.count(Event.BYTES_COPIED, bytesOfWords(count))
  m.rules.intFreeLocked(m, av, p)
  return q
}

/** Bytes whose padded size is `nb`: what the real one passes on to _int_malloc. */
function requestOf(m: Ptmalloc, nb: number): number {
  return bytesOfWords(m.requestWords(nb)) - ALIGN_MASK_BYTES
}
const ALIGN_MASK_BYTES = bytesOfWords(ALIGN_MASK) + 3

/** Frees what `p`, `size` large, has beyond `nb`, when that is enough for a chunk. */
function cutToSize(m: Ptmalloc, av: Arena, p: Chunk, size: number, nb: number): Chunk {
  const remainderSize = size - nb
  if (remainderSize < MIN_CHUNK_WORDS) {
    setHeadSize(m, av, p, size)
    m.setPrevInuse(chunkAt(p, size))
    return p
  }
  const remainder = chunkAt(p, nb)
  m.touchHeader(remainder)
  setHeadSize(m, av, p, nb)
  m.setHead(remainder, remainderSize, PREV_INUSE | m.arenaFlag(av))
  // Marked as in use, so that free accepts it.
  m.setPrevInuse(chunkAt(p, size))
  m.rules.intFreeLocked(m, av, remainder)
  return p
}
