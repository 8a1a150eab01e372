/**
 * The part of _int_free that merges: shared by both designs. The caller holds the arena's lock, or
 * the process has one thread. Sizes are in words.
 */
import type { Arena } from './arena-layout.ts'
import { insertUnsorted, setFoot, unlinkChunk } from './bins.ts'
import { type Chunk, HEADER_WORDS, PREV_INUSE } from './chunk-layout.ts'
import { mallocConsolidate } from './consolidate.ts'
import { heapTrim } from './heap.ts'
import { freePerturb } from './perturb.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { StaticWord } from './static-layout.ts'
import { systrim } from './trim.ts'

/** FASTBIN_CONSOLIDATION_THRESHOLD: 64 KiB. */
const CONSOLIDATION_THRESHOLD = 16384

/** Merges a chunk with its free neighbours, and gives memory back when much came together. */
export function freeChunk(m: Ptmalloc, av: Arena, chunk: Chunk, chunkSize: number): void {
  const above = chunkAt(chunk, chunkSize)
  const aboveSize = m.size(above)
  checkNeighbours(m, av, chunk, above, aboveSize)
  if (m.perturb !== 0) freePerturb(m, chunk, chunkSize)

  let p = chunk
  let size = chunkSize
  if (!m.prevInuse(p)) {
    const below = m.prevSize(p)
    size += below
    p = chunkAt(p, -below)
    if (m.size(p) !== below) m.abort('corrupted size vs. prev_size while consolidating')
    unlinkChunk(m, p)
  }

  if (above === m.top(av)) {
    size += aboveSize
    m.setHead(p, size, PREV_INUSE)
    m.setTop(av, p)
  } else {
    if (m.prevInuse(chunkAt(above, aboveSize))) {
      m.clearPrevInuse(above)
    } else {
      unlinkChunk(m, above)
      size += aboveSize
    }
    insertUnsorted(m, av, p, size, 'free(): corrupted unsorted chunks')
    m.setHead(p, size, PREV_INUSE)
    setFoot(m, p, size)
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

/** glibc's checks of a chunk against the chunk above, in their order. */
function checkNeighbours(m: Ptmalloc, av: Arena, p: Chunk, above: Chunk, aboveSize: number): void {
  const top = m.top(av)
  if (p === top) m.abort('double free or corruption (top)')
  if (above >= top + m.size(top) && m.contiguous(av)) m.abort('double free or corruption (out)')
  if (!m.prevInuse(above)) m.abort('double free or corruption (!prev)')
  if (aboveSize < HEADER_WORDS || aboveSize >= m.systemMem(av)) {
    m.abort('free(): invalid next size (normal)')
  }
}
