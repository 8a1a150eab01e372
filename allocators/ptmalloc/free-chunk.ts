/**
 * The part of _int_free that merges: shared by both designs. The caller holds the arena's lock, or
 * the process has one thread. Sizes are in words.
 */
import type { Arena } from './arena-layout.ts'
import { insertUnsorted, unlinkChunk } from './bins.ts'
import type { Chunk } from './chunk-layout.ts'
import * as chunk from './chunk-layout.ts'
import { mallocConsolidate } from './consolidate.ts'
import { heapTrim } from './heap.ts'
import { freePerturb } from './perturb.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import * as statics from './static-layout.ts'
import { systrim } from './trim.ts'

// Bound once: the engine folds a module's own constants, but loads imported ones each time.
const { HEADER_WORDS, PREV_INUSE, SIZE_MASK } = chunk
const { PREV_SIZE, SIZE } = chunk.ChunkWord
const { TRIM_THRESHOLD } = statics.StaticWord

/** FASTBIN_CONSOLIDATION_THRESHOLD: 64 KiB. */
const CONSOLIDATION_THRESHOLD = 16384

/** Merges a chunk with its free neighbours, and gives memory back when much came together. */
export function freeChunk(m: Ptmalloc, av: Arena, freed: Chunk, freedSize: number): void {
  const { words } = m
  const top = m.top(av)
  const above = chunkAt(freed, freedSize)
  const aboveHead = words[above + SIZE]!
  const aboveSize = (aboveHead >>> 1) & SIZE_MASK
  checkNeighbours(m, av, freed, top, above, aboveHead)
  if (m.perturb !== 0) freePerturb(m, freed, freedSize)

  let p = freed
  let size = freedSize
  if ((words[p + SIZE]! & PREV_INUSE) === 0) {
    const below = words[p + PREV_SIZE]!
    size += below
    p = chunkAt(p, -below)
    if (m.size(p) !== below) m.abort('corrupted size vs. prev_size while consolidating')
    unlinkChunk(m, p)
  }

  if (above === top) {
    size += aboveSize
    words[p + SIZE] = (size << 1) | PREV_INUSE
    m.setTop(av, p)
  } else {
    if ((words[above + aboveSize + SIZE]! & PREV_INUSE) !== 0) {
      words[above + SIZE] = aboveHead & ~PREV_INUSE
    } else {
      unlinkChunk(m, above)
      size += aboveSize
    }
    insertUnsorted(m, av, p, size, 'free(): corrupted unsorted chunks')
    words[p + SIZE] = (size << 1) | PREV_INUSE
    words[p + size + PREV_SIZE] = size
  }

  if (size >= CONSOLIDATION_THRESHOLD) giveBack(m, av)
}

/**
 * After a large free: fastbin chunks may border the top, so they are merged before it is judged.
 */
function giveBack(m: Ptmalloc, av: Arena): void {
  if (m.haveFastchunks(av)) mallocConsolidate(m, av)
  if (av !== m.main) {
    heapTrim(m, m.heapForPtr(m.top(av)), m.topPadBytes)
  } else if (m.size(m.top(av)) >= m.static(TRIM_THRESHOLD)) {
    systrim(m, av, m.topPadBytes)
  }
}

/** glibc's checks of a chunk against the chunk above, in their order. */
function checkNeighbours(
  m: Ptmalloc,
  av: Arena,
  p: Chunk,
  top: Chunk,
  above: Chunk,
  aboveHead: number,
): void {
  if (p === top) m.abort('double free or corruption (top)')
  if (above > top && above >= top + m.size(top) && m.contiguous(av)) {
    m.abort('double free or corruption (out)')
  }
  if ((aboveHead & PREV_INUSE) === 0) m.abort('double free or corruption (!prev)')
  const aboveSize = (aboveHead >>> 1) & SIZE_MASK
  if (aboveSize < HEADER_WORDS || aboveSize >= m.systemMem(av)) {
    m.abort('free(): invalid next size (normal)')
  }
}
