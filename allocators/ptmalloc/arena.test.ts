/** Which arena threads get, in both designs. */
import { describe, expect, it } from 'vitest'
import { HEAP_MAX_BYTES } from './heap-layout.ts'
import { arenasOf, heapsOf } from './segments.ts'
import { glibcBench, many, ptmalloc2Bench } from './test/bench.ts'

const heapOf = (found: { kind: string }): unknown => (found as { arena?: number }).arena ?? 'main'

describe('glibc: arenas', () => {
  it('each thread gets one of its own, up to 8 × cores with the main one', () => {
    const bench = glibcBench({ heap_max: 2 ** 20 })
    bench.process.cores = 2
    const arenas = Array.from({ length: 40 }, () => heapOf(bench.at(bench.start().malloc(100))))
    expect(new Set(arenas).size).toBe(16)
    expect(arenas.slice(0, 15).includes('main')).toBe(false)
    // Past the limit, round the ring from the main arena on: the newest is next to it.
    expect(arenas[15]).toBe('main')
    expect(arenas[16]).toBe(arenas[14])
    expect(arenas[17]).toBe(arenas[13])
    expect(bench.violations()).toEqual([])
  })
  it('arena_max is the limit when it is set', () => {
    for (const limit of [1, 2, 4]) {
      const bench = glibcBench({ arena_max: limit, heap_max: 2 ** 20 })
      for (let i = 0; i < 10; i++) bench.start().malloc(100)
      expect(arenasOf(bench.m)).toHaveLength(limit)
    }
  })
  it('the limit is only computed once more than arena_test arenas exist', () => {
    const bench = glibcBench({ arena_test: 20, heap_max: 2 ** 20 })
    bench.process.cores = 1
    for (let i = 0; i < 30; i++) bench.start().malloc(100)
    expect(arenasOf(bench.m)).toHaveLength(21)
  })
  it('the arena of the thread that ended last is reused first', () => {
    const bench = glibcBench({ heap_max: 2 ** 20 })
    const threads = Array.from({ length: 3 }, () => bench.start())
    const arenas = threads.map((heap) => heapOf(bench.at(heap.malloc(100))))
    threads[0]!.exit()
    threads[2]!.exit()
    expect(heapOf(bench.at(bench.start().malloc(100)))).toBe(arenas[2])
    expect(heapOf(bench.at(bench.start().malloc(100)))).toBe(arenas[0])
    expect(bench.violations()).toEqual([])
  })
  it('a thread whose first call is a free gets an arena for its cache', () => {
    const bench = glibcBench({ heap_max: 2 ** 20 })
    const block = bench.main.malloc(100)
    bench.start().free(block)
    expect(arenasOf(bench.m)).toHaveLength(2)
  })
  it('a remote free goes to the freeing thread, not to the arena', () => {
    const bench = glibcBench({ heap_max: 2 ** 20 })
    const other = bench.start()
    const block = other.malloc(100)
    bench.main.free(block)
    expect(bench.main.malloc(100)).toBe(block)
  })
  it('a new heap is two heaps of address space, trimmed to one that is aligned', () => {
    const bench = glibcBench()
    bench.start().malloc(100)
    const calls = bench.process.calls.filter((call) => !call.startsWith('brk'))
    expect(calls[0]).toBe(`mmap ${2 * HEAP_MAX_BYTES}`)
    expect(calls.at(-1)).toBe('mprotect 135168')
    const [, arena] = arenasOf(bench.m)
    expect(bench.m.heapForPtr(arena!) % (HEAP_MAX_BYTES / 4)).toBe(0)
  })
  it('heaps are chained when one is full, and unmapped when they are free again', () => {
    // Without a cache, which might keep the last chunk of a heap and so pin it.
    const set = { mmap_max: 0, trim_threshold: 131_072, tcache_count: 0, mxfast: 0 }
    const bench = glibcBench({ heap_max: 2 ** 20, ...set })
    const other = bench.start()
    const blocks = many(other, 40, 100_000)
    const [, arena] = arenasOf(bench.m)
    expect(heapsOf(bench.m, arena!)).toHaveLength(4)
    expect(bench.violations()).toEqual([])
    for (const block of blocks) other.free(block)
    expect(heapsOf(bench.m, arena!)).toHaveLength(1)
    expect(bench.violations()).toEqual([])
  })
  it('a shrunk heap stays writable, unless the kernel never overcommits', () => {
    for (const strict of [false, true]) {
      const bench = glibcBench({ heap_max: 2 ** 21, mmap_max: 0, trim_threshold: 131_072 })
      bench.process.strictOvercommit = strict
      const other = bench.start()
      other.free(other.malloc(1_000_000))
      const call = bench.process.calls.at(-1)
      expect(call?.startsWith(strict ? 'mmapFixed' : 'madvise')).toBe(true)
    }
  })
})

describe('ptmalloc2: arenas', () => {
  it('threads that never meet share the main arena', () => {
    const bench = ptmalloc2Bench()
    for (let i = 0; i < 10; i++) bench.start().malloc(100)
    expect(arenasOf(bench.m)).toHaveLength(1)
  })
  it('a thread that meets a busy arena goes round the ring, and then makes a new one', () => {
    const bench = ptmalloc2Bench({ heap_max: 2 ** 20 })
    const [a, b] = [bench.start(), bench.start()]
    a.malloc(100)
    const { m } = bench
    expect(m.tryLockArena(m.main)).toBe(true)
    expect(heapOf(bench.at(a.malloc(100)))).not.toBe('main')
    expect(arenasOf(m)).toHaveLength(2)
    const [, second] = arenasOf(m)
    expect(heapOf(bench.at(b.malloc(100)))).toBe(second)
    m.unlockArena(m.main)
    // The arena used last is tried first.
    expect(heapOf(bench.at(a.malloc(100)))).toBe(second)
    expect(bench.violations()).toEqual([])
  })
  it('there is no limit', () => {
    const bench = ptmalloc2Bench({ heap_max: 2 ** 20 })
    const { m } = bench
    for (let i = 0; i < 40; i++) {
      for (const av of arenasOf(m)) expect(m.tryLockArena(av)).toBe(true)
      bench.start().malloc(100)
      for (const av of arenasOf(m).slice(0, -1)) m.unlockArena(av)
    }
    expect(arenasOf(m)).toHaveLength(41)
  })
  it('started threads share one memory of the arena used last, unless built otherwise', () => {
    for (const hack of [1, 0]) {
      const bench = ptmalloc2Bench({ heap_max: 2 ** 20, tsd_data_hack: hack })
      const { m } = bench
      m.tryLockArena(m.main)
      const first = heapOf(bench.at(bench.start().malloc(100)))
      m.unlockArena(m.main)
      const second = heapOf(bench.at(bench.start().malloc(100)))
      expect(second).toBe(hack === 1 ? first : 'main')
      expect(heapOf(bench.at(bench.main.malloc(100)))).toBe('main')
    }
  })
  it('realloc makes the arena of its block the thread’s own', () => {
    const bench = ptmalloc2Bench({ heap_max: 2 ** 20, tsd_data_hack: 0 })
    const { m } = bench
    const [a, b] = [bench.start(), bench.start()]
    m.tryLockArena(m.main)
    const block = a.malloc(100)
    m.unlockArena(m.main)
    expect(heapOf(bench.at(b.malloc(100)))).toBe('main')
    const grown = b.realloc(block, 300)
    expect(heapOf(bench.at(b.malloc(100)))).toBe(heapOf(bench.at(grown)))
  })
})
