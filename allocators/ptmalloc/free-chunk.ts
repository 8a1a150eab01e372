/**
 * The part of _int_free that merges: shared by both designs. The caller holds the arena's lock, or
 * the process has one thread. Sizes are in words.
 */
import { type Arena, ArenaWord } from './arena-layout.ts'
import { insertUnsorted, unlinkChunk } from './bins.ts'
import {
  type Chunk,
  ChunkWord,
  HEADER_WORDS,
  headOf,
  PREV_INUSE,
  sizeOfHead,
} from './chunk-layout.ts'
import { mallocConsolidate } from './consolidate.ts'
import { heapTrim } from './heap.ts'
import { freePerturb } from './perturb.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { StaticWord } from './static-layout.ts'
import { systrim } from './trim.ts'

/** FASTBIN_CONSOLIDATION_THRESHOLD: 64 KiB. */
const CONSOLIDATION_THRESHOLD = 16384

/** Merges a chunk with its free neighbours, and gives memory back when much came together. */
export function freeChunk(m: Ptmalloc, av: Arena, freed: Chunk, freedSize: number): void {
  const { words } = m
  const top = m.top(av)
  const above = chunkAt(freed, freedSize)
  const aboveHead = words[above + ChunkWord.SIZE]!
  const aboveSize = sizeOfHead(aboveHead)
  if (
    freed === top ||
    (above > top && isOutside(m, av, above, top)) ||
    (aboveHead & PREV_INUSE) === 0 ||
    aboveSize < HEADER_WORDS ||
    aboveSize >= words[av + ArenaWord.SYSTEM_MEM]!
  ) {
    abortForNeighbours(m, av, freed, above)
  }
  if (m.perturb !== 0) freePerturb(m, freed, freedSize)

  let p = freed
  let size = freedSize
  if ((words[p + ChunkWord.SIZE]! & PREV_INUSE) === 0) {
    const below = words[p + ChunkWord.PREV_SIZE]!
    size += below
    p = chunkAt(p, -below)
    if (m.size(p) !== below) m.abort('corrupted size vs. prev_size while consolidating')
    unlinkChunk(m, p, below)
  }

  if (above === top) {
    size += aboveSize
    words[p + ChunkWord.SIZE] = headOf(size, PREV_INUSE)
    m.setTop(av, p)
  } else {
    if ((words[above + aboveSize + ChunkWord.SIZE]! & PREV_INUSE) !== 0) {
      words[above + ChunkWord.SIZE] = aboveHead & ~PREV_INUSE
    } else {
      unlinkChunk(m, above, aboveSize)
      size += aboveSize
    }
    insertUnsorted(m, av, p, size, 'free(): corrupted unsorted chunks')
    words[p + ChunkWord.SIZE] = headOf(size, PREV_INUSE)
    words[p + size + ChunkWord.PREV_SIZE] = size
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
  } else if (m.size(m.top(av)) >= m.static(StaticWord.TRIM_THRESHOLD)) {
    systrim(m, av, m.topPadBytes)
  }
}

/** Is a chunk above an arena's top in no memory of the arena? */
function isOutside(m: Ptmalloc, av: Arena, above: Chunk, top: Chunk): boolean {
  return above >= top + m.size(top) && m.contiguous(av)
}

/**
 * Ends the run with the message of the first of glibc's checks that fails. Apart from the checks
 * themselves, which are small enough only so to become part of `free` (V8 stops inlining at 920
 * bytes of bytecode).
 */
function abortForNeighbours(m: Ptmalloc, av: Arena, freed: Chunk, above: Chunk): never {
  const top = m.top(av)
  if (freed === top) m.abort('double free or corruption (top)')
  if (above > top && isOutside(m, av, above, top)) m.abort('double free or corruption (out)')
  if (!m.prevInuse(above)) m.abort('double free or corruption (!prev)')
  m.abort('free(): invalid next size (normal)')
}
