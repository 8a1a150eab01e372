/**
 * The work of the system calls, in page numbers: places, cuts, moves and protects mappings, and
 * keeps rows, page bytes and accounts in step. Called with the mmap_lock held. Limits are asked
 * before anything changes, so a call that fails has changed nothing, except where Linux too leaves
 * the first half done (`protect`).
 */
import type { Control } from '../words/control.ts'
import { MappingKind, Protection } from '../words/mapping.ts'
import { bytesOfPages, GIB, PAGE_BYTES, pagesOfBytes } from '../words/units.ts'
import { HeapBufferFull } from './errors.ts'
import type { SpaceAccounts } from './limits.ts'
import type { MappingTable } from './mapping-table.ts'
import type { PageTable } from './page-table.ts'
import * as transitions from './page-transitions.ts'
import { SpaceFigure, SpaceWord, spaceFigures, spaceWords } from './space-layout.ts'

/** Linux's TASK_SIZE on x86-64 with four-level page tables: more is ENOMEM on every machine. */
export const TASK_BYTES = 2 ** 47 - PAGE_BYTES
/** Stacks have addresses from here up to there, above the largest heap buffer. */
const STACKS_FLOOR = (8 * GIB) / PAGE_BYTES
const STACKS_TOP = 2 ** 30
/** pthread_attr_setguardsize's default. */
const GUARD_PAGES = 1

export class Mapper {
  readonly #control: Control
  readonly #table: MappingTable
  readonly #pages: PageTable
  readonly #accounts: SpaceAccounts
  readonly #breakAt: number
  readonly #brkStartBytes: number

  constructor(control: Control, table: MappingTable, pages: PageTable, accounts: SpaceAccounts) {
    this.#control = control
    this.#table = table
    this.#pages = pages
    this.#accounts = accounts
    this.#breakAt = spaceFigures(control) + SpaceFigure.BREAK
    this.#brkStartBytes = bytesOfPages(control.int32[spaceWords(control) + SpaceWord.BRK_START]!)
  }

  // ── brk ──────────────────────────────────────────────────────────────────────────────────────

  get breakBytes(): number {
    return this.#control.float64[this.#breakAt]!
  }
  get brkStartBytes(): number {
    return this.#brkStartBytes
  }

  /** Linux's `brk`: exact to the byte, whole pages come and go. */
  setBreak(bytes: number): boolean {
    if (bytes < this.#brkStartBytes || bytes > TASK_BYTES) return false
    const from = pagesOfBytes(this.breakBytes)
    const to = pagesOfBytes(bytes)
    const done = to < from ? this.unmap(to, from) : to === from || this.#growBrk(from, to)
    if (done) this.#control.float64[this.#breakAt] = bytes
    return done
  }

  #growBrk(from: number, to: number): boolean {
    if (!this.#mayMap(to - from, Protection.READ_WRITE, MappingKind.BRK_HEAP)) return false
    // The kernel keeps one page free above the break. What stands in the way stands there for want
    // of room in the buffer: in a real address space terabytes lie in between.
    const room = to < this.#control.pages.length && this.#table.isFree(from, to + 1)
    if (!room) this.#failForBuffer(to - from)
    this.#map(from, to - from, Protection.READ_WRITE, MappingKind.BRK_HEAP)
    return true
  }

  // ── mmap, munmap ─────────────────────────────────────────────────────────────────────────────

  /** The first page, at `hint` when that is free, else top-down; 0 on ENOMEM. */
  map(hint: number, pages: number, protection: Protection, kind: MappingKind): number {
    if (!this.#mayMap(pages, protection, kind)) return 0
    const first = this.#hintIsFree(hint, pages) ? hint : this.#findGap(pages)
    this.#map(first, pages, protection, kind)
    return first
  }

  /** MAP_FIXED: whatever is mapped in the range goes first. */
  mapFixed(first: number, pages: number, protection: Protection, kind: MappingKind): boolean {
    const end = first + pages
    if (first === 0 || end > this.#control.pages.length) return false
    if (this.#table.rows > this.#table.rowsMax) return false
    const added = this.#accounts.nominalBytes(kind, pages) - this.#nominalBytesIn(first, end)
    if (!this.#accounts.mayExpand(added)) return false
    const committed = protection === Protection.READ_WRITE ? bytesOfPages(pages) : 0
    if (!this.#accounts.mayCommit(committed, this.#chargedBytesIn(first, end))) return false
    if (!this.unmap(first, end)) return false
    this.#map(first, pages, protection, kind)
    return true
  }

  /** False only when cutting a hole would make one mapping too many. */
  unmap(first: number, end: number): boolean {
    const table = this.#table
    const row = table.rowAt(first)
    const cutsHole = row >= 0 && table.start(row) < first && table.end(row) > end
    if (cutsHole && table.rows >= table.rowsMax) return false
    this.#accounts.addVmSize(-this.#nominalBytesIn(first, end))
    this.#accounts.addCommitted(-this.#chargedBytesIn(first, end))
    table.remove(first, end)
    this.#pages.change(first, end, transitions.UNMAP)
    table.noteGap(first)
    return true
  }

  #mayMap(pages: number, protection: Protection, kind: MappingKind): boolean {
    if (this.#table.rows > this.#table.rowsMax) return false
    if (!this.#accounts.mayExpand(this.#accounts.nominalBytes(kind, pages))) return false
    return protection === Protection.NONE || this.#accounts.mayCommit(bytesOfPages(pages))
  }

  #map(first: number, pages: number, protection: Protection, kind: MappingKind): void {
    const writable = protection === Protection.READ_WRITE
    const charged = writable && this.#accounts.charges ? 1 : 0
    this.#table.insert(first, pages, protection, kind, charged)
    const fresh = writable ? transitions.MAP_READ_WRITE : transitions.MAP_NO_ACCESS
    this.#pages.change(first, first + pages, fresh)
    this.#accounts.addVmSize(this.#accounts.nominalBytes(kind, pages))
    this.#accounts.addCommitted(charged * bytesOfPages(pages))
  }

  #hintIsFree(hint: number, pages: number): boolean {
    if (hint === 0 || hint + pages > this.#control.pages.length) return false
    return this.#table.isFree(hint, hint + pages)
  }

  /** Nothing is placed below the break: that is where the brk heap grows. */
  #findGap(pages: number): number {
    const first = this.#table.findGap(pages, pagesOfBytes(this.breakBytes))
    if (first === 0) this.#failForBuffer(pages)
    return first
  }

  #failForBuffer(pages: number): never {
    const heapPages = this.#control.pages.length
    let mapped = 0
    for (let row = this.#table.firstBelow(heapPages); row < this.#table.rows; row++) {
      mapped += this.#table.pages(row)
    }
    const heapBytes = bytesOfPages(heapPages)
    throw new HeapBufferFull(heapBytes, bytesOfPages(mapped), bytesOfPages(pages))
  }

  #nominalBytesIn(first: number, end: number): number {
    const table = this.#table
    let bytes = 0
    for (let row = table.firstBelow(end); row < table.rows && table.end(row) > first; row++) {
      bytes += this.#accounts.nominalBytes(table.kind(row), table.overlap(row, first, end))
    }
    return bytes
  }
  #chargedBytesIn(first: number, end: number): number {
    const table = this.#table
    let pages = 0
    for (let row = table.firstBelow(end); row < table.rows && table.end(row) > first; row++) {
      pages += table.charged(row) * table.overlap(row, first, end)
    }
    return bytesOfPages(pages)
  }

  // ── mremap ───────────────────────────────────────────────────────────────────────────────────

  /** The first page of the resized mapping, moved where it must be; 0 on failure. */
  resize(first: number, oldPages: number, newPages: number): number {
    const table = this.#table
    const row = table.rowAt(first)
    if (row < 0) return 0
    const oldEnd = first + oldPages
    if (newPages <= oldPages) {
      return newPages === oldPages || this.unmap(first + newPages, oldEnd) ? first : 0
    }
    // The old range must lie in one mapping (EFAULT).
    if (oldEnd > table.end(row)) return 0
    const kind = table.kind(row)
    const added = newPages - oldPages
    const newEnd = first + newPages
    if (!this.#accounts.mayExpand(this.#accounts.nominalBytes(kind, added))) return 0
    // Not free where the mapping itself goes on above the old range.
    const growsInPlace = newEnd <= this.#control.pages.length && table.isFree(oldEnd, newEnd)
    // Moving charges the whole new mapping before the old one is given back (Linux: `move_vma`).
    const committed = bytesOfPages(growsInPlace ? added : newPages)
    const writable = table.protection(row) === Protection.READ_WRITE
    const accountable = this.#accounts.charges ? table.charged(row) === 1 : writable
    if (accountable && !this.#accounts.mayCommit(committed)) return 0
    if (!growsInPlace) return this.#move(row, first, oldPages, newPages)
    this.#extend(row, oldEnd, added)
    return first
  }

  #move(row: number, first: number, oldPages: number, newPages: number): number {
    const table = this.#table
    if (table.rows >= table.rowsMax - 3) return 0
    const target = this.#findGap(newPages)
    const kind = table.kind(row)
    const protection = table.protection(row)
    const charged = table.charged(row)
    table.insert(target, oldPages, protection, kind, charged)
    this.#pages.moveTo(first, first + oldPages, target)
    table.remove(first, first + oldPages)
    table.noteGap(first)
    this.#extend(table.rowAt(target), target + oldPages, newPages - oldPages)
    return target
  }

  /** Adds free pages right above `row`, of its kind, protection and charge. */
  #extend(row: number, from: number, pages: number): void {
    const table = this.#table
    const kind = table.kind(row)
    const charged = table.charged(row)
    const writable = table.protection(row) === Protection.READ_WRITE
    table.insert(from, pages, table.protection(row), kind, charged)
    const fresh = writable ? transitions.MAP_READ_WRITE : transitions.MAP_NO_ACCESS
    this.#pages.change(from, from + pages, fresh)
    this.#accounts.addVmSize(this.#accounts.nominalBytes(kind, pages))
    this.#accounts.addCommitted(charged * bytesOfPages(pages))
  }

  // ── mprotect, madvise ────────────────────────────────────────────────────────────────────────

  /**
   * False where a page is not mapped, or a limit forbids it; what lies below that place is changed
   * already, as in Linux. A charge, once made, stays until the pages are unmapped: only that is why
   * glibc maps afresh instead of protecting when it shrinks a heap under overcommit_memory = 2.
   */
  protect(first: number, end: number, protection: Protection): boolean {
    const table = this.#table
    let at = first
    while (at < end) {
      const row = table.rowAt(at)
      if (row < 0) return false
      const stop = Math.min(end, table.end(row))
      if (table.protection(row) !== protection && !this.#reprotect(row, at, stop, protection)) {
        return false
      }
      at = stop
    }
    return true
  }

  #reprotect(row: number, first: number, end: number, protection: Protection): boolean {
    const table = this.#table
    const writable = protection === Protection.READ_WRITE
    const charge = writable && table.charged(row) === 0
    const bytes = bytesOfPages(end - first)
    if (charge && !this.#accounts.mayCommit(bytes)) return false
    const charged = charge && this.#accounts.charges ? 1 : table.charged(row)
    const gained = table.rowsGained(row, first, end, protection, charged)
    if (gained > 0 && table.rows + gained > table.rowsMax) return false
    if (charge && this.#accounts.charges) this.#accounts.addCommitted(bytes)
    table.reprotect(row, first, end, protection, charged)
    const access = writable ? transitions.ALLOW_ACCESS : transitions.FORBID_ACCESS
    this.#pages.change(first, end, access)
    return true
  }

  /** Applies to every mapped page of the range; false when some were not mapped (ENOMEM). */
  advise(first: number, end: number, advice: transitions.Transition): boolean {
    this.#pages.change(first, end, advice)
    const table = this.#table
    let mapped = 0
    for (let row = table.firstBelow(end); row < table.rows && table.end(row) > first; row++) {
      mapped += table.overlap(row, first, end)
    }
    return mapped === end - first
  }

  // ── stacks: accounting only ──────────────────────────────────────────────────────────────────

  /** First page of a stack with its guard page below, beyond the buffer; 0 on ENOMEM. */
  mapStack(stackPages: number): number {
    const pages = GUARD_PAGES + stackPages
    const { READ_WRITE, NONE } = Protection
    if (!this.#mayMap(pages, NONE, MappingKind.STACK)) return 0
    if (!this.#accounts.mayCommit(bytesOfPages(stackPages))) return 0
    if (this.#table.rows >= this.#table.rowsMax) return 0
    const guard = this.#table.findGapBetween(pages, STACKS_FLOOR, STACKS_TOP)
    if (guard === 0) return 0
    const charged = this.#accounts.charges ? 1 : 0
    this.#table.insert(guard, GUARD_PAGES, NONE, MappingKind.STACK, 0)
    this.#table.insert(guard + GUARD_PAGES, stackPages, READ_WRITE, MappingKind.STACK, charged)
    this.#accounts.addVmSize(bytesOfPages(pages))
    this.#accounts.addCommitted(charged * bytesOfPages(stackPages))
    return guard
  }

  /** `guard` is what `mapStack` gave. The guard page keeps the stack's row apart from the next. */
  unmapStack(guard: number): boolean {
    const row = this.#table.rowAt(guard)
    if (guard < STACKS_FLOOR || row < 1 || this.#table.start(row) !== guard) return false
    const end = this.#table.end(row - 1)
    this.#accounts.addVmSize(-this.#nominalBytesIn(guard, end))
    this.#accounts.addCommitted(-this.#chargedBytesIn(guard, end))
    this.#table.remove(guard, end)
    return true
  }
}
