/** The rules of glibc's malloc and free, one at a time; the fixtures hold them all together. */
import { describe, expect, it } from 'vitest'
import { BLOCK_NULL, type WordIndex } from '../../lab/words/units.ts'
import { StaticWord } from './static-layout.ts'
import { glibcBench, many } from './test/bench.ts'

describe('glibc: where blocks come from', () => {
  it('the first malloc gets 132 KiB by the break; the thread cache lies first', () => {
    const { main, offset, process } = glibcBench()
    expect(offset(main.malloc(24))).toBe(0x290 + 0x10)
    expect(process.calls).toEqual(['brk 0', 'brk 135168'])
  })
  it('the cache gives the newest chunk, the unsorted list the oldest', () => {
    const cached = glibcBench()
    const [a, b] = many(cached.main, 2, 24)
    cached.main.free(a!)
    cached.main.free(b!)
    expect(cached.main.malloc(24)).toBe(b)

    const uncached = glibcBench({ tcache_count: 0, mxfast: 0 })
    const [c, , d] = many(uncached.main, 4, 24)
    uncached.main.free(c!)
    uncached.main.free(d!)
    expect(uncached.main.malloc(24)).toBe(c)
  })
  it('seven chunks are cached, the eighth goes to a fastbin', () => {
    const { main } = glibcBench()
    const blocks = many(main, 9, 24)
    for (const block of blocks) main.free(block)
    const again = many(main, 7, 24)
    expect(again).toEqual(blocks.slice(0, 7).reverse())
    expect(main.malloc(24)).toBe(blocks[8])
    expect(main.malloc(24)).toBe(blocks[7])
  })
  it('small requests are cut from the last remainder, side by side', () => {
    const { main } = glibcBench({ tcache_count: 0 })
    const [hole] = [main.malloc(900), main.malloc(24)]
    main.free(hole!)
    main.malloc(5000)
    const [a, b] = many(main, 2, 200)
    expect(a).toBe(hole)
    expect(b! - a!).toBe(208 / 4)
  })
  it('a large request takes the smallest chunk that fits', () => {
    const { main } = glibcBench()
    const blocks = [5000, 3000, 4000].map((bytes) => [main.malloc(bytes), main.malloc(24)][0]!)
    for (const block of blocks) main.free(block)
    expect(main.malloc(2900)).toBe(blocks[1])
  })
  it('a request over PTRDIFF_MAX is refused before anything happens', () => {
    const { main, process } = glibcBench()
    expect(main.malloc(2 ** 64)).toBe(BLOCK_NULL)
    expect(main.malloc(2 ** 63)).toBe(BLOCK_NULL)
    expect(main.calloc(2 ** 31, 2 ** 32)).toBe(BLOCK_NULL)
    expect(main.calloc(2 ** 40, 2 ** 40)).toBe(BLOCK_NULL)
    expect(process.calls).toEqual([])
  })
  it('with several threads, a failing malloc moves the main thread to a new arena', () => {
    const { main, start, at } = glibcBench()
    main.malloc(24)
    start()
    expect(main.malloc(2 ** 48)).toBe(BLOCK_NULL)
    expect(at(main.malloc(2000)).kind).toBe('heap')
  })
})

describe('glibc: giving back', () => {
  it('freeing a mapped block raises both thresholds, and the next one is not mapped', () => {
    const { main, at, m } = glibcBench()
    const block = main.malloc(200_000)
    expect(at(block)).toEqual({ kind: 'mapped', offset: 16 })
    main.free(block)
    expect(m.static(StaticWord.MMAP_THRESHOLD) * 4).toBe(200_704)
    expect(m.static(StaticWord.TRIM_THRESHOLD) * 4).toBe(401_408)
    expect(at(main.malloc(200_000)).kind).toBe('main')
  })
  it('any of the four thresholds, set to its default, switches that off', () => {
    const sets = [
      { mmap_threshold: 131_072 },
      { trim_threshold: 131_072 },
      { top_pad: 131_072 },
      { mmap_max: 65_536 },
    ]
    for (const set of sets) {
      const { main, at } = glibcBench(set)
      main.free(main.malloc(200_000))
      expect(at(main.malloc(200_000)).kind).toBe('mapped')
    }
  })
  it('C5: A, B, C, D: the top is not trimmed, because C raised the threshold', () => {
    for (const [set, trims] of [
      [{}, false],
      [{ trim_threshold: 131_072 }, true],
    ] as const) {
      const { main, process } = glibcBench(set)
      const [, b, c, d] = [30_000, 40_000, 200_000, 100_000].map((bytes) => main.malloc(bytes))
      main.free(c!)
      main.free(b!)
      const before = process.currentBrk()
      main.free(d!)
      expect(process.currentBrk() < before).toBe(trims)
    }
  })
  it('malloc_trim with a top of just MINSIZE grows the heap by a page', () => {
    const { main, process } = glibcBench()
    main.malloc(100_000)
    main.malloc(34_456)
    const before = process.currentBrk()
    expect(main.trim(0)).toBe(true)
    expect(process.currentBrk() - before).toBe(1024)
  })
  it('malloc_trim gives back the whole pages inside free chunks of every arena', () => {
    const { main, start, process } = glibcBench({ trim_threshold: -1 })
    const other = start()
    const blocks = [main, other].map((heap) => {
      const block = heap.malloc(50_000)
      heap.malloc(24)
      process.touchRange(block, 50_000 / 4)
      heap.free(block)
      return block
    })
    const before = process.residentPages
    expect(main.trim(0)).toBe(true)
    expect(blocks.length * 11).toBe(before - process.residentPages)
  })
  it('memory the break cannot give is mapped instead, and forms runs of its own', () => {
    const bench = glibcBench({ mmap_max: 0 })
    bench.main.malloc(24)
    bench.process.brkLimit = bench.process.currentBrk()
    const first = bench.main.malloc(300_000)
    const second = bench.main.malloc(2_000_000)
    expect(bench.at(first)).toEqual({ kind: 'foreign', region: 0, offset: 16 })
    expect(bench.at(second)).toEqual({ kind: 'foreign', region: 1, offset: 16 })
    expect(bench.violations()).toEqual([])
  })
})

describe('glibc: realloc and memalign', () => {
  it('realloc to 0 frees, realloc of NULL is malloc', () => {
    const { main } = glibcBench()
    const block = main.realloc(BLOCK_NULL, 100)
    expect(main.realloc(block, 0)).toBe(BLOCK_NULL)
    expect(main.malloc(100)).toBe(block)
  })
  it('a mapped block moves with its pages, contents and residency kept', () => {
    const { main, process } = glibcBench()
    const block = main.malloc(200_000)
    process.touch((block + 20_000) as WordIndex)
    process.words[block + 20_000] = 77
    const resident = process.residentPages
    const moved = main.realloc(block, 900_000)
    expect(process.words[moved + 20_000]).toBe(77)
    expect(process.residentPages).toBe(resident)
    expect(process.calls.filter((call) => call.startsWith('mremap'))).toHaveLength(1)
    expect(main.realloc(moved, 899_000)).toBe(moved)
  })
  it('memalign frees what lies before and after the aligned block', () => {
    const bench = glibcBench()
    bench.main.malloc(24)
    const block = bench.main.memalign(4096, 100)
    expect(bench.offset(block) % 4096).toBe(0)
    expect(bench.main.usableSize(block)).toBe(104)
    expect(bench.violations()).toEqual([])
  })
  it('alignments are rounded up to powers of two; up to 16 it is malloc', () => {
    const { main, offset } = glibcBench()
    main.malloc(24)
    expect(offset(main.memalign(100, 8)) % 128).toBe(0)
    expect(offset(main.memalign(8, 8)) % 16).toBe(0)
    expect(main.memalign(2 ** 63 + 4096, 8)).toBe(BLOCK_NULL)
  })
})

describe('glibc: which pages become resident', () => {
  it('freeing a large block whose header ends a page writes its links on the next', () => {
    const { main, process } = glibcBench()
    main.malloc(4096 - 0x290 - 0x10 - 8)
    const block = main.malloc(20_000)
    main.malloc(24)
    expect(block % 1024).toBe(0)
    const before = process.residentPages
    main.free(block)
    expect(process.residentPages - before).toBe(1)
  })
  it('a mapped block costs the page of its header alone', () => {
    const { main, process } = glibcBench()
    main.malloc(24)
    const before = process.faults
    main.malloc(1_000_000)
    expect(process.faults - before).toBe(1)
  })
  it('calloc from fresh top clears nothing; from used memory all of it', () => {
    const { main, process } = glibcBench()
    main.malloc(24)
    const before = process.residentPages
    const block = main.calloc(1, 500_000)
    expect(process.residentPages - before).toBe(1)
    main.free(block)
    const again = main.calloc(1, 500_000)
    expect(process.words.subarray(again, again + 125_000).every((word) => word === 0)).toBe(true)
  })
  it('C4: requests of 2 MiB fault each time only without the dynamic threshold', () => {
    const faults = (set: object): number => {
      const { main, process } = glibcBench(set)
      const request = (): void => {
        const block = main.malloc(2 * 1024 * 1024)
        for (let page = 0; page < 6; page++) process.touch((block + page * 1024) as WordIndex)
        main.free(block)
      }
      for (let i = 0; i < 3; i++) request()
      const before = process.faults
      for (let i = 0; i < 100; i++) request()
      return (process.faults - before) / 100
    }
    expect(faults({})).toBe(0)
    expect(faults({ mmap_max: 0, trim_threshold: -1 })).toBe(0)
    expect(faults({ mmap_threshold: 131_072 })).toBe(6)
  })
})
