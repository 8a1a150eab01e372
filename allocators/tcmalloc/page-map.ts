/**
 * From a page number to what lies there: the page map, a radix tree of two levels, leads to the
 * page's span; the page cache, a direct-mapped table, answers the commoner question "which size
 * class?" without touching the span.
 *
 *   page number (8 KiB pages):  │ 17 bits: root entry │ 18 bits: entry in the leaf │
 *
 * Follows gperftools 2.10: src/pagemap.h (TCMalloc_PageMap2), src/packed-cache-inl.h. A leaf is
 * 2 MiB, covers 2 GiB of address space and is zeroed, so made resident, when it is made. Where
 * those 2 GiB boundaries fall depends on where the kernel put the heap.
 */
import { WORD_NULL, type WordIndex, wordsOfBytes } from '../../lab/words/units.ts'
import type { Process } from '../contract.ts'
import type { Metadata } from './metadata.ts'
import { CLASSES_MAX } from './size-class.ts'
import { TC_PAGE_WORDS } from './span-layout.ts'
import {
  PAGE_CACHE_ENTRIES,
  PAGE_CACHE_ENTRY_WORDS,
  ROOT_ENTRIES,
  ROOT_ENTRY_WORDS,
  StaticArray,
} from './static-layout.ts'

const LEAF_BITS = 18
const LEAF_ENTRIES = 1 << LEAF_BITS
const LEAF_ENTRY_WORDS = 2
const LEAF_BYTES = LEAF_ENTRIES * 8

const CACHE_KEY_MASK = ~(PAGE_CACHE_ENTRIES - 1)
const CACHE_INDEX_MASK = PAGE_CACHE_ENTRIES - 1
/** Set in an entry that says nothing; above every class number. */
const CACHE_INVALID = CLASSES_MAX

/** What `cachedClass` answers when the cache does not know. */
export const CLASS_UNKNOWN = -1

export class PageMap {
  readonly #process: Process
  readonly #words: Process['words']
  readonly #metadata: Metadata
  readonly #root: number
  readonly #cache: number

  constructor(process: Process, metadata: Metadata) {
    this.#process = process
    this.#words = process.words
    this.#metadata = metadata
    this.#root = process.dataStart + StaticArray.ROOT
    this.#cache = process.dataStart + StaticArray.PAGE_CACHE
  }

  /** Start of the library: the root is zeroed already, the cache's entries say nothing. */
  boot(): void {
    const end = this.#cache + PAGE_CACHE_ENTRIES * PAGE_CACHE_ENTRY_WORDS
    for (let entry = this.#cache; entry < end; entry += PAGE_CACHE_ENTRY_WORDS) {
      this.#words[entry] = CACHE_INVALID
    }
  }

  /** The span of a page, or WORD_NULL. Any thread, without a lock, for a page it owns. */
  span(page: number): WordIndex {
    const leaf = this.#words[this.#root + (page >>> LEAF_BITS) * ROOT_ENTRY_WORDS]!
    if (leaf === WORD_NULL) return WORD_NULL
    return this.#words[leaf + (page & (LEAF_ENTRIES - 1)) * LEAF_ENTRY_WORDS] as WordIndex
  }

  /** Needs the page heap's lock, and a page that was ensured. */
  setSpan(page: number, span: WordIndex): void {
    const leaf = this.#words[this.#root + (page >>> LEAF_BITS) * ROOT_ENTRY_WORDS]!
    this.#words[leaf + (page & (LEAF_ENTRIES - 1)) * LEAF_ENTRY_WORDS] = span
  }

  /** Makes the leaves of `count` pages from `first` on. False: no memory, or beyond the map. */
  ensure(first: number, count: number): boolean {
    const last = first + count - 1
    for (let index = first >>> LEAF_BITS; index <= last >>> LEAF_BITS; index++) {
      if (index >= ROOT_ENTRIES) return false
      const entry = this.#root + index * ROOT_ENTRY_WORDS
      if (this.#words[entry] !== WORD_NULL) continue
      const leaf = this.#metadata.allocate(LEAF_BYTES)
      if (leaf === WORD_NULL) return false
      this.#process.touchRange(leaf, wordsOfBytes(LEAF_BYTES))
      this.#words[entry] = leaf
    }
    return true
  }

  // ── for walks at a safepoint ─────────────────────────────────────────────────────────────────

  /** All pages that have a leaf lie in [first, end). */
  mappedPages(): [first: number, end: number] {
    let first = 0
    let end = 0
    const entries = Math.ceil(this.#words.length / (LEAF_ENTRIES * TC_PAGE_WORDS))
    for (let index = 0; index < entries; index++) {
      if (this.#words[this.#root + index * ROOT_ENTRY_WORDS] === WORD_NULL) continue
      if (end === 0) first = index * LEAF_ENTRIES
      end = (index + 1) * LEAF_ENTRIES
    }
    return [first, Math.min(end, Math.ceil(this.#words.length / TC_PAGE_WORDS))]
  }

  /** The first page of [from, end) that leads to a span; `end` when none does. */
  nextWithSpan(from: number, end: number): number {
    const words = this.#words
    let page = from
    while (page < end) {
      const index = page >>> LEAF_BITS
      const leaf = words[this.#root + index * ROOT_ENTRY_WORDS]!
      const leafEnd = Math.min(end, (index + 1) * LEAF_ENTRIES)
      if (leaf === WORD_NULL) page = leafEnd
      for (; page < leafEnd; page++) {
        if (words[leaf + (page & (LEAF_ENTRIES - 1)) * LEAF_ENTRY_WORDS] !== WORD_NULL) return page
      }
    }
    return end
  }

  // ── the page cache ───────────────────────────────────────────────────────────────────────────

  /** The size class of a page if the cache knows it, else CLASS_UNKNOWN. Any thread, no lock. */
  cachedClass(page: number): number {
    const entry = this.#words[this.#cacheEntry(page)]!
    const sizeClass = entry ^ (page & CACHE_KEY_MASK)
    return sizeClass >>> 0 < CACHE_INVALID ? sizeClass : CLASS_UNKNOWN
  }

  /** Any thread, no lock: entries are written whole, and one only says what is true of its page. */
  cacheClass(page: number, sizeClass: number): void {
    this.#words[this.#cacheEntry(page)] = (page & CACHE_KEY_MASK) | sizeClass
  }

  /** The page now starts a block of its own, which has no class. */
  forgetClass(page: number): void {
    this.#words[this.#cacheEntry(page)] = (page & CACHE_KEY_MASK) | CACHE_INVALID
  }

  #cacheEntry(page: number): number {
    return this.#cache + (page & CACHE_INDEX_MASK) * PAGE_CACHE_ENTRY_WORDS
  }
}
