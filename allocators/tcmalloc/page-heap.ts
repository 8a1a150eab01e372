/**
 * The page heap: hands out spans of whole pages, takes them back, joins free neighbours, grows
 * from the system and gives pages back to it.
 *
 *   free_[n]   for spans of n = 1 … 128 pages: a list of normal and a list of returned ones
 *   large      for longer spans: an ordered set of normal and one of returned ones
 *
 * Normal and returned free spans are never joined with one another: a joined span would be partly
 * resident, and nobody would know which part.
 *
 * Follows gperftools 2.10, src/page_heap.cc. Lengths and places are in pages of 8 KiB. Every
 * public method needs the page heap's lock.
 */
import { Event } from '../../lab/words/events.ts'
import { WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import { MappingKind, type Process } from '../contract.ts'
import { FreeSpans } from './free-spans.ts'
import { GrowthLog } from './growth-log.ts'
import type { Carver } from './metadata.ts'
import type { PageMap } from './page-map.ts'
import { TC_PAGE_BYTES } from './size-class.ts'
import {
  Location,
  SPAN_WORDS,
  Span,
  TC_PAGE_WORDS,
  tcPageOfWord,
  wordOfTcPage,
} from './span-layout.ts'
import { LISTED_PAGES_MAX, Static } from './static-layout.ts'
import type { SystemAlloc } from './system-alloc.ts'
import type { TcmallocTunables } from './tunables.ts'

/** kMinSystemAlloc: the heap grows by 1 MiB at least. */
const GROWTH_PAGES_MIN = 128
/** kMaxValidPages: 2^64 bytes. */
const PAGES_MAX = 2 ** 51 - 1
/** kForcedCoalesceInterval: the heap may release everything to find room, once in 128 MiB. */
const FORCED_COALESCE_BYTES = 128 * 1024 * 1024
/** "Everything", to `releaseAtLeast`. */
export const RELEASE_ALL_PAGES = 0x7fffffff
/** kDefaultReleaseDelay: pages to wait when there was nothing to release. */
const IDLE_RELEASE_DELAY_PAGES = 1 << 18
/** kMaxReleaseDelay */
const RELEASE_DELAY_MAX_PAGES = 1 << 20
/** Release rate 1 means: after releasing one page, wait for 1000. */
const PAGES_PER_RELEASED_PAGE = 1000
const PAGES_PER_MIB = 128

export interface PageHeapParts {
  readonly process: Process
  readonly system: SystemAlloc
  readonly pageMap: PageMap
  readonly spans: Carver
  readonly stackTraces: Carver
  readonly setNodes: Carver
}

export class PageHeap {
  readonly pageMap: PageMap
  readonly #process: Process
  readonly #words: Process['words']
  readonly #static: number
  readonly #system: SystemAlloc
  readonly #spans: Carver
  readonly #growthLog: GrowthLog
  readonly #freeSpans: FreeSpans
  readonly #releaseRate: number
  readonly #aggressiveDecommit: boolean
  readonly #limitPages: number

  constructor(parts: PageHeapParts, tunables: TcmallocTunables) {
    const { process } = parts
    this.#process = process
    this.#words = process.words
    this.#static = process.dataStart
    this.#system = parts.system
    this.pageMap = parts.pageMap
    this.#spans = parts.spans
    this.#growthLog = new GrowthLog(process, parts.stackTraces)
    this.#freeSpans = new FreeSpans(process, parts.setNodes)
    this.#releaseRate = tunables.release_rate
    this.#aggressiveDecommit = tunables.aggressive_decommit !== 0
    this.#limitPages = tunables.heap_limit_mb * PAGES_PER_MIB
  }

  /** PageHeap::PageHeap */
  boot(): void {
    this.#words[this.#static + Static.RELEASE_INDEX] = LISTED_PAGES_MAX
    this.#freeSpans.boot()
    this.pageMap.boot()
  }

  // ── handing out ────────────────────────────────────────────────────────────────────────────

  /** PageHeap::New: a span of exactly `pages` pages, in use, or WORD_NULL. */
  allocate(pages: number): WordIndex {
    let span = this.#searchFree(pages)
    if (span !== WORD_NULL) return span

    if (this.#shouldReleaseAllFirst(pages)) {
      this.releaseAtLeast(RELEASE_ALL_PAGES)
      span = this.#searchFree(pages)
      if (span !== WORD_NULL) return span
    }
    if (!this.#grow(pages)) return WORD_NULL
    return this.#searchFree(pages)
  }

  /**
   * Room may be there, cut into normal and returned pieces. When the heap is about to grow past a
   * multiple of 128 MiB with a quarter of it free, all spans are returned, which joins them.
   */
  #shouldReleaseAllFirst(pages: number): boolean {
    const words = this.#words
    const free = words[this.#static + Static.FREE_PAGES]!
    const unmapped = words[this.#static + Static.UNMAPPED_PAGES]!
    const system = words[this.#static + Static.SYSTEM_PAGES]!
    if (free === 0 || unmapped === 0 || (free + unmapped) * 4 < system) return false
    // The real one's 64-bit byte count of the largest possible request wraps to 0.
    const grownBytes = pages > PAGES_MAX ? 0 : pages * TC_PAGE_BYTES
    const before = Math.floor((system * TC_PAGE_BYTES) / FORCED_COALESCE_BYTES)
    const after = Math.floor((system * TC_PAGE_BYTES + grownBytes) / FORCED_COALESCE_BYTES)
    return before !== after
  }

  /** SearchFreeAndLargeLists: the shortest listed span that fits, normal before returned. */
  #searchFree(pages: number): WordIndex {
    for (let length = pages; length <= LISTED_PAGES_MAX; length++) {
      const normal = this.#freeSpans.newest(length, Location.NORMAL)
      if (normal !== WORD_NULL) return this.#carve(normal, pages)

      if (this.#freeSpans.newest(length, Location.RETURNED) === WORD_NULL) continue
      if (!this.#ensureLimit(pages, true)) continue
      // Releasing for the limit may have joined the span away.
      const returned = this.#freeSpans.newest(length, Location.RETURNED)
      if (returned !== WORD_NULL) return this.#carve(returned, pages)
    }
    return this.#searchLarge(pages)
  }

  /** AllocLarge: best fit among the long spans; of equals the lowest, whatever its kind. */
  #searchLarge(pages: number): WordIndex {
    const normal = this.#freeSpans.bestLarge(pages, Location.NORMAL)
    const returned = this.#freeSpans.bestLarge(pages, Location.RETURNED)
    if (returned === WORD_NULL || (normal !== WORD_NULL && !this.#isBetter(returned, normal))) {
      return normal === WORD_NULL ? WORD_NULL : this.#carve(normal, pages)
    }
    if (this.#ensureLimit(pages, false)) return this.#carve(returned, pages)
    // Releasing may join spans away: search again, the limit is kept now.
    return this.#ensureLimit(pages, true) ? this.#searchLarge(pages) : WORD_NULL
  }

  #isBetter(span: WordIndex, other: WordIndex): boolean {
    const words = this.#words
    const length = words[span + Span.LENGTH]!
    const otherLength = words[other + Span.LENGTH]!
    if (length !== otherLength) return length < otherLength
    return words[span + Span.START]! < words[other + Span.START]!
  }

  /** Takes a free span, keeps its first `pages` pages, frees the rest where it was. */
  #carve(span: WordIndex, pages: number): WordIndex {
    const words = this.#words
    const location = words[span + Span.LOCATION] as Location
    this.#freeSpans.remove(span)
    words[span + Span.LOCATION] = Location.IN_USE
    const extra = words[span + Span.LENGTH]! - pages
    if (extra > 0) {
      const start = words[span + Span.START]!
      const rest = this.#newSpan(start + pages, extra)
      words[rest + Span.LOCATION] = location
      this.#record(rest)
      // Its right neighbour was not joined with the whole span before: no joining now.
      this.#freeSpans.add(rest)
      words[span + Span.LENGTH] = pages
      this.pageMap.setSpan(start + pages - 1, span)
    }
    if (location === Location.RETURNED) this.#countCommitted(pages)
    this.#process.count(Event.SPAN_NEW)
    return span
  }

  /** Splits a span in use after `pages` pages; the second part. */
  split(span: WordIndex, pages: number): WordIndex {
    const words = this.#words
    const start = words[span + Span.START]!
    const rest = this.#newSpan(start + pages, words[span + Span.LENGTH]! - pages)
    this.#record(rest)
    this.pageMap.setSpan(start + pages - 1, span)
    words[span + Span.LENGTH] = pages
    return rest
  }

  /** RegisterSizeClass: every page of the span leads to it, not only the outer two. */
  registerClass(span: WordIndex, sizeClass: number): void {
    const words = this.#words
    words[span + Span.SIZE_CLASS] = sizeClass
    const start = words[span + Span.START]!
    const last = start + words[span + Span.LENGTH]! - 1
    for (let page = start + 1; page < last; page++) this.pageMap.setSpan(page, span)
  }

  // ── taking back ────────────────────────────────────────────────────────────────────────────

  /** PageHeap::Delete: frees a span in use. */
  free(span: WordIndex): void {
    const words = this.#words
    const pages = words[span + Span.LENGTH]!
    words[span + Span.SIZE_CLASS] = 0
    words[span + Span.LOCATION] = Location.NORMAL
    this.#process.count(Event.SPAN_FREED)
    this.#mergeIntoFree(span)
    this.#scavenge(pages)
  }

  /** Joins a span with free neighbours of its kind and puts it on its list. */
  #mergeIntoFree(span: WordIndex): void {
    const words = this.#words
    const start = words[span + Span.START]!
    const end = start + words[span + Span.LENGTH]!
    if (this.#aggressiveDecommit && words[span + Span.LOCATION] === Location.NORMAL) {
      if (this.#decommit(span)) words[span + Span.LOCATION] = Location.RETURNED
    }
    const left = this.#takeNeighbour(span, this.pageMap.span(start - 1))
    if (left !== WORD_NULL) {
      const length = words[left + Span.LENGTH]!
      this.#spans.delete(left)
      words[span + Span.START] = start - length
      words[span + Span.LENGTH]! += length
      this.pageMap.setSpan(start - length, span)
    }
    const right = this.#takeNeighbour(span, this.pageMap.span(end))
    if (right !== WORD_NULL) {
      const length = words[right + Span.LENGTH]!
      this.#spans.delete(right)
      words[span + Span.LENGTH]! += length
      this.pageMap.setSpan(end + length - 1, span)
    }
    this.#freeSpans.add(span)
  }

  /** CheckAndHandlePreMerge: the neighbour, off its list, when it can be joined; or WORD_NULL. */
  #takeNeighbour(span: WordIndex, other: WordIndex): WordIndex {
    if (other === WORD_NULL) return WORD_NULL
    const words = this.#words
    const location = words[span + Span.LOCATION]
    const otherLocation = words[other + Span.LOCATION]
    const decommitFirst =
      this.#aggressiveDecommit &&
      otherLocation === Location.NORMAL &&
      location === Location.RETURNED
    if (decommitFirst) {
      if (!this.#decommit(other)) return WORD_NULL
    } else if (otherLocation !== location) {
      return WORD_NULL
    }
    this.#freeSpans.remove(other)
    return other
  }

  // ── giving back to the kernel ──────────────────────────────────────────────────────────────

  /** IncrementalScavenge: every so many freed pages, one span is returned. */
  #scavenge(freedPages: number): void {
    const words = this.#words
    const counter = this.#static + Static.SCAVENGE_COUNTER
    words[counter]! -= freedPages
    if (words[counter]! >= 0) return
    // Before the library's constructors have run the rate reads 0: nothing is ever released then.
    const rate = words[this.#static + Static.FLAGS_READY] === 0 ? 0 : this.#releaseRate
    if (rate <= 1e-6) {
      words[counter] = IDLE_RELEASE_DELAY_PAGES
      return
    }
    words[this.#static + Static.SCAVENGE_COUNT]!++
    const released = this.releaseAtLeast(1)
    if (released === 0) {
      words[counter] = IDLE_RELEASE_DELAY_PAGES
      return
    }
    const wait = (PAGES_PER_RELEASED_PAGE / rate) * released
    words[counter] = Math.trunc(Math.min(wait, RELEASE_DELAY_MAX_PAGES))
  }

  /**
   * ReleaseAtLeastNPages: returns whole spans, going round the lists from where the last call
   * stopped, the oldest of each list first. The pages released.
   */
  releaseAtLeast(pages: number): number {
    const words = this.#words
    const indexWord = this.#static + Static.RELEASE_INDEX
    let released = 0
    while (released < pages && words[this.#static + Static.FREE_PAGES]! > 0) {
      for (let i = 0; i <= LISTED_PAGES_MAX && released < pages; i++) {
        if (words[indexWord]! > LISTED_PAGES_MAX) words[indexWord] = 0
        const span = this.#freeSpans.toRelease(words[indexWord]!)
        if (span !== WORD_NULL) {
          const length = this.#releaseSpan(span)
          if (length === 0) return released
          released += length
        }
        words[indexWord]!++
      }
    }
    return released
  }

  /** ReleaseSpan: the pages returned, or 0. */
  #releaseSpan(span: WordIndex): number {
    if (!this.#decommit(span)) return 0
    this.#freeSpans.remove(span)
    const length = this.#words[span + Span.LENGTH]!
    this.#words[span + Span.LOCATION] = Location.RETURNED
    this.#mergeIntoFree(span)
    return length
  }

  #decommit(span: WordIndex): boolean {
    const words = this.#words
    const length = words[span + Span.LENGTH]!
    words[this.#static + Static.DECOMMIT_COUNT]!++
    const start = wordOfTcPage(words[span + Span.START]!)
    if (!this.#system.release(start, length * TC_PAGE_WORDS)) return false
    words[this.#static + Static.COMMITTED_PAGES]! -= length
    words[this.#static + Static.TOTAL_DECOMMIT_PAGES]! += length
    this.#process.count(Event.TRIM)
    return true
  }

  /** EnsureLimit: may `pages` more pages be taken, after releasing some if allowed? */
  #ensureLimit(pages: number, release: boolean): boolean {
    const words = this.#words
    const ready = words[this.#static + Static.FLAGS_READY] !== 0
    if (this.#limitPages === 0 || !ready) return true
    let taken =
      words[this.#static + Static.SYSTEM_TAKEN_PAGES]! -
      words[this.#static + Static.UNMAPPED_PAGES]!
    if (taken + pages > this.#limitPages && release) {
      taken -= this.releaseAtLeast(taken + pages - this.#limitPages)
    }
    return taken + pages <= this.#limitPages
  }

  // ── growing, and small helpers ─────────────────────────────────────────────────────────────

  /** GrowHeap: new memory enters as a free span, which joins what lies before it. */
  #grow(pages: number): boolean {
    if (pages > PAGES_MAX) return false
    let ask = Math.max(pages, GROWTH_PAGES_MIN)
    let memory = this.#systemPages(ask)
    if (memory === WORD_NULL && pages < ask) {
      ask = pages
      memory = this.#systemPages(ask)
    }
    if (memory === WORD_NULL) return false
    this.#growthLog.record(ask)
    const words = this.#words
    words[this.#static + Static.RESERVE_COUNT]!++
    words[this.#static + Static.SYSTEM_PAGES]! += ask
    words[this.#static + Static.TOTAL_RESERVE_PAGES]! += ask
    this.#countCommitted(ask)
    this.#process.count(Event.HEAP_GROWN)

    // One page before and after too: joining then needs no bounds checks.
    const start = tcPageOfWord(memory)
    if (!this.pageMap.ensure(start - 1, ask + 2)) return false
    const span = this.#newSpan(start, ask)
    this.#record(span)
    this.free(span)
    return true
  }

  #systemPages(pages: number): WordIndex {
    if (!this.#ensureLimit(pages, true)) return WORD_NULL
    return this.#system.allocate(pages * TC_PAGE_BYTES, TC_PAGE_BYTES, MappingKind.SPAN)
  }

  #newSpan(start: number, length: number): WordIndex {
    const span = this.#spans.new()
    for (let i = 0; i < SPAN_WORDS; i++) this.#words[span + i] = 0
    this.#words[span + Span.START] = start
    this.#words[span + Span.LENGTH] = length
    return span
  }

  #countCommitted(pages: number): void {
    this.#words[this.#static + Static.COMMIT_COUNT]!++
    this.#words[this.#static + Static.COMMITTED_PAGES]! += pages
    this.#words[this.#static + Static.TOTAL_COMMIT_PAGES]! += pages
  }

  /** RecordSpan */
  #record(span: WordIndex): void {
    const start = this.#words[span + Span.START]!
    const length = this.#words[span + Span.LENGTH]!
    this.pageMap.setSpan(start, span)
    if (length > 1) this.pageMap.setSpan(start + length - 1, span)
  }
}
