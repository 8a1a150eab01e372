/** _int_memalign: an aligned block out of a larger one (both designs). Sizes in words. */
import { bytesOfWords, type WordIndex } from '../../lab/words/units.ts'
import type { Arena } from './arena-layout.ts'
import {
  CHUNK_NONE,
  type Chunk,
  HEADER_WORDS,
  IS_MMAPPED,
  MIN_CHUNK_WORDS,
  PREV_INUSE,
  SIZE_BITS,
} from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { carryMapped } from './registry.ts'
import { NB_REFUSED, PTRDIFF_END, requestToSize } from './size-class.ts'

/** MALLOC_ALIGNMENT and MINSIZE, in bytes. */
export const MALLOC_ALIGNMENT_BYTES = 16
const MIN_CHUNK_BYTES = 32

/**
 * The alignment memalign works with: at least MINSIZE and a power of two, rounded up; 0 for one
 * over half the address space, which it refuses.
 */
export function effectiveAlignment(bytes: number): number {
  if (bytes > PTRDIFF_END) return 0
  let alignment = MIN_CHUNK_BYTES
  while (alignment < bytes) alignment *= 2
  return alignment
}

/**
 * A chunk whose block starts at a multiple of `alignment` (bytes, a power of two ≥ 32), or
 * CHUNK_NONE. Asks malloc for enough to find such a place with room for a chunk before it, and
 * frees what lies before and after. The caller holds the arena's lock, or the process has one
 * thread.
 */
export function intMemalign(m: Ptmalloc, av: Arena, alignment: number, bytes: number): Chunk {
  const nb = requestToSize(bytes)
  if (nb === NB_REFUSED || alignment >= PTRDIFF_END) return CHUNK_NONE
  m.hugeBytes = bytes
  const p = m.rules.intMalloc(m, av, bytesOfWords(m.requestWords(nb)) + alignment + MIN_CHUNK_BYTES)
  if (p === CHUNK_NONE) return CHUNK_NONE
  // Beyond the lab's address space malloc has failed, so the alignment fits a word index.
  const aligned = alignChunk(m, av, p, alignment / bytesOfWords(1))
  if ((m.head(aligned) & IS_MMAPPED) === 0) freeTail(m, av, aligned, nb)
  return aligned
}

/** The chunk at the first aligned place in `p`; what lies before it is freed. */
function alignChunk(m: Ptmalloc, av: Arena, p: Chunk, alignment: number): Chunk {
  const block = (p + HEADER_WORDS) as WordIndex
  if ((block & (alignment - 1)) === 0) return p
  const aligned = ((block + alignment - 1) & -alignment) as WordIndex
  let q = chunkAt(aligned, -HEADER_WORDS)
  if (q - p < MIN_CHUNK_WORDS) q = chunkAt(q, alignment)
  const lead = q - p
  const size = m.size(p) - lead
  m.touchHeader(q)
  if ((m.head(p) & IS_MMAPPED) !== 0) {
    m.setPrevSize(q, m.prevSize(p) + lead)
    m.setHead(q, size, IS_MMAPPED)
    carryMapped(m, p, q)
    return q
  }
  m.setHead(q, size, PREV_INUSE | m.arenaFlag(av))
  m.setPrevInuse(chunkAt(q, size))
  m.setHead(p, lead, (m.head(p) & SIZE_BITS) | m.arenaFlag(av))
  m.rules.intFreeLocked(m, av, p)
  return q
}

/** Frees what `p` has beyond `nb`, when that is more than a chunk. */
function freeTail(m: Ptmalloc, av: Arena, p: Chunk, nb: number): void {
  const size = m.size(p)
  if (size <= nb + MIN_CHUNK_WORDS) return
  const remainder = chunkAt(p, nb)
  m.touchHeader(remainder)
  m.setHead(remainder, size - nb, PREV_INUSE | m.arenaFlag(av))
  m.setHead(p, nb, m.head(p) & SIZE_BITS)
  m.rules.intFreeLocked(m, av, remainder)
}
