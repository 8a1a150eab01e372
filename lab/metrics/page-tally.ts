/**
 * The heap page by page: how much of each resident page is in use, and which block keeps an arena
 * from giving pages back. Filled during the walk of a look; cheap, because every lab thread waits
 * for it: blocks in use are only remembered until the next one, free ones are added to their pages.
 */
import {
  type ArenaTail,
  type HeapReport,
  RegionKind,
  type RegionVisitor,
} from '../../allocators/contract.ts'
import { isResident, PAGE_STATE_MASK, PageState } from '../words/page-state.ts'
import {
  byteOfWord,
  bytesOfPages,
  PAGE_WORDS,
  type PageNumber,
  pageOfWord,
  pagesOfBytes,
  type WordIndex,
  wordOfPage,
} from '../words/units.ts'
import type { HeapPages, PageMap } from './survey-types.ts'

/** Cells of all heaps together, at most. */
const CELLS_MAX = 8192
/** Free words of a page that lies wholly in a top: told apart from other free pages. */
const TOP_PAGE = PAGE_WORDS + 1
/** A header of ptmalloc: it belongs to the chunk whose body follows. */
const HEADER_WORDS = 2

/** An arena's top, and the block below it. */
export interface Top {
  readonly arena: number
  readonly start: WordIndex
  readonly words: number
  /** The highest block that is not free, and the end of the one below it; 0 when there is none. */
  readonly block: WordIndex
  readonly blockWords: number
  readonly blockKind: RegionKind
  readonly belowEnd: WordIndex
  readonly tail: ArenaTail
}

/** Regions below a top that are remembered: a power of two. */
const TAIL_MAX = 2048
const TAIL_MASK = TAIL_MAX - 1

/** Pages that the top of an arena gives a meaning: those below the pin, and those of the top. */
interface Stretch {
  readonly pinEnd: PageNumber
  readonly topStart: PageNumber
}

export class PageTally {
  readonly #states: Uint8Array<SharedArrayBuffer>
  /** Free words of each page. */
  readonly #free: Uint16Array
  /** By arena; null where a second one was met, so that neither is the end of anything. */
  readonly #tops = new Map<number, Top | null>()
  /** The last regions of the heap being walked, headers left out: a ring. */
  readonly #starts = new Int32Array(TAIL_MAX)
  readonly #kinds = new Uint8Array(TAIL_MAX)
  #met = 0
  #dirtyEnd = 0
  #headerEnd = 0
  #block = 0 as WordIndex
  #blockWords = 0
  #blockKind: RegionKind = RegionKind.USABLE
  #belowEnd = 0 as WordIndex

  /** `states` is the page table, one byte per page. */
  constructor(states: Uint8Array<SharedArrayBuffer>) {
    this.#states = states
    this.#free = new Uint16Array(states.length)
  }

  /** Forgets the look before. */
  begin(): void {
    this.#free.fill(0, 0, this.#dirtyEnd)
    this.#dirtyEnd = 0
    this.#tops.clear()
    this.#enterHeap()
  }

  /** One region, in address order within a heap. */
  readonly visit: RegionVisitor = (start, words, kind, arena) => {
    if (kind === RegionKind.OVERHEAD) {
      this.#headerEnd = words === HEADER_WORDS ? start + words : 0
      return
    }
    const place = this.#met++ & TAIL_MASK
    this.#starts[place] = start
    this.#kinds[place] = kind
    switch (kind) {
      case RegionKind.USABLE:
      case RegionKind.STATE:
        this.#meetBlock(start, words, kind)
        return
      case RegionKind.THREAD_CACHE:
        this.#meetBlock(start, words, kind)
        this.#addFree(start, words)
        return
      case RegionKind.FREE:
        this.#addFree(start, words)
        return
      case RegionKind.TOP:
        this.#addFree(start, words, TOP_PAGE)
        this.#meetTop(start, words, arena)
        this.#enterHeap()
        return
      default:
        this.#enterHeap()
    }
  }

  /** Tops of arenas that have one: where free memory can be given back wherever it is, none. */
  tops(): Top[] {
    return [...this.#tops.values()].filter((top) => top !== null)
  }

  /** Resident bytes of wholly free pages of [first, end). */
  freePageBytes(first: PageNumber, end: PageNumber): number {
    let pages = 0
    for (let page = first as number; page < end; page++) {
      if (this.#free[page]! >= PAGE_WORDS && isResident(this.#states[page]!)) pages++
    }
    return bytesOfPages(pages)
  }

  /** Resident bytes of the pages of [first, end). */
  residentBytes(first: PageNumber, end: PageNumber): number {
    let pages = 0
    for (let page = first as number; page < end; page++)
      if (isResident(this.#states[page]!)) pages++
    return bytesOfPages(pages)
  }

  /** Every heap of the report, in cells. `pins` are the blocks that pin, by arena. */
  map(heap: HeapReport, pins: ReadonlyMap<number, WordIndex>): PageMap {
    const extents = heap.arenas.flatMap(({ heaps }, arena) =>
      heaps.map((extent) => {
        const first = pageOfWord(extent.start)
        return { arena, first, end: this.#touchedEnd(first, pagesOfBytes(extent.reservedBytes)) }
      }),
    )
    let pagesPerCell = 1
    const cells = (): number =>
      extents.reduce((sum, { first, end }) => sum + Math.ceil((end - first) / pagesPerCell), 0)
    while (cells() > CELLS_MAX) pagesPerCell *= 2
    const tops = new Map(this.tops().map((top) => [top.arena, top]))
    const heaps = extents.map(({ arena, first, end }): HeapPages => {
      const stretch = stretchOf(tops.get(arena), pins.get(arena), first, end)
      const text = this.#cells(first, end, pagesPerCell, stretch)
      return { arena, start: byteOfWord(wordOfPage(first)), cells: text }
    })
    return { pagesPerCell, heaps }
  }

  #enterHeap(): void {
    this.#block = 0 as WordIndex
    this.#blockWords = 0
    this.#belowEnd = 0 as WordIndex
    this.#headerEnd = 0
    this.#met = 0
  }

  #meetBlock(start: WordIndex, words: number, kind: RegionKind): void {
    this.#belowEnd = (this.#block + this.#blockWords) as WordIndex
    this.#block = start
    this.#blockWords = words
    this.#blockKind = kind
  }

  #meetTop(start: WordIndex, words: number, arena: number): void {
    const only = this.#tops.get(arena) === undefined
    this.#tops.set(
      arena,
      only
        ? {
            arena,
            start,
            words,
            block: this.#block,
            blockWords: this.#blockWords,
            blockKind: this.#blockKind,
            belowEnd: this.#belowEnd,
            tail: this.#tail(arena),
          }
        : null,
    )
  }

  #tail(arena: number): ArenaTail {
    const first = Math.max(0, this.#met - TAIL_MAX)
    const starts: WordIndex[] = []
    const kinds: RegionKind[] = []
    for (let place = first; place < this.#met; place++) {
      starts.push(this.#starts[place & TAIL_MASK]! as WordIndex)
      kinds.push(this.#kinds[place & TAIL_MASK]! as RegionKind)
    }
    return { arena, starts, kinds, left: first }
  }

  #addFree(body: WordIndex, bodyWords: number, wholePage = PAGE_WORDS): void {
    const own = this.#headerEnd === body ? HEADER_WORDS : 0
    const start = body - own
    const end = body + bodyWords
    const free = this.#free
    const first = pageOfWord(start as WordIndex)
    const last = pageOfWord((end - 1) as WordIndex)
    if (last >= this.#dirtyEnd) this.#dirtyEnd = last + 1
    if (first === last) {
      free[first] = free[first]! + bodyWords + own
      return
    }
    free[first] = free[first]! + wordOfPage((first + 1) as PageNumber) - start
    free.fill(wholePage, first + 1, last)
    free[last] = free[last]! + end - wordOfPage(last)
  }

  /** One past the last page that is or was resident; at least one page. */
  #touchedEnd(first: PageNumber, pages: number): PageNumber {
    let end = Math.min(first + pages, this.#states.length)
    while (end > first + 1 && (this.#states[end - 1]! & PAGE_STATE_MASK) <= PageState.ABSENT) end--
    return end as PageNumber
  }

  #cells(first: PageNumber, end: PageNumber, pagesPerCell: number, stretch: Stretch): string {
    let text = ''
    let letter = ''
    let run = 0
    for (let page = first as number; page < end; page += pagesPerCell) {
      const next = this.#letter(page, Math.min(page + pagesPerCell, end), stretch)
      if (next === letter) {
        run++
        continue
      }
      if (run > 0) text += run > 1 ? `${letter}${run}` : letter
      letter = next
      run = 1
    }
    return run > 1 ? `${text}${letter}${run}` : text + letter
  }

  #letter(first: number, end: number, { pinEnd, topStart }: Stretch): string {
    let resident = 0
    let returned = 0
    let free = 0
    let top = 0
    for (let page = first; page < end; page++) {
      const state = this.#states[page]!
      if (isResident(state)) {
        resident++
        free += Math.min(this.#free[page]!, PAGE_WORDS)
        if (this.#free[page] === TOP_PAGE) top++
      } else if ((state & PAGE_STATE_MASK) === PageState.STALE) {
        returned++
      }
    }
    if (resident === 0) return returned > 0 ? 'R' : 'U'
    const share = 1 - free / (resident * PAGE_WORDS)
    if (share > 0.97) return 'A'
    if (share >= 0.5) return 'B'
    if (share > 0.004) return 'C'
    if (2 * top > resident || first >= topStart) return 'T'
    return first < pinEnd ? 'P' : 'F'
  }
}

/** What the top of its arena makes of the heap [first, end). */
function stretchOf(
  top: Top | undefined,
  pin: WordIndex | undefined,
  first: PageNumber,
  end: PageNumber,
): Stretch {
  if (top === undefined) return { pinEnd: first, topStart: end }
  const topStart = pageOfWord(top.start)
  // An older heap of the arena: nothing of it goes back while a newer one is there.
  if (topStart < first || topStart >= end) return { pinEnd: end, topStart: end }
  return { pinEnd: pin === undefined ? first : pageOfWord(pin), topStart }
}
