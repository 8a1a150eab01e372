/**
 * The malloc family of one lab thread: small requests through the thread's cache, large ones
 * straight from the page heap. Follows gperftools 2.10, src/tcmalloc.cc.
 */
import { Event } from '../../lab/words/events.ts'
import {
  BLOCK_NULL,
  type Block,
  bytesOfWords,
  WORD_NULL,
  type WordIndex,
  wordAt,
  wordsOfBytes,
} from '../../lab/words/units.ts'
import type { Process, ThreadHeap, ThreadInfo } from '../contract.ts'
import { freeBlock } from './free.ts'
import type { Library } from './library.ts'
import { RELEASE_ALL_PAGES } from './page-heap.ts'
import { CLASS_UNKNOWN } from './page-map.ts'
import { classIndex, MAX_SMALL_BYTES, TC_PAGE_BYTES } from './size-class.ts'
import { Span, TC_PAGE_WORDS, tcPageOfWord, wordOfTcPage } from './span-layout.ts'
import type { ThreadCache } from './thread-cache.ts'
import { Tls } from './thread-cache-layout.ts'

/** Sizes are 64-bit numbers: a product beyond them is an overflow. */
const SIZE_LIMIT = 2 ** 64

export class TcmallocHeap implements ThreadHeap {
  readonly library: Library
  readonly #process: Process
  readonly #words: Process['words']
  readonly #classArray: Uint8Array
  readonly #thread: number
  readonly #tls: WordIndex
  /** The thread's cache: made at its first malloc, not by a free; gone when the thread ends. */
  readonly cache: ThreadCache

  constructor(library: Library, thread: ThreadInfo) {
    this.library = library
    this.#process = library.process
    this.#words = library.process.words
    this.#classArray = library.sizes.classArray
    this.#thread = thread.thread
    this.#tls = thread.tls
    this.cache = library.viewCache(this.#words[this.#tls + Tls.CACHE] as WordIndex)
  }

  malloc(bytes: number): Block {
    if (!this.cache.exists) this.#makeCache()
    if (bytes > MAX_SMALL_BYTES) return this.#mallocPages(bytes)
    return this.cache.allocate(this.#classArray[classIndex(bytes)]!) as Block
  }

  /** CreateCacheIfNecessary */
  #makeCache(): void {
    const cache = this.library.registry.new(this.#thread)
    this.#words[this.#tls + Tls.CACHE] = cache
    this.cache.open(cache)
  }

  /** do_malloc_pages: a span of its own. */
  #mallocPages(bytes: number): Block {
    const { central, pageHeap } = this.library
    central.lockPageHeap()
    const span = pageHeap.allocate(Math.ceil(bytes / TC_PAGE_BYTES))
    central.unlockPageHeap()
    return span === WORD_NULL ? BLOCK_NULL : this.#blockOfSpan(span)
  }

  /** SpanToMallocResult */
  #blockOfSpan(span: WordIndex): Block {
    const page = this.#words[span + Span.START]!
    this.library.pageMap.forgetClass(page)
    return wordOfTcPage(page) as Block
  }

  free(block: Block): void {
    if (block !== BLOCK_NULL) freeBlock(this, block)
  }

  /** do_calloc: clears the whole block, also where the kernel has just done so. */
  calloc(count: number, bytes: number): Block {
    const size = count * bytes
    if (size >= SIZE_LIMIT) return BLOCK_NULL
    const block = this.malloc(size)
    if (block === BLOCK_NULL) return BLOCK_NULL
    const words = wordsOfBytes(this.usableSize(block))
    this.#process.touchRange(block, words)
    this.#words.fill(0, block, block + words)
    return block
  }

  /**
   * do_realloc: moves a block that must grow, or that shrinks to less than half. One that grows by
   * less than a quarter gets that quarter, so that many small steps do not copy each time.
   */
  realloc(block: Block, bytes: number): Block {
    if (block === BLOCK_NULL) return this.malloc(bytes)
    if (bytes === 0) {
      this.free(block)
      return BLOCK_NULL
    }
    const oldBytes = this.usableSize(block)
    if (bytes <= oldBytes && bytes >= Math.floor(oldBytes / 2)) return block

    const growBytes = oldBytes + Math.floor(oldBytes / 4)
    let moved = BLOCK_NULL
    if (bytes > oldBytes && bytes < growBytes) moved = this.malloc(growBytes)
    if (moved === BLOCK_NULL) moved = this.malloc(bytes)
    if (moved === BLOCK_NULL) return BLOCK_NULL
    const copied = Math.min(oldBytes, bytes)
    const words = wordsOfBytes(copied)
    this.#process.touchReadRange(block, words)
    this.#process.touchRange(moved, words)
    this.#words.copyWithin(moved, block, block + words)
    this.#process.count(Event.BYTES_COPIED, copied)
    this.free(block)
    return moved
  }

  /** Classes are aligned by their sizes: up to a page it is enough to round the request up. */
  memalign(alignment: number, bytes: number): Block {
    if (alignment > TC_PAGE_BYTES) return this.#memalignPages(alignment, bytes)
    return this.malloc(bytes === 0 ? alignment : Math.ceil(bytes / alignment) * alignment)
  }

  /** do_memalign_pages: takes enough to align within, and frees what is over at both ends. */
  #memalignPages(alignment: number, wanted: number): Block {
    const bytes = Math.max(wanted, 1)
    if (bytes + alignment >= SIZE_LIMIT) return BLOCK_NULL
    const { central, pageHeap } = this.library
    const words = this.#words
    central.lockPageHeap()
    let span = pageHeap.allocate(Math.ceil((bytes + alignment) / TC_PAGE_BYTES))
    if (span !== WORD_NULL) {
      const alignmentPages = alignment / TC_PAGE_BYTES
      const beyond = words[span + Span.START]! % alignmentPages
      if (beyond > 0) {
        const lead = span
        span = pageHeap.split(lead, alignmentPages - beyond)
        pageHeap.free(lead)
      }
      const needed = Math.ceil(bytes / TC_PAGE_BYTES)
      if (words[span + Span.LENGTH]! > needed) pageHeap.free(pageHeap.split(span, needed))
    }
    central.unlockPageHeap()
    return span === WORD_NULL ? BLOCK_NULL : this.#blockOfSpan(span)
  }

  /** GetSizeWithCallback: the whole block may be used. */
  usableSize(block: Block): number {
    if (block === BLOCK_NULL) return 0
    const { pageMap, sizes } = this.library
    const page = tcPageOfWord(block)
    const known = pageMap.cachedClass(page)
    if (known !== CLASS_UNKNOWN) return sizes.classBytes[known]!
    const span = pageMap.span(page)
    if (span === WORD_NULL) {
      this.#process.abort('Attempt to get the size of an invalid pointer')
    }
    const sizeClass = this.#words[span + Span.SIZE_CLASS]!
    if (sizeClass !== 0) return sizes.classBytes[sizeClass]!
    return bytesOfWords(this.#words[span + Span.LENGTH]! * TC_PAGE_WORDS)
  }

  /** MallocExtension::ReleaseFreeMemory: all free spans go back to the kernel. */
  trim(_padBytes: number): boolean {
    const { central, pageHeap } = this.library
    central.lockPageHeap()
    const released = pageHeap.releaseAtLeast(RELEASE_ALL_PAGES)
    central.unlockPageHeap()
    return released > 0
  }

  /** DestroyThreadCache */
  exit(): void {
    if (this.cache.exists) this.cache.delete()
    this.cache.open(WORD_NULL)
    this.#words[wordAt(this.#tls, Tls.CACHE)] = WORD_NULL
  }
}
