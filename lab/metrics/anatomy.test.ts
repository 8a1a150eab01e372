/**
 * Goal: the parts of the anatomy add up to RSS whatever the heap looks like, and each stretch lands
 * in the cause that a byte-by-byte count gives it.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RegionKind } from '../../allocators/contract.ts'
import { Cell } from '../words/cells.ts'
import { CELL_WORDS, type Control, createControl } from '../words/control.ts'
import { PAGE_NOACCESS, PageState } from '../words/page-state.ts'
import { PAGE_BYTES, PAGE_WORDS, type WordIndex } from '../words/units.ts'
import { AnatomyTally } from './anatomy.ts'
import { indexBlocks, NOT_HELD } from './block-index.ts'
import { Residency } from './residency.ts'

const HEAP_PAGES = 256

function smallControl(tableCells = 512): Control {
  return createControl({
    seats: 2,
    heapBytes: HEAP_PAGES * PAGE_BYTES,
    mappingsMax: 4,
    locksMax: 4,
    cellsPerSeat: 4,
    tableCells,
    channelCapacities: [],
    barriers: 0,
    runQueueSlots: 2,
    logEntries: 8,
  })
}

function hold(control: Control, cell: number, block: number, requested: number): void {
  control.cells[cell * CELL_WORDS + Cell.BLOCK] = block
  control.cells[cell * CELL_WORDS + Cell.REQUESTED] = requested
}

interface Region {
  readonly words: number
  readonly kind: RegionKind
  /** Share of the block that was asked for, in 1/8ths; USABLE only, 0: no cell holds it. */
  readonly asked: number
}
const region = fc.record({
  words: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 6 * PAGE_WORDS })),
  kind: fc.constantFrom(
    RegionKind.USABLE,
    RegionKind.USABLE,
    RegionKind.FREE,
    RegionKind.OVERHEAD,
    RegionKind.THREAD_CACHE,
    RegionKind.STATE,
  ),
  asked: fc.integer({ min: 0, max: 8 }),
})

/** What each word of the heap is, by plain painting: the obviously right model. */
function paint(control: Control, regions: readonly Region[], topWords: number) {
  const kinds = new Int8Array(HEAP_PAGES * PAGE_WORDS).fill(-1)
  const tally = new AnatomyTally(new Residency(control), indexBlocks(control))
  let at = PAGE_WORDS
  for (const { words, kind } of [...regions, { words: topWords, kind: RegionKind.TOP }]) {
    kinds.fill(kind, at, at + words)
    tally.visit(at as WordIndex, words, kind, 0)
    at += words
  }
  return { kinds, tally }
}

describe('anatomy: sums', () => {
  it('every part equals a count word by word, and the sum is RSS', () => {
    const regions = fc.array(region, { minLength: 1, maxLength: 30 })
    const residents = fc.array(fc.boolean(), { minLength: HEAP_PAGES, maxLength: HEAP_PAGES })
    fc.assert(
      fc.property(regions, residents, (list, resident) => {
        const control = smallControl()
        resident.forEach((yes, page) => {
          control.pages[page] = yes ? PageState.RESIDENT : PageState.STALE
        })
        let at = PAGE_WORDS
        const requestedOf = new Map<number, number>()
        for (const [place, { words, kind, asked }] of list.entries()) {
          if (kind === RegionKind.USABLE && asked > 0) {
            const requested = Math.floor((words * 4 * asked) / 8)
            hold(control, place, at, requested)
            requestedOf.set(at, requested)
          }
          at += words
        }
        fc.pre(at < (HEAP_PAGES - 1) * PAGE_WORDS)
        const { kinds, tally } = paint(control, list, 64)
        const rss = resident.filter(Boolean).length * PAGE_BYTES
        const { anatomy, arenas } = tally.result(rss)

        const expected = countByWord(kinds, resident, requestedOf)
        expect(anatomy.live).toBe(expected.live)
        expect(anatomy.threadCaches).toBe(expected.byKind[RegionKind.THREAD_CACHE])
        expect(anatomy.freeTop).toBe(expected.byKind[RegionKind.TOP])
        expect(anatomy.allocatorState).toBe(expected.byKind[RegionKind.STATE])
        expect(anatomy.pinnedFree + anatomy.freeInBins).toBe(expected.byKind[RegionKind.FREE])
        expect(anatomy.pinnedFree).toBe(expected.pinned)
        expect(anatomy.other).toBe(expected.nobodys + tally.processBlocks)
        expect(arenas[0]!.live).toBe(anatomy.live)
        const { rss: whole, ...parts } = anatomy
        expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(whole)
      }),
      { numRuns: 150 },
    )
  })
})

function countByWord(
  kinds: Int8Array,
  resident: readonly boolean[],
  requestedOf: ReadonlyMap<number, number>,
) {
  const byKind = new Array<number>(8).fill(0)
  let live = 0
  let nobodys = 0
  let left = 0
  for (let word = 0; word < kinds.length; word++) {
    left = requestedOf.get(word) ?? left
    const inWord = kinds[word] === RegionKind.USABLE ? Math.max(0, Math.min(4, left)) : 0
    if (resident[Math.floor(word / PAGE_WORDS)]) {
      live += inWord
      if (kinds[word]! < 0) nobodys += 4
      else byKind[kinds[word]!]! += 4
    }
    left = Math.max(0, left - 4)
  }
  const lastUsed = kinds.lastIndexOf(RegionKind.USABLE)
  let pinned = 0
  for (let page = 0; page < HEAP_PAGES; page++) {
    const words = kinds.subarray(page * PAGE_WORDS, (page + 1) * PAGE_WORDS)
    const free = words.every((kind) => kind === RegionKind.FREE)
    if (free && resident[page] && page * PAGE_WORDS < lastUsed) pinned += PAGE_BYTES
  }
  return { byKind, live, nobodys, pinned }
}

describe('anatomy: pinned free', () => {
  const walk = (regions: readonly [number, number, RegionKind, number][]) => {
    const control = smallControl()
    control.pages.fill(PageState.RESIDENT)
    hold(control, 0, 40 * PAGE_WORDS, PAGE_BYTES)
    const tally = new AnatomyTally(new Residency(control), indexBlocks(control))
    for (const [page, pages, kind, arena] of regions) {
      tally.visit((page * PAGE_WORDS) as WordIndex, pages * PAGE_WORDS, kind, arena)
    }
    return tally.result(HEAP_PAGES * PAGE_BYTES)
  }

  it('free below a live block in a heap with a top is pinned', () => {
    const { anatomy, arenas } = walk([
      [10, 30, RegionKind.FREE, 0],
      [40, 1, RegionKind.USABLE, 0],
      [41, 2, RegionKind.FREE, 0],
      [43, 1, RegionKind.TOP, 0],
    ])
    expect(anatomy.pinnedFree).toBe(30 * PAGE_BYTES)
    expect(anatomy.freeInBins).toBe(2 * PAGE_BYTES)
    expect(arenas).toEqual([
      { resident: 34 * PAGE_BYTES, live: PAGE_BYTES, pinnedFree: 30 * PAGE_BYTES },
    ])
  })

  it('a live block in a newer heap of the arena pins what is free in the older ones', () => {
    const { anatomy } = walk([
      [90, 20, RegionKind.FREE, 0],
      [40, 1, RegionKind.USABLE, 0],
      [41, 2, RegionKind.FREE, 0],
      [43, 1, RegionKind.TOP, 0],
      [60, 20, RegionKind.FREE, 0],
    ])
    expect(anatomy.pinnedFree).toBe(40 * PAGE_BYTES)
    expect(anatomy.freeInBins).toBe(2 * PAGE_BYTES)
  })

  it('a live block in another arena pins nothing', () => {
    const { anatomy } = walk([
      [10, 30, RegionKind.FREE, 0],
      [50, 1, RegionKind.TOP, 0],
      [40, 1, RegionKind.USABLE, 1],
    ])
    expect(anatomy.pinnedFree).toBe(0)
    expect(anatomy.freeInBins).toBe(30 * PAGE_BYTES)
  })

  it('a design without tops pins nothing: it may give any page back', () => {
    const { anatomy } = walk([
      [10, 30, RegionKind.FREE, 0],
      [40, 1, RegionKind.USABLE, 0],
    ])
    expect(anatomy.pinnedFree).toBe(0)
  })

  it('two designs claiming one page show as a negative rest', () => {
    const { anatomy } = walk([
      [0, HEAP_PAGES, RegionKind.STATE, -1],
      [40, 1, RegionKind.TOP, 0],
    ])
    expect(anatomy.other).toBe(-PAGE_BYTES)
  })
})

describe('residency', () => {
  it('counts four pages at once as it counts one by one, whatever the states', () => {
    const states = fc.array(fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 0x81, 0x85, 0x86), {
      minLength: HEAP_PAGES,
      maxLength: HEAP_PAGES,
    })
    const bound = fc.integer({ min: 0, max: HEAP_PAGES })
    fc.assert(
      fc.property(states, bound, bound, (pages, a, b) => {
        const control = smallControl()
        control.pages.set(pages)
        const [first, end] = [Math.min(a, b), Math.max(a, b)]
        const expected = pages
          .slice(first, end)
          .filter((state) => (state & ~PAGE_NOACCESS) >= PageState.RESIDENT).length
        expect(new Residency(control).pages(first, end)).toBe(expected)
      }),
    )
  })
})

describe('block index', () => {
  it('finds what cells hold, and nothing else', () => {
    const block = fc.integer({ min: 1, max: 2 ** 31 - 1 })
    fc.assert(
      fc.property(fc.uniqueArray(block, { maxLength: 400 }), block, (blocks, stranger) => {
        const control = smallControl()
        for (const [place, at] of blocks.entries()) hold(control, place, at, at % 1000)
        const index = indexBlocks(control)
        expect(index.count).toBe(blocks.length)
        for (const at of blocks) expect(index.requested(at)).toBe(at % 1000)
        if (!blocks.includes(stranger)) expect(index.requested(stranger)).toBe(NOT_HELD)
        for (let at = 1; at <= 600; at++) index.add(at, at)
        expect(index.requested(600)).toBe(600)
      }),
      { numRuns: 50 },
    )
  })
})
