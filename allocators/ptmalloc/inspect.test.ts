/** What inspect tells: every mapped byte once, and sums that agree with the allocator's own. */
import { describe, expect, it } from 'vitest'
import { PageState } from '../../lab/words/page-state.ts'
import { PAGE_WORDS } from '../../lab/words/units.ts'
import { RegionKind } from '../contract.ts'
import { binsDump } from './bins-dump.ts'
import { fitHeapMax } from './fit.ts'
import { glibc } from './glibc.ts'
import { binName } from './inspect.ts'
import { mallinfo2 } from './mallinfo.ts'
import { chunkWalk, segmentsOf } from './segments.ts'
import { type Bench, glibcBench, many } from './test/bench.ts'
import { tunablesOf } from './test/defaults.ts'
import { glibcSpecs } from './tunables.ts'

const tunables = tunablesOf(glibcSpecs, { heap_max: 2 ** 20 })

/** Two arenas, chained heaps, all kinds of free chunks, mapped blocks with and without lead. */
function busyBench(): Bench {
  const bench = glibcBench({ heap_max: 2 ** 20 })
  for (const heap of [bench.main, bench.start()]) {
    const blocks = many(heap, 60, 40_000)
    const small = many(heap, 40, 100)
    for (const block of [...blocks.slice(10, 30), ...small.slice(5)]) heap.free(block)
    heap.malloc(300_000)
    heap.memalign(4096, 200_000)
  }
  expect(bench.violations()).toEqual([])
  return bench
}

describe('glibc: inspect', () => {
  it('every mapped byte of the process has one region', () => {
    const { process } = busyBench()
    const regions: [number, number][] = []
    glibc.inspect(process, tunables, (start, words) => regions.push([start, words]))
    regions.sort(([a], [b]) => a - b)
    const coveredWords = new Map<number, number>()
    let end = 0
    for (const [start, words] of regions) {
      expect(words).toBeGreaterThan(0)
      expect(start).toBeGreaterThanOrEqual(end)
      end = start + words
      for (let word = start; word < end; ) {
        const page = Math.floor(word / PAGE_WORDS)
        const next = Math.min(end, (page + 1) * PAGE_WORDS)
        coveredWords.set(page, (coveredWords.get(page) ?? 0) + next - word)
        word = next
      }
    }
    const wrong: number[] = []
    for (let page = process.brkStart / PAGE_WORDS; page < process.pages.length; page++) {
      const mapped = process.pages[page] !== PageState.UNMAPPED
      if ((coveredWords.get(page) ?? 0) !== (mapped ? PAGE_WORDS : 0)) wrong.push(page)
    }
    expect(wrong).toEqual([])
  })
  it('usable regions start at blocks and are as long as usableSize says', () => {
    const bench = busyBench()
    const usable = new Map<number, number>()
    glibc.inspect(bench.process, tunables, (start, words, kind) => {
      if (kind === RegionKind.USABLE) usable.set(start, words)
    })
    const block = bench.main.malloc(12_345)
    glibc.inspect(bench.process, tunables, (start, words, kind) => {
      if (kind !== RegionKind.USABLE || usable.has(start)) return
      expect(start).toBe(block)
      expect(words * 4).toBe(bench.main.usableSize(block))
    })
  })
  it('figures agree with mallinfo2 and with the arenas', () => {
    const { process, m } = busyBench()
    const report = glibc.inspect(process, tunables)
    const info = mallinfo2(m)
    const sum = (figure: (arena: (typeof report.arenas)[number]) => number): number =>
      report.arenas.reduce((total, arena) => total + figure(arena), 0)
    expect(report.partial).toBe(false)
    expect(sum((arena) => arena.systemBytes)).toBe(info.arena)
    expect(sum((arena) => arena.freeBytes)).toBe(info.fordblks)
    expect(report.mappedBytes).toBe(info.hblkhd)
    for (const arena of report.arenas) {
      const heaps = arena.heaps.reduce((total, heap) => total + heap.bytes, 0)
      expect(heaps).toBe(arena.systemBytes)
      const known = arena.inUseBytes + arena.freeBytes + arena.threadCacheBytes
      expect(known).toBeLessThanOrEqual(arena.systemBytes)
    }
    const glances = glibc.glance?.(process, tunables) ?? []
    expect(glances.map((glance) => glance.systemBytes)).toEqual(
      report.arenas.map((arena) => arena.systemBytes),
    )
  })
  it('bins have the names of their sizes', () => {
    const { m } = glibcBench()
    expect([1, 2, 3, 63, 64, 126].map((index) => binName(m, index))).toEqual([
      'unsorted',
      'small 32',
      'small 48',
      'small 1008',
      'large 1024',
      'large 524288',
    ])
  })
  it('the chunk walk reaches the end of every segment; the dump names the lists', () => {
    const { m } = busyBench()
    for (const segment of segmentsOf(m)) {
      const chunks = [...chunkWalk(m, segment)]
      const last = chunks.at(-1)!
      const gap = (segment.end - segment.start) * 4 - last.offset - last.size
      expect([0, 16]).toContain(gap)
    }
    const dump = binsDump(m, m.main)
    expect(dump).toMatch(/^top: 0x[0-9a-f]+\+\d+, system: \d+\n/)
    expect(dump).toMatch(/unsorted|bin \d+/)
  })
})

describe('ptmalloc: fit', () => {
  it('lowers heap_max to what fits half the buffer, and scales what it counts', () => {
    const tunables = { heap_max: 64 * 2 ** 20 }
    const run = { heapBytes: 4 * 2 ** 30, cores: 2, threads: 17 }
    expect(fitHeapMax(tunables, run)).toEqual({ tunables, notice: undefined, arenaHeapScale: 1 })
    const many = fitHeapMax(tunables, { ...run, cores: 32, threads: 200 })
    expect(many.tunables.heap_max).toBe(8 * 2 ** 20)
    expect(many.arenaHeapScale).toBe(8)
    expect(many.notice).toMatch(/^heap_max lowered to 8 MiB/)
  })
})
