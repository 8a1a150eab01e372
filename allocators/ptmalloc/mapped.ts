/** Chunks in mappings of their own: made, moved and unmapped (both designs). */

import { Event } from '../../lab/words/events.ts'
import { bytesOfWords, WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import { MappingKind, Protection } from '../contract.ts'
import { CHUNK_NONE, type Chunk, FIELD_WORDS, HEADER_WORDS, IS_MMAPPED } from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { forgetMapped, movedMapped, registerMapped } from './registry.ts'
import { StaticWord } from './static-layout.ts'

/** DEFAULT_MMAP_THRESHOLD_MAX: 32 MiB. The dynamic threshold stays below. */
const DYNAMIC_THRESHOLD_MAX = 8 * 1024 * 1024

/**
 * sysmalloc_mmap: a chunk of at least `nb` in a fresh mapping, or CHUNK_NONE. It needs one field
 * more than other chunks, since no chunk above lends it its prev_size.
 */
export function sysmallocMmap(m: Ptmalloc, nb: number): Chunk {
  const size = m.pagesUp(m.requestWords(nb) + m.rules.mappedExtraWords)
  const at = m.process.mmap(WORD_NULL, bytesOfWords(size), Protection.READ_WRITE, MappingKind.BLOCK)
  if (at === WORD_NULL) return CHUNK_NONE
  const p = at as WordIndex as Chunk
  m.touchHeader(p)
  m.setPrevSize(p, 0)
  m.setHead(p, size, IS_MMAPPED)
  const mmaps = m.process.atomicAdd(staticAt(m, StaticWord.N_MMAPS), 1) + 1
  raiseTo(m, StaticWord.MAX_N_MMAPS, mmaps)
  addMappedMem(m, size)
  registerMapped(m, p)
  m.process.count(Event.MMAP_CHUNK)
  return p
}

/**
 * What free does with a mapped chunk of glibc: a block above the mmap threshold that is freed shows
 * that such blocks are transient, so the threshold rises to its size and the next ones come from
 * the heap, and the trim threshold rises with it.
 */
export function freeMapped(m: Ptmalloc, p: Chunk): void {
  if (!m.settings.noDynThreshold) {
    const size = m.size(p)
    // The real comparisons are with the size word, flags included: hence ≥ and <.
    if (size >= m.static(StaticWord.MMAP_THRESHOLD) && size < DYNAMIC_THRESHOLD_MAX) {
      m.setStatic(StaticWord.MMAP_THRESHOLD, size)
      m.setStatic(StaticWord.TRIM_THRESHOLD, 2 * size)
    }
  }
  munmapChunk(m, p)
}

/** munmap_chunk: the whole mapping goes, from where prev_size says it starts. */
export function munmapChunk(m: Ptmalloc, p: Chunk): void {
  const start = chunkAt(p, -m.prevSize(p))
  const total = m.prevSize(p) + m.size(p)
  checkMapping(m, p, start, total, 'munmap_chunk(): invalid pointer')
  forgetMapped(m, p)
  m.process.atomicAdd(staticAt(m, StaticWord.N_MMAPS), -1)
  m.process.atomicAdd(staticAt(m, StaticWord.MMAPPED_MEM), -total)
  m.process.munmap(start, bytesOfWords(total))
  m.process.count(Event.MUNMAP_CHUNK)
}

/** mremap_chunk: the chunk, moved if need be, at its new size; CHUNK_NONE when that fails. */
export function mremapChunk(m: Ptmalloc, p: Chunk, nb: number): Chunk {
  const offset = m.prevSize(p)
  const start = chunkAt(p, -offset)
  const total = offset + m.size(p)
  checkMapping(m, p, start, total, 'mremap_chunk(): invalid pointer')
  const wanted = m.pagesUp(m.requestWords(nb) + offset + FIELD_WORDS)
  if (wanted === total && m.rules.skipsEqualRemap) return p
  const moved = m.process.mremap(start, bytesOfWords(total), bytesOfWords(wanted))
  if (moved === WORD_NULL) return CHUNK_NONE
  const q = chunkAt(moved, offset)
  m.setHead(q, wanted - offset, IS_MMAPPED)
  movedMapped(m, q)
  addMappedMem(m, wanted - total)
  return q
}

/** The mapping is whole pages, and the block starts where memalign could have put it. */
function checkMapping(
  m: Ptmalloc,
  p: Chunk,
  start: WordIndex,
  total: number,
  message: string,
): void {
  const pageMask = m.pageWords - 1
  const inPage = (p + HEADER_WORDS) & pageMask
  if (((start | total) & pageMask) !== 0 || (inPage & (inPage - 1)) !== 0) m.abort(message)
}

const staticAt = (m: Ptmalloc, offset: number): WordIndex => (m.statics + offset) as WordIndex

function addMappedMem(m: Ptmalloc, words: number): void {
  const sum = m.process.atomicAdd(staticAt(m, StaticWord.MMAPPED_MEM), words) + words
  raiseTo(m, StaticWord.MAX_MMAPPED_MEM, sum)
}

/** atomic_max. Ends because each failed exchange means that the maximum has risen. */
function raiseTo(m: Ptmalloc, offset: number, value: number): void {
  const at = staticAt(m, offset)
  for (;;) {
    const max = m.words[at]!
    if (max >= value || m.process.compareAndSwap(at, max, value)) return
  }
}
