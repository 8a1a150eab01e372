/**
 * The way of a free: the size class comes from the page cache or the span; a small block goes to
 * the freeing thread's cache, whichever thread allocated it (so a remote free costs nothing more,
 * and memory wanders to the threads that free); a block of its own goes to the page heap.
 * Follows gperftools 2.10, src/tcmalloc.cc (do_free_with_callback).
 */
import { type Block, WORD_NULL } from '../../lab/words/units.ts'
import type { TcmallocHeap } from './malloc.ts'
import { CLASS_UNKNOWN } from './page-map.ts'
import { Span, tcPageOfWord } from './span-layout.ts'

/** Frees a block that is not NULL, for the lab thread of this heap. */
export function freeBlock(heap: TcmallocHeap, block: Block): void {
  const { library, cache } = heap
  const { pageMap, process } = library
  const page = tcPageOfWord(block)
  let sizeClass = pageMap.cachedClass(page)
  if (sizeClass === CLASS_UNKNOWN) {
    const span = pageMap.span(page)
    if (span === WORD_NULL) process.abort('Attempt to free invalid pointer')
    sizeClass = process.words[span + Span.SIZE_CLASS]!
    if (sizeClass === 0) {
      library.central.lockPageHeap()
      library.pageHeap.free(span)
      library.central.unlockPageHeap()
      return
    }
    pageMap.cacheClass(page, sizeClass)
  }
  if (cache.exists) {
    cache.deallocate(block, sizeClass)
    return
  }
  // A thread that never allocated has no cache: straight to the central list.
  process.words[block] = WORD_NULL
  library.transfer.insert(sizeClass, block, block, 1)
}
