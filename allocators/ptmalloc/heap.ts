/**
 * Heaps of non-main arenas: aligned mappings that grow by mprotect and form chains (glibc arena.c:
 * new_heap, grow_heap, shrink_heap, heap_trim). Sizes are in words.
 */

import { Event } from '../../lab/words/events.ts'
import { bytesOfWords, WORD_NULL, type WordIndex, wordsOfBytes } from '../../lab/words/units.ts'
import { MappingKind, Protection } from '../contract.ts'
import { unlinkChunk } from './bins.ts'
import { type Chunk, FIELD_WORDS, MIN_CHUNK_WORDS, PREV_INUSE } from './chunk-layout.ts'
import { HEAP_MIN_BYTES, HEAP_NONE, type HeapInfo, HeapWord } from './heap-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { StaticWord } from './static-layout.ts'

/**
 * A heap of which at least `words` are usable, or HEAP_NONE when that exceeds heap_max or nothing
 * can be mapped. top_pad more are made usable where they fit.
 */
export function newHeap(m: Ptmalloc, words: number): HeapInfo {
  const padded = words + m.topPadWords
  let size = padded
  if (padded < wordsOfBytes(HEAP_MIN_BYTES)) size = wordsOfBytes(HEAP_MIN_BYTES)
  else if (words > m.heapMax) return HEAP_NONE
  else if (padded > m.heapMax) size = m.heapMax
  size = m.pagesUp(size)

  const heap = mapAligned(m)
  if (heap === HEAP_NONE) return HEAP_NONE
  if (!m.process.mprotect(heap, bytesOfWords(size), Protection.READ_WRITE)) {
    unmap(m, heap, m.heapMax)
    return HEAP_NONE
  }
  m.process.touch(heap)
  m.words[heap + HeapWord.SIZE] = size
  m.words[heap + HeapWord.MPROTECT_SIZE] = size
  m.process.count(Event.HEAP_NEW)
  return heap
}

/**
 * heap_max words without access at a multiple of heap_max. Mapping twice as much always contains
 * such a part; what lies before and after it is unmapped again. When the first half was aligned by
 * itself, the second half is remembered: the next heap then takes one mapping instead of three
 * calls.
 */
function mapAligned(m: Ptmalloc): HeapInfo {
  const { process, heapMax } = m
  const area = m.static(StaticWord.ALIGNED_HEAP_AREA) as WordIndex
  if (area !== WORD_NULL) {
    const at = mapReserve(m, area, heapMax)
    m.setStatic(StaticWord.ALIGNED_HEAP_AREA, WORD_NULL)
    if (at !== WORD_NULL) {
      if ((at & (heapMax - 1)) === 0) return at as WordIndex as HeapInfo
      unmap(m, at, heapMax)
    }
  }
  const first = mapReserve(m, WORD_NULL, 2 * heapMax)
  if (first !== WORD_NULL) {
    const heap = ((first + heapMax - 1) & -heapMax) as HeapInfo
    const before = heap - first
    if (before > 0 || !m.rules.alignedHeapArea) unmap(m, first, before)
    else m.setStatic(StaticWord.ALIGNED_HEAP_AREA, heap + heapMax)
    process.munmap((heap + heapMax) as WordIndex, bytesOfWords(heapMax - before))
    return heap
  }
  // No room for both: perhaps one alone happens to be aligned.
  const alone = mapReserve(m, WORD_NULL, heapMax)
  if (alone === WORD_NULL) return HEAP_NONE
  if ((alone & (heapMax - 1)) === 0) return alone as WordIndex as HeapInfo
  unmap(m, alone, heapMax)
  return HEAP_NONE
}

const mapReserve = (m: Ptmalloc, hint: WordIndex, words: number): WordIndex =>
  m.process.mmap(hint, bytesOfWords(words), Protection.NONE, MappingKind.ARENA_HEAP)

const unmap = (m: Ptmalloc, at: WordIndex, words: number): boolean =>
  m.process.munmap(at, bytesOfWords(words))

/** Makes `words` more of a heap usable; false when heap_max or the kernel forbids it. */
export function growHeap(m: Ptmalloc, heap: HeapInfo, words: number): boolean {
  const size = m.heapSize(heap) + m.pagesUp(words)
  if (size > m.heapMax) return false
  const accessible = m.words[heap + HeapWord.MPROTECT_SIZE]!
  if (size > accessible) {
    const more = bytesOfWords(size - accessible)
    const at = (heap + accessible) as WordIndex
    if (!m.process.mprotect(at, more, Protection.READ_WRITE)) return false
    m.words[heap + HeapWord.MPROTECT_SIZE] = size
  }
  m.words[heap + HeapWord.SIZE] = size
  m.process.count(Event.HEAP_GROWN)
  return true
}

/**
 * Gives the last `words` of a heap's usable part back. They stay accessible (MADV_DONTNEED), unless
 * the kernel does not overcommit (vm.overcommit_memory = 2) or the design always remaps: then they
 * are mapped anew without access, which also returns their commit charge.
 */
function shrinkHeap(m: Ptmalloc, heap: HeapInfo, words: number): boolean {
  const { process } = m
  const size = m.heapSize(heap) - words
  if (size < m.rules.heapInfoWords) return false
  const at = (heap + size) as WordIndex
  const bytes = bytesOfWords(words)
  if (m.rules.remapsShrunkHeaps || process.strictOvercommit === true) {
    if (!process.mmapFixed(at, bytes, Protection.NONE, MappingKind.ARENA_HEAP)) return false
    m.words[heap + HeapWord.MPROTECT_SIZE] = size
  } else {
    process.madviseDontNeed(at, bytes)
  }
  m.words[heap + HeapWord.SIZE] = size
  process.count(Event.HEAP_SHRUNK)
  return true
}

/**
 * heap_trim, after a large free in a non-main arena: unmaps the arena's last heaps while they hold
 * nothing but the top, then shrinks the one that is last. `padBytes` stay in the top.
 */
export function heapTrim(m: Ptmalloc, lastHeap: HeapInfo, padBytes: number): boolean {
  const av = m.heapArena(lastHeap)
  const { heapInfoWords } = m.rules
  let heap = lastHeap
  let top = m.top(av)
  while (top === chunkAt(heap, heapInfoWords)) {
    const previous = m.heapPrev(heap)
    const last = lastChunk(m, previous)
    const size = revivedTopSize(m, last)
    // Not when that heap could not grow by a page and pad: it would soon need a next one again.
    const room = size + m.heapMax - m.heapSize(previous)
    if (room < wordsOfBytes(padBytes) + MIN_CHUNK_WORDS + m.pageWords) break
    deleteHeap(m, heap)
    heap = previous
    top = m.prevInuse(last) ? last : mergeBelow(m, last)
    m.setTop(av, top)
    m.setHead(top, size, PREV_INUSE)
  }
  return shrinkTop(m, heap, top, padBytes)
}

/** Words of the fencepost that ends every heap but an arena's last. */
const FENCEPOST_WORDS = MIN_CHUNK_WORDS - 2 * FIELD_WORDS

/** The chunk below a heap's fencepost. */
function lastChunk(m: Ptmalloc, heap: HeapInfo): Chunk {
  // Heaps are whole pages and heap_info keeps chunks aligned, so the fencepost needs no alignment.
  const fence = chunkAt(heap, m.heapSize(heap) - FENCEPOST_WORDS)
  if (m.head(fence) !== PREV_INUSE) {
    m.abort('malloc assertion failure in heap_trim: chunksize_nomask (p) == (0 | PREV_INUSE)')
  }
  return chunkAt(fence, -m.prevSize(fence))
}

/** What a top measures that such a chunk becomes: with the fencepost, and a free chunk below. */
function revivedTopSize(m: Ptmalloc, last: Chunk): number {
  const size = m.size(last) + FENCEPOST_WORDS
  return m.prevInuse(last) ? size : size + m.prevSize(last)
}

function mergeBelow(m: Ptmalloc, chunk: Chunk): Chunk {
  const below = chunkAt(chunk, -m.prevSize(chunk))
  unlinkChunk(m, below, m.size(below))
  return below
}

function deleteHeap(m: Ptmalloc, heap: HeapInfo): void {
  m.addSystemMem(m.heapArena(heap), -m.heapSize(heap))
  if (heap + m.heapMax === m.static(StaticWord.ALIGNED_HEAP_AREA)) {
    m.setStatic(StaticWord.ALIGNED_HEAP_AREA, WORD_NULL)
  }
  unmap(m, heap, m.heapMax)
  m.process.count(Event.HEAP_DELETED)
}

function shrinkTop(m: Ptmalloc, heap: HeapInfo, top: Chunk, padBytes: number): boolean {
  const size = m.size(top)
  if (m.rules.heapTrimHasThreshold && size < m.static(StaticWord.TRIM_THRESHOLD)) return false
  const bytes = m.rules.trimmable(bytesOfWords(size), padBytes, m.process.pageBytes)
  if (bytes <= 0) return false
  const extra = wordsOfBytes(bytes)
  const av = m.heapArena(heap)
  if (!shrinkHeap(m, heap, extra)) return false
  m.addSystemMem(av, -extra)
  m.setHead(top, size - extra, PREV_INUSE)
  return true
}
