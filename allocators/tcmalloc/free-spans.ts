/**
 * The page heap's free spans: for each length of 1 … 128 pages one list of normal spans and one of
 * returned ones, newest first; longer spans in two ordered sets. Counts the free pages of each
 * kind. Follows gperftools 2.10, src/page_heap.cc. Every call needs the page heap's lock.
 */
import { type SharedWords, WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import type { Process } from '../contract.ts'
import type { Carver } from './metadata.ts'
import {
  Location,
  listInit,
  listIsEmpty,
  listPrepend,
  listRemove,
  SPAN_WORDS,
  Span,
} from './span-layout.ts'
import { SpanSet } from './span-set.ts'
import { LISTED_PAGES_MAX, Static, StaticArray } from './static-layout.ts'

export class FreeSpans {
  readonly #words: SharedWords
  readonly #static: number
  readonly #lists: number
  readonly #largeNormal: SpanSet
  readonly #largeReturned: SpanSet

  constructor(process: Process, setNodes: Carver) {
    this.#words = process.words
    this.#static = process.dataStart
    this.#lists = process.dataStart + StaticArray.FREE_LISTS
    this.#largeNormal = new SpanSet(process.words, setNodes, this.#static + Static.LARGE_NORMAL)
    this.#largeReturned = new SpanSet(process.words, setNodes, this.#static + Static.LARGE_RETURNED)
  }

  boot(): void {
    for (let length = 1; length <= LISTED_PAGES_MAX; length++) {
      listInit(this.#words, this.list(length, Location.NORMAL))
      listInit(this.#words, this.list(length, Location.RETURNED))
    }
  }

  /** Head of the list of free spans of `length` pages, 1 … 128. */
  list(length: number, location: Location): WordIndex {
    const place = (length - 1) * 2 + (location === Location.NORMAL ? 0 : 1)
    return (this.#lists + place * SPAN_WORDS) as WordIndex
  }

  /** The newest free span of exactly `length` pages, or WORD_NULL. */
  newest(length: number, location: Location): WordIndex {
    const list = this.list(length, location)
    return listIsEmpty(this.#words, list) ? WORD_NULL : (this.#words[list + Span.NEXT] as WordIndex)
  }

  /**
   * The normal span to return next: the oldest of list `index` + 1, and for the index behind the
   * lists the shortest of the long spans. WORD_NULL: none there.
   */
  toRelease(index: number): WordIndex {
    if (index === LISTED_PAGES_MAX) return this.#largeNormal.first()
    const list = this.list(index + 1, Location.NORMAL)
    return listIsEmpty(this.#words, list) ? WORD_NULL : (this.#words[list + Span.PREV] as WordIndex)
  }

  /** The best fit among the long spans of one kind, or WORD_NULL. */
  bestLarge(pages: number, location: Location): WordIndex {
    return location === Location.NORMAL
      ? this.#largeNormal.bestFit(pages)
      : this.#largeReturned.bestFit(pages)
  }

  /** Files a free span by its length and location. */
  add(span: WordIndex): void {
    const words = this.#words
    const length = words[span + Span.LENGTH]!
    const location = words[span + Span.LOCATION] as Location
    words[this.#static + freePagesWord(location)]! += length
    if (length <= LISTED_PAGES_MAX) listPrepend(words, this.list(length, location), span)
    else if (location === Location.NORMAL) this.#largeNormal.insert(span)
    else this.#largeReturned.insert(span)
  }

  remove(span: WordIndex): void {
    const words = this.#words
    const length = words[span + Span.LENGTH]!
    const location = words[span + Span.LOCATION] as Location
    words[this.#static + freePagesWord(location)]! -= length
    if (length <= LISTED_PAGES_MAX) listRemove(words, span)
    else if (location === Location.NORMAL) this.#largeNormal.remove(span)
    else this.#largeReturned.remove(span)
  }
}

/** Which statistic counts the free pages of a kind. */
function freePagesWord(location: Location): number {
  return location === Location.NORMAL ? Static.FREE_PAGES : Static.UNMAPPED_PAGES
}
