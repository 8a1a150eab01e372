/**
 * A table of the mapped chunks, for inspect and check. The real allocator keeps none: a mapped
 * chunk is known to its user alone. A chunk's place is kept in the unused high half of its
 * prev_size.
 */
import type { WordIndex } from '../../lab/words/units.ts'
import { CHUNK_NONE, type Chunk, ChunkWord } from './chunk-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { MAPPED_MAX, StaticWord } from './static-layout.ts'

/** High word of prev_size: the chunk's place in the table + 1, 0 when the table was full. */
const PLACE = ChunkWord.PREV_SIZE + 1

const entryAt = (m: Ptmalloc, place: number): WordIndex =>
  (m.statics + StaticWord.MAPPED + place) as WordIndex

/** Enters a chunk whose header is resident. Ends after at most one round of the table. */
export function registerMapped(m: Ptmalloc, p: Chunk): void {
  const first = m.static(StaticWord.MAPPED_CURSOR)
  for (let tries = 0; tries < MAPPED_MAX; tries++) {
    const place = (first + tries) % MAPPED_MAX
    // Claims the entry; another thread may have been faster.
    if (m.words[entryAt(m, place)] === 0 && m.process.compareAndSwap(entryAt(m, place), 0, p)) {
      m.setStatic(StaticWord.MAPPED_CURSOR, (place + 1) % MAPPED_MAX)
      m.words[p + PLACE] = place + 1
      return
    }
  }
  m.words[p + PLACE] = 0
}

export function forgetMapped(m: Ptmalloc, p: Chunk): void {
  setEntry(m, p, CHUNK_NONE)
}

/** The mapping has moved, its words with it. */
export function movedMapped(m: Ptmalloc, p: Chunk): void {
  setEntry(m, p, p)
}

/** memalign put the header further up in the mapping. */
export function carryMapped(m: Ptmalloc, from: Chunk, to: Chunk): void {
  m.words[to + PLACE] = m.words[from + PLACE]!
  setEntry(m, to, to)
}

function setEntry(m: Ptmalloc, p: Chunk, value: Chunk): void {
  const place = m.words[p + PLACE]!
  if (place > 0 && place <= MAPPED_MAX) m.process.atomicStore(entryAt(m, place - 1), value)
}

/** The mapped chunks there are, in no order. */
export function mappedChunks(m: Ptmalloc): Chunk[] {
  const found: Chunk[] = []
  for (let place = 0; place < MAPPED_MAX; place++) {
    const p = m.words[entryAt(m, place)]! as Chunk
    if (p !== CHUNK_NONE) found.push(p)
  }
  return found
}
