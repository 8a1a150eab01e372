/**
 * Central free lists: the spans of each size class, cut into blocks. Blocks go out to threads'
 * caches and come back in any order; a span whose blocks are all back returns to the page heap.
 * Follows gperftools 2.10, src/central_freelist.cc.
 *
 * Free blocks are linked through their first word; a span's own chain ends in 0.
 */
import { Event } from '../../lab/words/events.ts'
import { WORD_NULL, type WordIndex, wordAt, wordsOfBytes } from '../../lab/words/units.ts'
import type { LockId, Process } from '../contract.ts'
import { Central, centralOf } from './central-layout.ts'
import type { PageHeap } from './page-heap.ts'
import type { SizeMap } from './size-class.ts'
import {
  listInit,
  listIsEmpty,
  listPrepend,
  listRemove,
  Span,
  TC_PAGE_WORDS,
  tcPageOfWord,
  wordOfTcPage,
} from './span-layout.ts'
import { Static } from './static-layout.ts'

export class CentralFreeLists {
  readonly #process: Process
  readonly #words: Process['words']
  readonly #sizes: SizeMap
  readonly #pageHeap: PageHeap
  /** Last block of the chain that `fetch` took from its span. */
  #tail: WordIndex = WORD_NULL

  constructor(process: Process, sizes: SizeMap, pageHeap: PageHeap) {
    this.#process = process
    this.#words = process.words
    this.#sizes = sizes
    this.#pageHeap = pageHeap
  }

  /** The part of CentralFreeList::Init that concerns spans. */
  boot(sizeClass: number): void {
    const central = this.of(sizeClass)
    const words = this.#words
    words[central + Central.LOCK_ID] = this.#process.makeLock(central, `class ${sizeClass}`)
    words[central + Central.SIZE_CLASS] = sizeClass
    listInit(words, wordAt(central, Central.FULL))
    listInit(words, wordAt(central, Central.NONEMPTY))
  }

  /** Where a class's central free list lies. */
  of(sizeClass: number): WordIndex {
    return centralOf(this.#process.dataStart, sizeClass)
  }

  lock(sizeClass: number): void {
    const central = this.of(sizeClass)
    this.#process.lock(central, this.#words[central + Central.LOCK_ID] as LockId)
  }

  unlock(sizeClass: number): void {
    const central = this.of(sizeClass)
    this.#process.unlock(central, this.#words[central + Central.LOCK_ID] as LockId)
  }

  /**
   * The slow part of RemoveRange: takes up to `count` blocks from spans as one chain ending in 0.
   * Its first block, or WORD_NULL; `fetchedCount` says how many. Needs the class's lock, which it
   * may drop for a while.
   */
  fetch(sizeClass: number, count: number): WordIndex {
    let head = this.#fetchFromOneSpan(sizeClass, count)
    if (head === WORD_NULL) {
      this.#populate(sizeClass)
      head = this.#fetchFromOneSpan(sizeClass, count)
    }
    let total = head === WORD_NULL ? 0 : this.#lastCount
    while (head !== WORD_NULL && total < count) {
      const more = this.#fetchFromOneSpan(sizeClass, count - total)
      if (more === WORD_NULL) break
      // Blocks of the later span come first.
      this.#words[this.#tail] = head
      head = more
      total += this.#lastCount
    }
    this.fetchedCount = total
    return head
  }

  /** Blocks in the chain that `fetch` returned last. */
  fetchedCount = 0
  /** Blocks that `#fetchFromOneSpan` took last. */
  #lastCount = 0

  /** FetchFromOneSpans: the first blocks of the first span that has any. */
  #fetchFromOneSpan(sizeClass: number, count: number): WordIndex {
    const words = this.#words
    const central = this.of(sizeClass)
    const nonempty = wordAt(central, Central.NONEMPTY)
    if (listIsEmpty(words, nonempty)) return WORD_NULL
    const span = words[nonempty + Span.NEXT] as WordIndex
    const head = words[span + Span.OBJECTS] as WordIndex
    let last = head
    let next = words[last] as WordIndex
    let taken = 1
    while (taken < count && next !== WORD_NULL) {
      last = next
      next = words[last] as WordIndex
      taken++
    }
    if (next === WORD_NULL) {
      listRemove(words, span)
      listPrepend(words, wordAt(central, Central.FULL), span)
    }
    words[span + Span.OBJECTS] = next
    words[last] = WORD_NULL
    words[span + Span.REFCOUNT]! += taken
    words[central + Central.COUNTER]! -= taken
    this.#tail = last
    this.#lastCount = taken
    return head
  }

  /**
   * Populate: a new span, cut into blocks. Linking the blocks writes the first word of each: this
   * is what makes a span of small blocks resident, before any of them is used.
   */
  #populate(sizeClass: number): void {
    const pages = this.#sizes.classPages[sizeClass]!
    // The page heap is slow: the class's lock is dropped meanwhile.
    this.unlock(sizeClass)
    const span = this.#newSpan(sizeClass, pages)
    if (span === WORD_NULL) {
      this.lock(sizeClass)
      return
    }
    const words = this.#words
    const process = this.#process
    const firstPage = words[span + Span.START]!
    for (let i = 0; i < pages; i++) this.#pageHeap.pageMap.cacheClass(firstPage + i, sizeClass)

    const blockWords = wordsOfBytes(this.#sizes.classBytes[sizeClass]!)
    const end = wordOfTcPage(firstPage) + pages * TC_PAGE_WORDS
    let link = span + Span.OBJECTS
    let blocks = 0
    let block: number = wordOfTcPage(firstPage)
    for (; block + blockWords <= end; block += blockWords) {
      process.touch(block as WordIndex)
      words[link] = block
      link = block
      blocks++
    }
    words[link] = WORD_NULL
    words[span + Span.REFCOUNT] = 0
    process.count(Event.LIST_STEPS, blocks)

    this.lock(sizeClass)
    const central = this.of(sizeClass)
    listPrepend(words, wordAt(central, Central.NONEMPTY), span)
    words[central + Central.SPANS]!++
    words[central + Central.COUNTER]! += blocks
  }

  #newSpan(sizeClass: number, pages: number): WordIndex {
    this.lockPageHeap()
    const span = this.#pageHeap.allocate(pages)
    if (span !== WORD_NULL) this.#pageHeap.registerClass(span, sizeClass)
    this.unlockPageHeap()
    return span
  }

  /** ReleaseListToSpans: a chain ending in 0 goes back. Needs the lock, may drop it for a while. */
  releaseChain(sizeClass: number, head: WordIndex): void {
    let block = head
    let blocks = 0
    while (block !== WORD_NULL) {
      const next = this.#words[block] as WordIndex
      this.#releaseBlock(sizeClass, block)
      block = next
      blocks++
    }
    this.#process.count(Event.LIST_STEPS, blocks)
  }

  /** ReleaseToSpans */
  #releaseBlock(sizeClass: number, block: WordIndex): void {
    const words = this.#words
    const central = this.of(sizeClass)
    const span = this.#pageHeap.pageMap.span(tcPageOfWord(block))
    if (words[span + Span.OBJECTS] === WORD_NULL) {
      listRemove(words, span)
      listPrepend(words, wordAt(central, Central.NONEMPTY), span)
    }
    words[central + Central.COUNTER]!++
    const inUse = words[span + Span.REFCOUNT]! - 1
    words[span + Span.REFCOUNT] = inUse
    if (inUse > 0) {
      words[block] = words[span + Span.OBJECTS]!
      words[span + Span.OBJECTS] = block
      return
    }
    words[central + Central.COUNTER]! -= this.blocksPerSpan(sizeClass)
    listRemove(words, span)
    words[central + Central.SPANS]!--
    this.unlock(sizeClass)
    this.lockPageHeap()
    this.#pageHeap.free(span)
    this.unlockPageHeap()
    this.lock(sizeClass)
  }

  blocksPerSpan(sizeClass: number): number {
    const spanWords = this.#sizes.classPages[sizeClass]! * TC_PAGE_WORDS
    return Math.floor(spanWords / wordsOfBytes(this.#sizes.classBytes[sizeClass]!))
  }

  lockPageHeap(): void {
    const lock = wordAt(this.#process.dataStart, Static.PAGE_HEAP_LOCK)
    this.#process.lock(lock, this.#words[lock + 1] as LockId)
  }

  unlockPageHeap(): void {
    const lock = wordAt(this.#process.dataStart, Static.PAGE_HEAP_LOCK)
    this.#process.unlock(lock, this.#words[lock + 1] as LockId)
  }
}
