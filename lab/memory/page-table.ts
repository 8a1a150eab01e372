/**
 * Which pages hold something: page bytes, RSS and minor faults.
 *
 * A page's byte changes in two ways. A **fault** (any thread, no lock) goes from an accessible
 * state to BUSY by compare-and-exchange, fills the page, and stores the outcome; whoever meets BUSY
 * waits and counts nothing. A **system call** (mmap_lock held) carries a range through a transition
 * table; it waits out BUSY pages, and compares and exchanges where a fault or memory pressure could
 * get in between. So a fault that races with an munmap of its page, a bug of the workload as in
 * reality, gets either its page or a segmentation fault, and RSS stays the number of resident
 * pages.
 *
 * Invariant: RSS = pages in state RESIDENT or LAZY_FREE + pages outside the buffer, whenever no
 * fault and no system call is under way.
 */
import { type Control, ControlWord, RunState } from '../words/control.ts'
import { Counter } from '../words/events.ts'
import { isIncore, PAGE_NOACCESS, PAGE_STATE_MASK, PageState } from '../words/page-state.ts'
import {
  BYTES_PER_WORD,
  PAGE_BYTES,
  PAGE_WORDS,
  type PageNumber,
  pageOfWord,
  type SharedWords,
  type WordIndex,
  wordOfPage,
} from '../words/units.ts'
import { SegmentationFault } from './errors.ts'
import type { KernelSelf } from './kernel-ports.ts'
import { killForMemory } from './memory-limit.ts'
import * as transitions from './page-transitions.ts'
import { SpaceWord, spaceWords } from './space-layout.ts'

/** Loads of a BUSY byte before the waiting thread sleeps: zeroing takes some 200 ns. */
const BUSY_SPINS = 200
const BUSY_SLEEP_MS = 0.05
/** Lazily freed pages taken at once: Linux reclaims in such steps (SWAP_CLUSTER_MAX). */
const RECLAIM_BATCH = 32
/** Pages filled in one go: who waits for one of them waits for all, some 10 µs. */
const RUN_PAGES = 64
const DOUBLES_PER_PAGE = PAGE_BYTES / 8
/** A word of the page table holds the bytes of four pages. */
const PAGES_PER_WORD = BYTES_PER_WORD
/** Times a byte: that byte four times. */
const FOUR_BYTES = 0x01010101
/** No byte. */
const UNEVEN = -1

export class PageTable {
  readonly #control: Control
  readonly #words: SharedWords
  /** The heap once more: a page is zeroed twice as fast in 64-bit steps. */
  readonly #doubles: Float64Array<SharedArrayBuffer>
  readonly #pages: Uint8Array<SharedArrayBuffer>
  readonly #int32: SharedWords
  readonly #counters: Float64Array<SharedArrayBuffer>
  readonly #self: KernelSelf
  readonly #pageCount: number
  /** Index of the first `SpaceWord` in `#int32`. */
  readonly #at: number
  /** Index of the first pages' bytes in `#int32`. */
  readonly #pagesAt: number
  readonly #limitPages: number

  /** Any isolate, after `createAddressSpace`. */
  constructor(heap: SharedWords, control: Control, self: KernelSelf) {
    this.#control = control
    this.#words = heap
    this.#doubles = new Float64Array(heap.buffer, heap.byteOffset, heap.length / 2)
    this.#pages = control.pages
    this.#int32 = control.int32
    this.#counters = control.counters
    this.#self = self
    this.#pageCount = control.pages.length
    this.#at = spaceWords(control)
    this.#pagesAt = control.plan.at.pages / BYTES_PER_WORD
    this.#limitPages = this.#int32[this.#at + SpaceWord.LIMIT_PAGES]!
  }

  // ── faults: any thread, no lock ──────────────────────────────────────────────────────────────

  /** A write to a page that may not be resident. Follows Linux's `do_anonymous_page`. */
  fault(word: WordIndex): void {
    const page = pageOfWord(word)
    // Ends: each turn either returns, throws, or follows a change that another thread has made.
    for (;;) {
      const byte = this.#load(word, page)
      if (byte === PageState.RESIDENT) return
      if (byte === PageState.LAZY_FREE) {
        // MADV_FREE left the page writable: the write just marks it dirty again, without a fault.
        if (!this.#cas(page, byte, PageState.RESIDENT)) continue
        Atomics.sub(this.#int32, this.#at + SpaceWord.LAZY, 1)
        return
      }
      if (byte === PageState.BUSY) this.#waitWhileBusy(page)
      else if (this.#cas(page, byte, PageState.BUSY)) {
        this.#makeResident(page, byte)
        return
      }
    }
  }

  /**
   * As `fault`, for all pages from `first` on, and below `end`, that are untouched and that nobody
   * else is about to fill: they are taken, filled and counted together. Gives the first page that
   * is not one of them, which may be `first` itself.
   */
  faultRun(first: number, end: number): number {
    const limit = Math.min(end, first + RUN_PAGES)
    let page = first
    let stale = first
    for (; page < limit; page++) {
      const byte = this.#pages[page]!
      if (byte !== PageState.ABSENT && byte !== PageState.STALE) break
      if (!this.#cas(page as PageNumber, byte, PageState.BUSY)) break
      if (byte === PageState.STALE) continue
      this.zeroPages(stale, page)
      stale = page + 1
    }
    this.zeroPages(stale, page)
    if (page > first) this.#makeRunResident(first, page)
    return page
  }

  #makeRunResident(first: number, end: number): void {
    const count = end - first
    // Near the limit each page counts by itself, since that is where the process is killed.
    const step = this.rssPages + count > this.#limitPages ? 1 : count
    for (let left = count; left > 0; left -= step) {
      this.#makeRoom(step)
      Atomics.add(this.#int32, this.#at + SpaceWord.RSS, step)
    }
    for (let page = first; page < end; page++) Atomics.store(this.#pages, page, PageState.RESIDENT)
    this.#countFaults(count)
  }

  /** A read of a page that may be untouched: the zero page answers, and RSS does not grow. */
  faultRead(word: WordIndex): void {
    const page = pageOfWord(word)
    for (;;) {
      const byte = this.#load(word, page)
      if (byte === PageState.BUSY) this.#waitWhileBusy(page)
      else if (byte !== PageState.ABSENT && byte !== PageState.STALE) return
      else if (this.#cas(page, byte, PageState.BUSY)) {
        if (byte === PageState.STALE) this.zeroPages(page, page + 1)
        Atomics.store(this.#pages, page, PageState.ZERO)
        this.#countFaults(1)
        return
      }
    }
  }

  #makeResident(page: PageNumber, before: number): void {
    if (before === PageState.STALE) this.zeroPages(page, page + 1)
    this.#makeRoom(1)
    // RSS first: whoever sees RESIDENT may release the page at once and subtract it again.
    Atomics.add(this.#int32, this.#at + SpaceWord.RSS, 1)
    Atomics.store(this.#pages, page, PageState.RESIDENT)
    this.#countFaults(1)
  }

  /** What the kernel hands out is zero. For the thread that holds the pages BUSY or unmapped. */
  zeroPages(first: number, end: number): void {
    if (first < end) this.#doubles.fill(0, first * DOUBLES_PER_PAGE, end * DOUBLES_PER_PAGE)
  }

  #countFaults(faults: number): void {
    const place = this.#self.counterBase + Counter.MINOR_FAULTS
    this.#counters[place] = this.#counters[place]! + faults
  }

  #load(word: WordIndex, page: PageNumber): number {
    if (page >= this.#pageCount) throw new SegmentationFault(word, 'not mapped')
    const byte = Atomics.load(this.#pages, page)
    if ((byte & PAGE_STATE_MASK) === PageState.UNMAPPED) {
      throw new SegmentationFault(word, 'not mapped')
    }
    if ((byte & PAGE_NOACCESS) !== 0) throw new SegmentationFault(word, 'access not permitted')
    return byte
  }

  #cas(page: PageNumber, expected: number, desired: number): boolean {
    return Atomics.compareExchange(this.#pages, page, expected, desired) === expected
  }

  /**
   * Returns once the fault under way on `page` has ended. The holder of a BUSY page takes no lock
   * and waits for nobody, so this ends unless its worker died: then the run has FAILED.
   */
  #waitWhileBusy(page: PageNumber): void {
    for (let loads = 0; Atomics.load(this.#pages, page) === PageState.BUSY; loads++) {
      if (loads < BUSY_SPINS) continue
      // Nothing ever wakes this: the timeout does, and the page is looked at again.
      Atomics.wait(this.#int32, this.#at + SpaceWord.NEVER, 0, BUSY_SLEEP_MS)
      if (Atomics.load(this.#control.words, ControlWord.STATE) === RunState.FAILED) {
        throw new Error('the run failed while another lab thread was filling a page')
      }
    }
  }

  // ── memory limit ─────────────────────────────────────────────────────────────────────────────

  /** Before RSS grows: under pressure lazily freed pages go first, then the process is killed. */
  #makeRoom(pages: number): void {
    while (this.rssPages + pages > this.#limitPages) {
      if (this.reclaimUnderPressure(RECLAIM_BATCH) > 0) continue
      killForMemory(this.#control, this.#self.thread)
      return
    }
  }

  /**
   * Gives up to `most` lazily freed pages back; how many it found. Any thread, no lock. Linux takes
   * them in the order in which they were freed; here it is address order, round and round, from
   * where the last search ended.
   */
  reclaimUnderPressure(most: number): number {
    if (this.lazyPages <= 0) return 0
    const from = this.#int32[this.#at + SpaceWord.RECLAIM_FROM]!
    let taken = 0
    let page = from
    for (let looked = 0; looked < this.#pageCount && taken < most; looked++) {
      page = (from + looked) % this.#pageCount
      const byte = this.#pages[page]!
      if ((byte & PAGE_STATE_MASK) !== PageState.LAZY_FREE) continue
      if (!this.#cas(page as PageNumber, byte, transitions.DONT_NEED[byte]!)) continue
      this.#dropRss(1)
      Atomics.sub(this.#int32, this.#at + SpaceWord.LAZY, 1)
      taken += 1
      if (this.lazyPages <= 0) break
    }
    this.#int32[this.#at + SpaceWord.RECLAIM_FROM] = page
    return taken
  }

  /** Pages beyond the buffer (stacks) that count in RSS from now on, or no more. Any thread. */
  addOutside(pages: number): void {
    if (pages > 0) {
      this.#makeRoom(pages)
      Atomics.add(this.#int32, this.#at + SpaceWord.RSS, pages)
    } else this.#dropRss(-pages)
    Atomics.add(this.#int32, this.#at + SpaceWord.OUTSIDE, pages)
  }

  #dropRss(pages: number): void {
    const before = Atomics.sub(this.#int32, this.#at + SpaceWord.RSS, pages)
    const place = this.#at + SpaceWord.RSS_MAX
    let max = Atomics.load(this.#int32, place)
    while (before > max) {
      const seen = Atomics.compareExchange(this.#int32, place, max, before)
      if (seen === max) return
      max = seen
    }
  }

  get rssPages(): number {
    return Atomics.load(this.#int32, this.#at + SpaceWord.RSS)
  }
  get lazyPages(): number {
    return Atomics.load(this.#int32, this.#at + SpaceWord.LAZY)
  }
  /**
   * VmHWM. Faults do not keep it: RSS stands highest just before it falls, so it is enough to look
   * there and now (as Linux's `update_hiwater_rss` does).
   */
  get rssPagesMax(): number {
    return Math.max(this.rssPages, Atomics.load(this.#int32, this.#at + SpaceWord.RSS_MAX))
  }

  // ── system calls: under the mmap_lock ────────────────────────────────────────────────────────

  /** Carries every page of [first, end) through a transition table; RSS follows. */
  change(first: number, end: number, transition: transitions.Transition): void {
    let rss = 0
    let lazy = 0
    let page = first
    while (page < end) {
      // Large mappings are mostly runs of one byte: four pages are looked at, and changed, at once.
      const quad = page % PAGES_PER_WORD === 0 && page + PAGES_PER_WORD <= end
      const many = quad ? this.#changeQuad(page, transition) : UNEVEN
      const before =
        many === UNEVEN
          ? this.#changePage(page as PageNumber, this.#pages[page]!, transition)
          : many
      const pages = many === UNEVEN ? 1 : PAGES_PER_WORD
      page += pages
      const after = transition[before]!
      if (before === after) continue
      rss += pages * (transitions.IN_RSS[after]! - transitions.IN_RSS[before]!)
      lazy += pages * (transitions.IN_LAZY[after]! - transitions.IN_LAZY[before]!)
    }
    if (rss !== 0) this.#dropRss(-rss)
    if (lazy !== 0) Atomics.add(this.#int32, this.#at + SpaceWord.LAZY, lazy)
  }

  /**
   * Changes four pages with one access when their bytes are alike: the byte that all had. UNEVEN,
   * and nothing changed, when they are not, or when a fault was faster: then each goes alone.
   */
  #changeQuad(page: number, transition: transitions.Transition): number {
    const place = this.#pagesAt + page / PAGES_PER_WORD
    const word = this.#int32[place]!
    const byte = word & 0xff
    if (word !== Math.imul(byte, FOUR_BYTES) || byte === PageState.BUSY) return UNEVEN
    const after = transition[byte]!
    if (after === byte) return byte
    const wordAfter = Math.imul(after, FOUR_BYTES)
    if (transitions.CHANGES_WITHOUT_LOCK[byte] === 0) {
      this.#int32[place] = wordAfter
      return byte
    }
    const found = Atomics.compareExchange(this.#int32, place, word, wordAfter)
    return found === word ? byte : UNEVEN
  }

  /** The byte from which the page was carried on. `seen` is a first guess at it. */
  #changePage(page: PageNumber, seen: number, transition: transitions.Transition): number {
    let byte = seen
    for (;;) {
      if (byte === PageState.BUSY) {
        this.#waitWhileBusy(page)
        byte = this.#pages[page]!
        continue
      }
      const after = transition[byte]!
      if (after === byte) return byte
      if (transitions.CHANGES_WITHOUT_LOCK[byte] === 0) {
        this.#pages[page] = after
        return byte
      }
      const found = Atomics.compareExchange(this.#pages, page, byte, after)
      if (found === byte) return byte
      byte = found
    }
  }

  /**
   * Moves pages with what they hold to `target`, an unmapped range of the same length, and leaves
   * the old range unmapped. No fault and no change of RSS, as page tables move in Linux
   * (`move_page_tables`); only that here the words must be copied.
   */
  moveTo(first: number, end: number, target: number): void {
    for (let page = first; page < end; page++) {
      const moved = this.#changePage(page as PageNumber, this.#pages[page]!, transitions.UNMAP)
      const to = (target + page - first) as PageNumber
      const fresh = transitions.MAP_READ_WRITE[this.#pages[to]!]!
      if (transitions.IN_RSS[moved] === 1) {
        const from = wordOfPage(page as PageNumber)
        this.#words.copyWithin(wordOfPage(to), from, from + PAGE_WORDS)
        this.#pages[to] = moved
      } else if ((moved & PAGE_STATE_MASK) === PageState.ZERO) {
        if (fresh === PageState.STALE) this.zeroPages(to, to + 1)
        this.#pages[to] = moved
      } else this.#pages[to] = fresh | (moved & PAGE_NOACCESS)
    }
  }

  // ── looking: any thread, no lock ─────────────────────────────────────────────────────────────

  /** Pages of [first, end) that mincore would call resident: the zero page is one of them. */
  incorePages(first: number, end: number): number {
    let incore = 0
    for (let page = first; page < end; page++) if (isIncore(this.#pages[page]!)) incore += 1
    return incore
  }
  /** Pages of [first, end) counted in RSS. */
  residentPages(first: number, end: number): number {
    let resident = 0
    for (let page = first; page < end; page++) resident += transitions.IN_RSS[this.#pages[page]!]!
    return resident
  }
  /** Pages of [first, end) that were written and not lazily freed since: pmap's Dirty. */
  dirtyPages(first: number, end: number): number {
    let dirty = 0
    for (let page = first; page < end; page++) {
      if ((this.#pages[page]! & PAGE_STATE_MASK) === PageState.RESIDENT) dirty += 1
    }
    return dirty
  }
}
