/** malloc_consolidate: all fastbins are emptied, and their chunks merged with free neighbours. */
import { Event } from '../../lab/words/events.ts'
import { type Arena, FASTBINS, fastbinAt, unsortedChunks } from './arena-layout.ts'
import { clearNextsize, linkAfter, setFoot, unlinkChunk } from './bins.ts'
import { ALIGN_MASK, CHUNK_NONE, type Chunk, PREV_INUSE } from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { fastbinIndex } from './size-class.ts'

/**
 * Empties the arena's fastbins, smallest size first, each from its newest chunk. A merged chunk
 * goes to the front of the unsorted list, or into the top. The caller holds the arena's lock, but
 * others may push meanwhile: hence each bin is taken whole, by one exchange.
 */
export function mallocConsolidate(m: Ptmalloc, av: Arena): void {
  m.setHaveFastchunks(av, 0)
  let merged = 0
  for (let index = 0; index < FASTBINS; index++) {
    const bin = fastbinAt(av, index)
    if (m.words[bin] === 0) continue
    let p = m.process.atomicExchange(bin, 0) as Chunk
    while (p !== CHUNK_NONE) {
      if ((p & ALIGN_MASK) !== 0) {
        m.abort('malloc_consolidate(): unaligned fastbin chunk detected')
      }
      if (fastbinIndex(m.size(p)) !== index) m.abort('malloc_consolidate(): invalid chunk size')
      const next = m.fd(p)
      consolidateChunk(m, av, p)
      merged++
      p = next
    }
  }
  if (merged > 0) m.process.count(Event.CONSOLIDATE, merged)
}

function consolidateChunk(m: Ptmalloc, av: Arena, chunk: Chunk): void {
  let p = chunk
  let size = m.size(p)
  const above = chunkAt(p, size)
  const aboveSize = m.size(above)
  if (!m.prevInuse(p)) {
    const below = m.prevSize(p)
    size += below
    p = chunkAt(p, -below)
    if (m.size(p) !== below) m.abort('corrupted size vs. prev_size in fastbins')
    unlinkChunk(m, p, below)
  }
  if (above === m.top(av)) {
    m.setHead(p, size + aboveSize, PREV_INUSE)
    m.setTop(av, p)
    return
  }
  if (m.prevInuse(chunkAt(above, aboveSize))) {
    m.clearPrevInuse(above)
  } else {
    size += aboveSize
    unlinkChunk(m, above, aboveSize)
  }
  linkAfter(m, unsortedChunks(av), p)
  if (size >= m.nextsizeFrom) clearNextsize(m, p)
  m.setHead(p, size, PREV_INUSE)
  setFoot(m, p, size)
}
