/**
 * The mappings, as rows of a table in the control buffer, sorted from the highest address down.
 *
 *   word   0       1       2            3      4         5..7
 *        ┌───────┬───────┬────────────┬──────┬─────────┬────────┐
 *        │ start │ pages │ protection │ kind │ charged │ unused │
 *        └───────┴───────┴────────────┴──────┴─────────┴────────┘
 *
 * Downwards, because the kernel places mappings top-down: a new row is nearly always the last but
 * two (static data and brk heap lie below it), and inserting it moves next to nothing.
 *
 * Invariants: rows do not overlap; rows that touch differ in protection, kind or charge (else they
 * are merged, as `vma_merge` does). Read and written under the mmap_lock only.
 */
import { type Control, MAPPING_ROW_BYTES } from '../words/control.ts'
import type { MappingKind, Protection } from '../words/mapping.ts'
import { BYTES_PER_WORD, type SharedWords } from '../words/units.ts'
import { SpaceWord, spaceWords } from './space-layout.ts'

/** Words of a row. `start` is a page number; `charged` is 1 when it counts as committed. */
const MappingWord = { START: 0, PAGES: 1, PROTECTION: 2, KIND: 3, CHARGED: 4 } as const
const ROW_WORDS = MAPPING_ROW_BYTES / BYTES_PER_WORD

/**
 * Rows of the table beyond vm.max_map_count: Linux lets mmap go one above it, and changing the
 * protection of a stretch inside a mapping needs two rows more for a moment.
 */
export const SPARE_ROWS = 3

export class MappingTable {
  readonly #int32: SharedWords
  readonly #space: number
  readonly #rows: number
  readonly #pageCount: number
  /** vm.max_map_count. */
  readonly rowsMax: number

  constructor(control: Control) {
    this.#int32 = control.int32
    this.#space = spaceWords(control)
    this.#rows = control.plan.at.mappings / BYTES_PER_WORD
    this.#pageCount = control.pages.length
    this.rowsMax = control.plan.mappingsMax - SPARE_ROWS
  }

  // ── one row ──────────────────────────────────────────────────────────────────────────────────

  get rows(): number {
    return this.#int32[this.#space + SpaceWord.ROWS]!
  }
  start(row: number): number {
    return this.#int32[this.#place(row) + MappingWord.START]!
  }
  pages(row: number): number {
    return this.#int32[this.#place(row) + MappingWord.PAGES]!
  }
  /** The page after its last. */
  end(row: number): number {
    return this.start(row) + this.pages(row)
  }
  protection(row: number): Protection {
    return this.#int32[this.#place(row) + MappingWord.PROTECTION] as Protection
  }
  kind(row: number): MappingKind {
    return this.#int32[this.#place(row) + MappingWord.KIND] as MappingKind
  }
  charged(row: number): number {
    return this.#int32[this.#place(row) + MappingWord.CHARGED]!
  }
  /** Pages that the row has in [first, end). */
  overlap(row: number, first: number, end: number): number {
    return Math.min(this.end(row), end) - Math.max(this.start(row), first)
  }

  #place(row: number): number {
    return this.#rows + row * ROW_WORDS
  }
  #setExtent(row: number, start: number, pages: number): void {
    const place = this.#place(row)
    this.#int32[place + MappingWord.START] = start
    this.#int32[place + MappingWord.PAGES] = pages
  }
  #isAlike(row: number, protection: Protection, kind: MappingKind, charged: number): boolean {
    const sameUse = this.protection(row) === protection && this.kind(row) === kind
    return sameUse && this.charged(row) === charged
  }

  // ── finding ──────────────────────────────────────────────────────────────────────────────────

  /** The highest row that starts below `page`; `rows` when there is none. */
  firstBelow(page: number): number {
    let low = 0
    let high = this.rows
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.start(middle) < page) high = middle
      else low = middle + 1
    }
    return low
  }
  /** The row that covers `page`; -1 when it is not mapped. */
  rowAt(page: number): number {
    const row = this.firstBelow(page + 1)
    return row < this.rows && this.end(row) > page ? row : -1
  }
  isFree(first: number, end: number): boolean {
    const row = this.firstBelow(end)
    return row >= this.rows || this.end(row) <= first
  }

  // ── changing ─────────────────────────────────────────────────────────────────────────────────

  /** Adds a mapping over free pages; it merges with neighbours of its like. */
  insert(
    start: number,
    pages: number,
    protection: Protection,
    kind: MappingKind,
    charged: number,
  ): void {
    const below = this.firstBelow(start)
    const above = below - 1
    const joinsAbove =
      above >= 0 &&
      this.start(above) === start + pages &&
      this.#isAlike(above, protection, kind, charged)
    const joinsBelow =
      below < this.rows &&
      this.end(below) === start &&
      this.#isAlike(below, protection, kind, charged)
    if (joinsAbove && joinsBelow) {
      const all = this.pages(below) + pages + this.pages(above)
      this.#setExtent(below, this.start(below), all)
      this.#closeRows(above, 1)
    } else if (joinsAbove) this.#setExtent(above, start, pages + this.pages(above))
    else if (joinsBelow) this.#setExtent(below, this.start(below), this.pages(below) + pages)
    else {
      const place = this.#openRow(below)
      this.#setExtent(below, start, pages)
      this.#int32[place + MappingWord.PROTECTION] = protection
      this.#int32[place + MappingWord.KIND] = kind
      this.#int32[place + MappingWord.CHARGED] = charged
    }
  }

  /** Takes [first, end) out of whatever rows cover it: they are cut, split or removed. */
  remove(first: number, end: number): void {
    let row = this.firstBelow(end)
    if (row >= this.rows || this.end(row) <= first) return
    const reachesAbove = this.end(row) - end
    if (reachesAbove > 0) {
      const start = this.start(row)
      if (start < first) {
        // A hole: the part below it becomes a row of its own, with the same properties.
        const lower = this.#openRow(row + 1)
        this.#int32.copyWithin(lower, this.#place(row), this.#place(row) + ROW_WORDS)
        this.#setExtent(row + 1, start, first - start)
      }
      this.#setExtent(row, end, reachesAbove)
      row += 1
      if (start <= first) return
    }
    const covered = row
    while (row < this.rows && this.start(row) >= first) row += 1
    if (row < this.rows && this.end(row) > first) {
      this.#setExtent(row, this.start(row), first - this.start(row))
    }
    this.#closeRows(covered, row - covered)
  }

  /** Changes protection and charge of [first, end), which lies within `row`. */
  reprotect(
    row: number,
    first: number,
    end: number,
    protection: Protection,
    charged: number,
  ): void {
    const kind = this.kind(row)
    this.remove(first, end)
    this.insert(first, end - first, protection, kind, charged)
  }

  /** Rows gained by `reprotect` with the same arguments; at least -2, at most 2. */
  rowsGained(
    row: number,
    first: number,
    end: number,
    protection: Protection,
    charged: number,
  ): number {
    const kind = this.kind(row)
    let gained = 0
    if (first > this.start(row)) gained += 1
    else if (this.#joins(row + 1, protection, kind, charged) && this.end(row + 1) === first) {
      gained -= 1
    }
    if (end < this.end(row)) gained += 1
    else if (this.#joins(row - 1, protection, kind, charged) && this.start(row - 1) === end) {
      gained -= 1
    }
    return gained
  }

  /** Is there such a row, and would it become one with a neighbour like this? */
  #joins(row: number, protection: Protection, kind: MappingKind, charged: number): boolean {
    return row >= 0 && row < this.rows && this.#isAlike(row, protection, kind, charged)
  }

  #openRow(row: number): number {
    const place = this.#place(row)
    this.#int32.copyWithin(place + ROW_WORDS, place, this.#place(this.rows))
    this.#int32[this.#space + SpaceWord.ROWS] = this.rows + 1
    return place
  }
  #closeRows(row: number, count: number): void {
    if (count === 0) return
    this.#int32.copyWithin(this.#place(row), this.#place(row + count), this.#place(this.rows))
    this.#int32[this.#space + SpaceWord.ROWS] = this.rows - count
  }

  // ── gaps ─────────────────────────────────────────────────────────────────────────────────────

  /**
   * Start of the highest gap of the buffer that holds `pages`, placed at the gap's upper end; 0
   * when no gap at or above `floor` does. Follows Linux's `arch_get_unmapped_area_topdown`.
   *
   * So that thousands of small holes are not looked at for every large mapping, it remembers, as
   * Linux did with `free_area_cache` and `cached_hole_size`: every gap that reaches above
   * SEARCH_BELOW is smaller than SEARCH_PAGES. `noteGap` keeps that true.
   */
  findGap(pages: number, floor: number): number {
    const remembered = this.#int32[this.#space + SpaceWord.SEARCH_PAGES]!
    const useMemory = pages >= remembered
    let ceiling = useMemory ? this.#int32[this.#space + SpaceWord.SEARCH_BELOW]! : this.#pageCount
    let largest = useMemory ? remembered - 1 : 0
    for (let row = this.firstBelow(ceiling); ceiling > floor; row++) {
      const bottom = row < this.rows ? Math.max(this.end(row), floor) : floor
      const gap = ceiling - bottom
      if (gap >= pages) {
        this.#int32[this.#space + SpaceWord.SEARCH_BELOW] = ceiling - pages
        this.#int32[this.#space + SpaceWord.SEARCH_PAGES] = largest + 1
        return ceiling - pages
      }
      if (gap > largest) largest = gap
      if (row >= this.rows) break
      ceiling = this.start(row)
    }
    return 0
  }

  /** Pages have become free around `page`: lets `findGap` look there again. */
  noteGap(page: number): void {
    const below = this.firstBelow(page + 1)
    const bottom = below < this.rows ? this.end(below) : 0
    const top = below > 0 ? Math.min(this.start(below - 1), this.#pageCount) : this.#pageCount
    const searchBelow = this.#int32[this.#space + SpaceWord.SEARCH_BELOW]!
    const large = top - bottom >= this.#int32[this.#space + SpaceWord.SEARCH_PAGES]!
    if (large && top > searchBelow) this.#int32[this.#space + SpaceWord.SEARCH_BELOW] = top
  }

  /** As `findGap`, between any two pages and without a memory: for what lies beyond the buffer. */
  findGapBetween(pages: number, floor: number, top: number): number {
    let ceiling = top
    for (let row = this.firstBelow(top); ; row++) {
      const bottom = row < this.rows ? Math.max(this.end(row), floor) : floor
      if (ceiling - bottom >= pages) return ceiling - pages
      if (bottom === floor) return 0
      ceiling = this.start(row)
    }
  }
}
