/**
 * The modelled Linux kernel, as one process sees it: system calls and page faults.
 *
 * Addresses are word indices, lengths are bytes. Failure is WORD_NULL or false. Every system call
 * counts in the caller's counter row and holds the mmap_lock from beginning to end. Faults take no
 * lock: see page-table.ts. Only a heap buffer that is too small throws: see errors.ts.
 */
import type { Control } from '../words/control.ts'
import { COUNTER_ROW, Counter } from '../words/events.ts'
import type { MappingKind, Protection } from '../words/mapping.ts'
import { PageState } from '../words/page-state.ts'
import {
  BYTES_PER_WORD,
  type ByteAddr,
  bytesOfPages,
  PAGE_WORDS,
  type PageNumber,
  pageOfWord,
  pagesOfBytes,
  roundDown,
  type SharedWords,
  WORD_NULL,
  type WordIndex,
  wordAt,
  wordOfByte,
  wordOfPage,
} from '../words/units.ts'
import type { KernelLock, KernelSelf } from './kernel-ports.ts'
import { SpaceAccounts } from './limits.ts'
import { listMappings, type MappingRow } from './listing.ts'
import { Mapper, TASK_BYTES } from './mapper.ts'
import { MappingTable } from './mapping-table.ts'
import { PageTable } from './page-table.ts'
import * as transitions from './page-transitions.ts'

export { createAddressSpace } from './create.ts'
export type { KernelLock, KernelSelf } from './kernel-ports.ts'
export type { SpaceLimits } from './limits.ts'
export type { MappingRow } from './listing.ts'

/** What /proc/PID/status and getrusage tell. Bytes, but for the counts. */
export interface SpaceFigures {
  readonly rssBytes: number
  readonly vmHwmBytes: number
  readonly vmSizeBytes: number
  /** Size of the brk heap: break − start. */
  readonly brkBytes: number
  /** Part of RSS that memory pressure would take at once. */
  readonly lazyFreeBytes: number
  /** Charged against the commit limit; 0 but for vm.overcommit_memory = 2. */
  readonly committedBytes: number
  /** Of all seats together. */
  readonly minorFaults: number
  readonly mappings: number
}

export class AddressSpace {
  readonly #control: Control
  readonly #self: KernelSelf
  readonly #lock: KernelLock
  readonly #pageBytes: Uint8Array<SharedArrayBuffer>
  readonly #counters: Float64Array<SharedArrayBuffer>
  readonly #table: MappingTable
  readonly #accounts: SpaceAccounts
  readonly #pages: PageTable
  readonly #mapper: Mapper

  /**
   * Any isolate, any number, once `createAddressSpace` has run. `self` may change hands between
   * calls. `pages` is for tests that plant a fault in it.
   */
  constructor(
    heap: SharedWords,
    control: Control,
    self: KernelSelf,
    lock: KernelLock,
    pages = new PageTable(heap, control, self),
  ) {
    this.#control = control
    this.#self = self
    this.#lock = lock
    this.#pageBytes = control.pages
    this.#counters = control.counters
    this.#table = new MappingTable(control)
    this.#accounts = new SpaceAccounts(control)
    this.#pages = pages
    this.#mapper = new Mapper(control, this.#table, this.#pages, this.#accounts)
  }

  // ── first touch: any thread, no lock ─────────────────────────────────────────────────────────

  /**
   * A write to `word`, whose page is not known to be resident: a minor fault when it is not.
   * Throws SegmentationFault where nothing is mapped or access is forbidden.
   */
  fault(word: WordIndex): void {
    this.#pages.fault(word)
  }
  /** As `fault`, for a read: an untouched page becomes the zero page, which is not in RSS. */
  faultRead(word: WordIndex): void {
    this.#pages.faultRead(word)
  }
  /** A write to every page of [word, word + words). */
  touchRange(word: WordIndex, words: number): void {
    if (words <= 0) return
    const first = pageOfWord(word)
    const end = endPage(word, words)
    for (let page: number = first; page < end; ) {
      if (this.#pageBytes[page] === PageState.RESIDENT) {
        page++
        continue
      }
      const next = this.#pages.faultRun(page, end)
      // A page that is not simply untouched is a matter of its own.
      if (next === page) this.#pages.fault(page === first ? word : wordOfPage(page as PageNumber))
      page = Math.max(next, page + 1)
    }
  }
  touchReadRange(word: WordIndex, words: number): void {
    if (words <= 0) return
    const last = pageOfWord(wordAt(word, words - 1))
    let at = word
    for (let page = pageOfWord(word); page <= last; page++) {
      if (this.#pageBytes[page] !== PageState.RESIDENT) this.#pages.faultRead(at)
      at = wordOfPage((page + 1) as PageNumber)
    }
  }

  // ── brk ──────────────────────────────────────────────────────────────────────────────────────

  /**
   * glibc's sbrk: moves the break by so many bytes and gives the old one, rounded down to a word,
   * or WORD_NULL. `sbrk(0)` only asks, and is no system call. Linux: `brk` (mm/mmap.c).
   */
  sbrk(deltaBytes: number): WordIndex {
    if (deltaBytes === 0) return this.currentBrk()
    this.#count(Counter.SYS_BRK)
    this.#lock.lock()
    try {
      const before = this.currentBrk()
      return this.#mapper.setBreak(this.#mapper.breakBytes + deltaBytes) ? before : WORD_NULL
    } finally {
      this.#lock.unlock()
    }
  }
  /** The break, rounded down to a word. */
  currentBrk(): WordIndex {
    return wordOfByte(roundDown(this.#mapper.breakBytes, BYTES_PER_WORD) as ByteAddr)
  }
  /** Where the brk heap begins: a 1 MiB boundary. */
  brkStart(): WordIndex {
    return wordOfByte(this.#mapper.brkStartBytes as ByteAddr)
  }

  // ── mappings ─────────────────────────────────────────────────────────────────────────────────

  /**
   * An anonymous private mapping, at `hint` (WORD_NULL for none) when that range is free, else as
   * high as it fits. WORD_NULL when a limit forbids it, or for a length that is not positive.
   */
  mmap(hint: WordIndex, bytes: number, protection: Protection, kind: MappingKind): WordIndex {
    this.#count(Counter.SYS_MMAP)
    if (!isLength(bytes)) return WORD_NULL
    this.#lock.lock()
    try {
      const hintPage = pagesOfWords(hint)
      const page = this.#mapper.map(hintPage, pagesOfBytes(bytes), protection, kind)
      return wordOfPage(page as PageNumber)
    } finally {
      this.#lock.unlock()
    }
  }

  /** MAP_FIXED: fresh pages over whatever the range held. False when malformed or forbidden. */
  mmapFixed(at: WordIndex, bytes: number, protection: Protection, kind: MappingKind): boolean {
    this.#count(Counter.SYS_MMAP)
    if (!isPageStart(at) || !isLength(bytes)) return false
    this.#lock.lock()
    try {
      return this.#mapper.mapFixed(pageOfWord(at), pagesOfBytes(bytes), protection, kind)
    } finally {
      this.#lock.unlock()
    }
  }

  /** Unmaps what is mapped of the range. False when malformed, or when it cuts a hole too many. */
  munmap(at: WordIndex, bytes: number): boolean {
    this.#count(Counter.SYS_MUNMAP)
    if (!this.#isRange(at, bytes) || bytes <= 0) return false
    this.#lock.lock()
    try {
      return this.#mapper.unmap(pageOfWord(at), pageOfWord(at) + pagesOfBytes(bytes))
    } finally {
      this.#lock.unlock()
    }
  }

  /**
   * MREMAP_MAYMOVE: shrinks in place, grows in place when the pages above are free, else moves with
   * its words and page states. WORD_NULL on failure, with the old mapping as it was.
   */
  mremap(at: WordIndex, oldBytes: number, newBytes: number): WordIndex {
    this.#count(Counter.SYS_MREMAP)
    if (!this.#isRange(at, oldBytes) || oldBytes <= 0 || !isLength(newBytes)) return WORD_NULL
    this.#lock.lock()
    try {
      const first = pageOfWord(at)
      const page = this.#mapper.resize(first, pagesOfBytes(oldBytes), pagesOfBytes(newBytes))
      return wordOfPage(page as PageNumber)
    } finally {
      this.#lock.unlock()
    }
  }

  /** False when a page of the range is not mapped or a limit forbids it. */
  mprotect(at: WordIndex, bytes: number, protection: Protection): boolean {
    this.#count(Counter.SYS_MPROTECT)
    if (!this.#isRange(at, bytes)) return false
    this.#lock.lock()
    try {
      const first = pageOfWord(at)
      return this.#mapper.protect(first, first + pagesOfBytes(bytes), protection)
    } finally {
      this.#lock.unlock()
    }
  }

  /** The pages leave RSS at once, and read as zero when touched again. */
  madviseDontNeed(at: WordIndex, bytes: number): boolean {
    return this.#advise(at, bytes, transitions.DONT_NEED)
  }
  /**
   * The pages stay in RSS until memory pressure takes them; a write before that (with `touch`, as
   * always) keeps what they hold, without a fault.
   */
  madviseFree(at: WordIndex, bytes: number): boolean {
    return this.#advise(at, bytes, transitions.FREE_LAZILY)
  }

  #advise(at: WordIndex, bytes: number, advice: transitions.Transition): boolean {
    this.#count(Counter.SYS_MADVISE)
    if (!this.#isRange(at, bytes)) return false
    this.#lock.lock()
    try {
      const first = pageOfWord(at)
      return this.#mapper.advise(first, first + pagesOfBytes(bytes), advice)
    } finally {
      this.#lock.unlock()
    }
  }

  /** Page that the mapping of `word` starts at, 0 when it is in none. Holds no lock. */
  mappingStart(word: WordIndex): number {
    const page = pageOfWord(word)
    const row = this.#table.firstBelow(page + 1)
    return row < this.#table.rows && this.#table.end(row) > page ? this.#table.start(row) : 0
  }

  // ── thread stacks: accounting only, at addresses beyond the buffer ───────────────────────────

  /**
   * Maps a thread's stack of so many bytes and a guard page of 4 KiB, as glibc's `allocate_stack`
   * does (mmap, mprotect). Its id, or 0 on ENOMEM.
   */
  mapStack(stackBytes: number): number {
    this.#count(Counter.SYS_MMAP)
    this.#count(Counter.SYS_MPROTECT)
    if (!isLength(stackBytes)) return 0
    this.#lock.lock()
    try {
      return this.#mapper.mapStack(pagesOfBytes(stackBytes))
    } finally {
      this.#lock.unlock()
    }
  }
  /** False when there is no such stack. */
  unmapStack(id: number): boolean {
    this.#count(Counter.SYS_MUNMAP)
    this.#lock.lock()
    try {
      return this.#mapper.unmapStack(id)
    } finally {
      this.#lock.unlock()
    }
  }
  /** So many bytes (rounded up to pages) more, or fewer, of stacks are resident. Any thread. */
  residentOutside(bytesDelta: number): void {
    const pages = pagesOfBytes(Math.abs(bytesDelta))
    if (pages > 0) this.#pages.addOutside(bytesDelta < 0 ? -pages : pages)
  }

  /** vm.overcommit_memory is 2: private memory is charged one by one. Any thread. */
  get strictOvercommit(): boolean {
    return this.#accounts.charges
  }

  // ── figures: any thread, no lock ─────────────────────────────────────────────────────────────

  figures(): SpaceFigures {
    return {
      rssBytes: bytesOfPages(this.#pages.rssPages),
      vmHwmBytes: bytesOfPages(this.#pages.rssPagesMax),
      vmSizeBytes: this.#accounts.vmSizeBytes,
      brkBytes: this.#mapper.breakBytes - this.#mapper.brkStartBytes,
      lazyFreeBytes: bytesOfPages(this.#pages.lazyPages),
      committedBytes: this.#accounts.committedBytes,
      minorFaults: this.#minorFaults(),
      mappings: this.#table.rows,
    }
  }
  #minorFaults(): number {
    let faults = 0
    for (let seat = 0; seat < this.#control.plan.seats; seat++) {
      faults += this.#counters[seat * COUNTER_ROW + Counter.MINOR_FAULTS]!
    }
    return faults
  }

  /** Pages in [start, start + words) that mincore calls resident: the zero page is one of them. */
  incorePages(start: WordIndex, words: number): number {
    return words > 0 ? this.#pages.incorePages(pageOfWord(start), endPage(start, words)) : 0
  }
  /** Pages that [start, start + words) lies in and that are counted in RSS. */
  residentPages(start: WordIndex, words: number): number {
    return words > 0 ? this.#pages.residentPages(pageOfWord(start), endPage(start, words)) : 0
  }

  /** As `pmap -x`, in address order. Takes the mmap_lock. */
  mappings(): MappingRow[] {
    this.#lock.lock()
    try {
      return listMappings(this.#table, this.#pages, this.#accounts)
    } finally {
      this.#lock.unlock()
    }
  }

  #count(counter: Counter): void {
    const place = this.#self.counterBase + counter
    this.#counters[place] = this.#counters[place]! + 1
  }
  /** Does a range start on a page and lie within the buffer? A length of 0 is in order. */
  #isRange(at: WordIndex, bytes: number): boolean {
    if (!isPageStart(at) || !(bytes >= 0 && bytes <= TASK_BYTES)) return false
    return pageOfWord(at) + pagesOfBytes(bytes) <= this.#control.pages.length
  }
}

const isPageStart = (word: WordIndex): boolean => word % PAGE_WORDS === 0
const isLength = (bytes: number): boolean => bytes > 0 && bytes <= TASK_BYTES
/** A hint is rounded up to a page, as Linux does. */
const pagesOfWords = (word: WordIndex): number => Math.ceil(word / PAGE_WORDS)
const endPage = (start: WordIndex, words: number): number =>
  pageOfWord(wordAt(start, words - 1)) + 1
