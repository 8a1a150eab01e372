/**
 * The plain model that the address space is held against: a map of pages, and every figure counted
 * afresh from it. Slow, single-threaded and obvious; it shares no code with what it checks.
 */

import type { SpaceLimits } from '../../lab/memory/limits.ts'
import { MappingKind, Protection } from '../../lab/words/mapping.ts'

const PAGE = 4096
const NEVER_COMMIT = 2

interface ModelPage {
  protection: Protection
  kind: MappingKind
  charged: boolean
  state: 'absent' | 'zero' | 'resident' | 'lazy'
  /** What was written: offset in words → value. All else reads as 0. */
  words: Map<number, number>
}

export interface ModelRow {
  start: number
  pages: number
  protection: Protection
  kind: MappingKind
  charged: boolean
}

export interface ModelSetup {
  readonly heapPages: number
  readonly dataPages: number
  readonly breakPage: number
  readonly rowsMax: number
  readonly arenaHeapScale: number
  readonly limits: SpaceLimits
}

/** What the model throws where the buffer has no room. */
export class ModelFull extends Error {}
/** What the model throws on a forbidden access. */
export class ModelFault extends Error {}

export class ModelSpace {
  readonly pages = new Map<number, ModelPage>()
  readonly setup: ModelSetup
  breakBytes: number
  faults = 0
  rssMax = 0
  killed = false
  /** Stack pages of each live stack, guard not counted. */
  readonly stacks: number[] = []

  constructor(setup: ModelSetup) {
    this.setup = setup
    this.breakBytes = setup.breakPage * PAGE
    this.#map(1, setup.dataPages, Protection.READ_WRITE, MappingKind.DATA)
  }

  // ── figures ────────────────────────────────────────────────────────────────────────────────

  get rss(): number {
    let count = 0
    for (const page of this.pages.values()) {
      if (page.state === 'resident' || page.state === 'lazy') count += 1
    }
    return count
  }
  get lazy(): number {
    return [...this.pages.values()].filter((page) => page.state === 'lazy').length
  }
  get vmSizeBytes(): number {
    let bytes = 0
    for (const page of this.pages.values()) bytes += this.#nominal(page.kind)
    for (const stack of this.stacks) bytes += (stack + 1) * PAGE
    return bytes
  }
  get committedBytes(): number {
    let bytes = 0
    for (const page of this.pages.values()) if (page.charged) bytes += PAGE
    if (this.#charges) for (const stack of this.stacks) bytes += stack * PAGE
    return bytes
  }
  /** Neighbours of one protection, kind and charge, in address order; stacks left out. */
  rows(): ModelRow[] {
    const rows: ModelRow[] = []
    for (const at of [...this.pages.keys()].sort((a, b) => a - b)) {
      const { protection, kind, charged } = this.pages.get(at)!
      const last = rows.at(-1)
      const joins =
        last !== undefined &&
        last.start + last.pages === at &&
        last.protection === protection &&
        last.kind === kind &&
        last.charged === charged
      if (joins) last.pages += 1
      else rows.push({ start: at, pages: 1, protection, kind, charged })
    }
    return rows
  }
  rowCount(): number {
    return this.rows().length + 2 * this.stacks.length
  }
  get #charges(): boolean {
    return this.setup.limits.overcommitMemory === NEVER_COMMIT
  }
  #nominal(kind: MappingKind): number {
    return kind === MappingKind.ARENA_HEAP ? PAGE * this.setup.arenaHeapScale : PAGE
  }

  // ── access ─────────────────────────────────────────────────────────────────────────────────

  write(page: number, offset: number, value: number): void {
    const it = this.#accessible(page)
    if (it.state === 'absent' || it.state === 'zero') {
      const limit = this.setup.limits.memoryLimit
      if (limit !== undefined && (this.rss + 1) * PAGE > limit) this.killed = true
      this.faults += 1
    }
    it.state = 'resident'
    it.words.set(offset, value)
    this.rssMax = Math.max(this.rssMax, this.rss)
  }
  read(page: number, offset: number): number {
    const it = this.#accessible(page)
    if (it.state === 'absent') {
      it.state = 'zero'
      this.faults += 1
    }
    return it.words.get(offset) ?? 0
  }
  #accessible(page: number): ModelPage {
    const it = this.pages.get(page)
    if (it === undefined || it.protection === Protection.NONE) throw new ModelFault()
    return it
  }

  // ── system calls ───────────────────────────────────────────────────────────────────────────

  sbrk(delta: number): boolean {
    const after = this.breakBytes + delta
    if (after < this.setup.breakPage * PAGE) return false
    const from = Math.ceil(this.breakBytes / PAGE)
    const to = Math.ceil(after / PAGE)
    if (to < from && !this.munmap(to, from)) return false
    if (to > from) {
      if (!this.#mayMap(to - from, Protection.READ_WRITE, MappingKind.BRK_HEAP)) return false
      if (to >= this.setup.heapPages || !this.#free(from, to + 1)) throw new ModelFull()
      this.#map(from, to - from, Protection.READ_WRITE, MappingKind.BRK_HEAP)
    }
    this.breakBytes = after
    return true
  }

  mmap(hint: number, pages: number, protection: Protection, kind: MappingKind): number {
    if (!this.#mayMap(pages, protection, kind)) return 0
    const useHint = hint > 0 && hint + pages <= this.setup.heapPages
    const at = useHint && this.#free(hint, hint + pages) ? hint : this.#highestGap(pages)
    this.#map(at, pages, protection, kind)
    return at
  }

  mmapFixed(first: number, pages: number, protection: Protection, kind: MappingKind): boolean {
    const end = first + pages
    if (first === 0 || end > this.setup.heapPages) return false
    if (this.rowCount() > this.setup.rowsMax) return false
    let replaced = 0
    let uncharged = 0
    for (let at = first; at < end; at++) {
      const old = this.pages.get(at)
      if (old !== undefined) replaced += this.#nominal(old.kind)
      if (old?.charged) uncharged += PAGE
    }
    if (!this.#mayExpand(pages * this.#nominal(kind) - replaced)) return false
    const committed = protection === Protection.NONE ? 0 : pages * PAGE
    if (!this.#mayCommit(committed, uncharged)) return false
    if (!this.munmap(first, end)) return false
    this.#map(first, pages, protection, kind)
    return true
  }

  munmap(first: number, end: number): boolean {
    const cutsHole = this.rows().some((row) => row.start < first && row.start + row.pages > end)
    if (cutsHole && this.rowCount() >= this.setup.rowsMax) return false
    for (let at = first; at < end; at++) this.pages.delete(at)
    return true
  }

  mremap(first: number, oldPages: number, newPages: number): number {
    const row = this.#rowAt(first)
    if (row === undefined) return 0
    if (newPages <= oldPages) {
      return newPages === oldPages || this.munmap(first + newPages, first + oldPages) ? first : 0
    }
    const rowEnd = row.start + row.pages
    if (first + oldPages > rowEnd) return 0
    if (!this.#mayExpand((newPages - oldPages) * this.#nominal(row.kind))) return 0
    const end = first + newPages
    const inPlace =
      first + oldPages === rowEnd &&
      end <= this.setup.heapPages &&
      this.#free(first + oldPages, end)
    const accountable = this.#charges ? row.charged : row.protection === Protection.READ_WRITE
    const committed = (inPlace ? newPages - oldPages : newPages) * PAGE
    if (accountable && !this.#mayCommit(committed, 0)) return 0
    let target = first
    if (!inPlace) {
      if (this.rowCount() >= this.setup.rowsMax - 3) return 0
      target = this.#highestGap(newPages)
      for (let i = 0; i < oldPages; i++) {
        this.pages.set(target + i, this.pages.get(first + i)!)
        this.pages.delete(first + i)
      }
    }
    for (let at = target + oldPages; at < target + newPages; at++) {
      this.pages.set(at, { ...row, state: 'absent', words: new Map() })
    }
    return target
  }

  mprotect(first: number, end: number, protection: Protection): boolean {
    let at = first
    while (at < end) {
      const row = this.#rowAt(at)
      if (row === undefined) return false
      const stop = Math.min(end, row.start + row.pages)
      if (row.protection !== protection && !this.#reprotect(row, at, stop, protection)) return false
      at = stop
    }
    return true
  }
  #reprotect(row: ModelRow, first: number, end: number, protection: Protection): boolean {
    const charges = protection === Protection.READ_WRITE && !row.charged
    if (charges && !this.#mayCommit((end - first) * PAGE, 0)) return false
    const before = this.rowCount()
    const charged = row.charged || (charges && this.#charges)
    const setAll = (of: { protection: Protection; charged: boolean }): void => {
      for (let at = first; at < end; at++) Object.assign(this.pages.get(at)!, of)
    }
    setAll({ protection, charged })
    const after = this.rowCount()
    if (after <= before || after <= this.setup.rowsMax) return true
    setAll({ protection: row.protection, charged: row.charged })
    return false
  }

  madvise(first: number, end: number, advice: 'dont-need' | 'free'): boolean {
    let allMapped = true
    for (let at = first; at < end; at++) {
      const it = this.pages.get(at)
      if (it === undefined) allMapped = false
      else if (advice === 'free') it.state = it.state === 'resident' ? 'lazy' : it.state
      else {
        it.state = 'absent'
        it.words.clear()
      }
    }
    return allMapped
  }

  mapStack(pages: number): boolean {
    if (!this.#mayMap(pages + 1, Protection.NONE, MappingKind.STACK)) return false
    if (!this.#mayCommit(pages * PAGE, 0) || this.rowCount() >= this.setup.rowsMax) return false
    this.stacks.push(pages)
    return true
  }

  // ── rules ──────────────────────────────────────────────────────────────────────────────────

  #mayMap(pages: number, protection: Protection, kind: MappingKind): boolean {
    if (this.rowCount() > this.setup.rowsMax) return false
    if (!this.#mayExpand(pages * this.#nominal(kind))) return false
    return protection === Protection.NONE || this.#mayCommit(pages * PAGE, 0)
  }
  #mayExpand(bytes: number): boolean {
    const limit = this.setup.limits.addressSpaceLimit
    return limit === undefined || this.vmSizeBytes + bytes <= limit
  }
  #mayCommit(bytes: number, freed: number): boolean {
    const { overcommitMemory, ramBytes, overcommitRatio } = this.setup.limits
    if (overcommitMemory === 1) return true
    if (overcommitMemory === 0) return bytes <= ramBytes
    return this.committedBytes + bytes - freed <= (ramBytes * overcommitRatio) / 100
  }
  #map(first: number, pages: number, protection: Protection, kind: MappingKind): void {
    const charged = protection === Protection.READ_WRITE && this.#charges
    for (let at = first; at < first + pages; at++) {
      this.pages.set(at, { protection, kind, charged, state: 'absent', words: new Map() })
    }
  }
  #free(first: number, end: number): boolean {
    for (let at = first; at < end; at++) if (this.pages.has(at)) return false
    return true
  }
  #rowAt(page: number): ModelRow | undefined {
    return this.rows().find((row) => row.start <= page && page < row.start + row.pages)
  }
  /** The highest free run of that length above the break; its topmost placement. */
  #highestGap(pages: number): number {
    const floor = Math.ceil(this.breakBytes / PAGE)
    for (let at = this.setup.heapPages - pages; at >= floor; at--) {
      if (this.#free(at, at + pages)) return at
    }
    throw new ModelFull()
  }
}
