/** Tunables by their real names, what they come to, and what they do. */
import { describe, expect, it } from 'vitest'
import { MIB } from '../../../lab/words/units.ts'
import { parseVariant, resolveTunables } from '../../parse-tunables.ts'
import { libraryOf, tcmalloc } from '../design.ts'
import { statsText, WATERFALL } from '../stats-text.ts'
import { overallCacheBytes, TCMALLOC_TUNABLES, type TcmallocTunables } from '../tunables.ts'
import { randomTrace } from './random-trace.ts'
import { Replayer } from './replay.ts'

const resolve = (text: string): TcmallocTunables =>
  resolveTunables(TCMALLOC_TUNABLES, parseVariant(`tcmalloc:${text}`).assignments)

describe('tunables', () => {
  it('have the names of the environment, and of the constants', () => {
    const names = Object.values(TCMALLOC_TUNABLES).flatMap((spec) => spec.aliases)
    for (const name of [
      'TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES',
      'TCMALLOC_TRANSFER_NUM_OBJ',
      'TCMALLOC_SKIP_SBRK',
      'TCMALLOC_SKIP_MMAP',
      'TCMALLOC_DISABLE_MEMORY_RELEASE',
      'TCMALLOC_RELEASE_RATE',
      'TCMALLOC_AGGRESSIVE_DECOMMIT',
      'TCMALLOC_HEAP_LIMIT_MB',
      'TCMALLOC_SAMPLE_PARAMETER',
      'kMaxThreadCacheSize',
      'kDefaultOverallThreadCacheSize',
      'kMaxOverages',
    ]) {
      expect(names).toContain(name)
    }
    expect(resolve('TCMALLOC_RELEASE_RATE=0.5').release_rate).toBe(0.5)
    expect(() => resolve('TCMALLOC_RELEASE_RATE=fast')).toThrow('a number from 0 to 1000')
  })

  it('budget: the environment wins over the constants, small values are raised', () => {
    expect(overallCacheBytes(resolve('skip_sbrk=0'))).toBe(32 * MIB)
    expect(overallCacheBytes(resolve('kMaxThreadCacheSize=2MiB'))).toBe(16 * MIB)
    const both = 'kMaxThreadCacheSize=2MiB,kDefaultOverallThreadCacheSize=20MiB'
    expect(overallCacheBytes(resolve(both))).toBe(20 * MIB)
    const three = `${both},TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES=1MiB`
    expect(overallCacheBytes(resolve(three))).toBe(MIB)
    const tiny = 'TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES=1'
    expect(overallCacheBytes(resolve(tiny))).toBe(512 * 1024)
  })

  it('brk is left alone with skip_sbrk, but for what is taken before the flags are read', () => {
    const replayer = new Replayer({ skip_sbrk: 1 })
    const before = replayer.process.currentBrk()
    for (let i = 0; i < 8; i++) replayer.heap(0).malloc(MIB)
    expect(replayer.process.currentBrk()).toBe(before)
    expect(replayer.process.calls.mmap).toBeGreaterThan(0)
    expect(tcmalloc.check(replayer.process, replayer.tunables)).toEqual([])
  })

  it('nothing goes back with disable_memory_release, everything at once when aggressive', () => {
    const trace = randomTrace({ seed: 9, threads: 2, ops: 3000, large: true, trims: true })
    const keeping = new Replayer({ disable_memory_release: 1 })
    const giving = new Replayer({ aggressive_decommit: 1 })
    for (const line of trace) {
      keeping.line(line)
      giving.line(line)
    }
    expect(keeping.process.calls.madvise).toBe(0)
    expect(keeping.checkpoints.at(-1)!.stats.pageheap_unmapped_bytes).toBe(0)
    expect(giving.checkpoints.at(-1)!.stats.pageheap_free_bytes).toBe(0)
    expect(giving.process.rssBytes).toBeLessThan(keeping.process.rssBytes)
  })

  it('malloc fails beyond the heap limit, and free memory is given back first', () => {
    const replayer = new Replayer({ heap_limit_mb: 64 })
    const heap = replayer.heap(0)
    const small = Array.from({ length: 20 }, () => heap.malloc(2 * MIB))
    for (const block of small) heap.free(block)
    // 40 MiB are free, in one piece; 45 MiB fit only when these are returned.
    expect(heap.malloc(45 * MIB)).not.toBe(0)
    expect(heap.malloc(45 * MIB)).toBe(0)
    expect(replayer.process.calls.madvise).toBeGreaterThan(0)
  })
})

describe('the three constants that field reports changed', () => {
  const BLOCK_BYTES = 64
  const LARGE_BYTES = 256 * 1024

  /** What a thread's cache holds that has allocated 2000 blocks and freed 1500 others too. */
  const cachedAfterOverflow = (changes: Partial<TcmallocTunables>): number => {
    const replayer = new Replayer(changes)
    const [main, worker] = [replayer.heap(0), replayer.heap(1)]
    const foreign = Array.from({ length: 1500 }, () => main.malloc(BLOCK_BYTES))
    // A budget that stays out of the way: it grows by 64 KiB whenever the cache is too large.
    for (let i = 0; i < 40; i++) {
      const large = [1, 2, 3, 4, 5, 6].map(() => worker.malloc(LARGE_BYTES))
      for (const block of large) worker.free(block)
    }
    for (let i = 0; i < 6; i++) worker.malloc(LARGE_BYTES)
    const own = Array.from({ length: 2000 }, () => worker.malloc(BLOCK_BYTES))
    for (const block of [...own, ...foreign]) worker.free(block)
    replayer.line('k')
    return replayer.checkpoints.at(-1)!.stats.thread_cache_free_bytes
  }

  it('kMaxOverages: the sooner a list that overflows gets shorter, the less it holds', () => {
    const cached = [0, 1, 3, 1000].map((max_overages) => cachedAfterOverflow({ max_overages }))
    expect(cached).toEqual([...cached].sort((a, b) => a - b))
    expect(cached[1]!).toBeLessThan(0.7 * cached[2]!)
    expect(cached[2]!).toBeLessThan(0.9 * cached[3]!)
  })

  it('kMaxThreadCacheSize, kDefaultOverallThreadCacheSize: what all caches hold', () => {
    const cached = (changes: Partial<TcmallocTunables>): number => {
      const replayer = new Replayer(changes)
      for (let round = 0; round < 12; round++) {
        for (let thread = 0; thread < 16; thread++) {
          const heap = replayer.heap(thread)
          const blocks = Array.from({ length: 1200 }, (_, i) => heap.malloc(100 + 16 * (i % 250)))
          for (const block of blocks) heap.free(block)
        }
      }
      replayer.line('k')
      return replayer.checkpoints.at(-1)!.stats.thread_cache_free_bytes
    }
    const [whole, half, twenty] = [
      cached({}),
      cached({ max_thread_cache_size: 2 * MIB }),
      cached({ max_thread_cache_size: 2 * MIB, default_overall_thread_cache_size: 20 * MIB }),
    ]
    expect(whole).toBeGreaterThan(20 * MIB)
    expect(twenty).toBeLessThanOrEqual(20 * MIB)
    expect(half).toBeLessThanOrEqual(16 * MIB)
    expect(half).toBeLessThan(twenty)
  })
})

describe('inspect', () => {
  it('names every byte of the heap once, and adds up to what tcmalloc itself counts', () => {
    const replayer = new Replayer()
    const trace = randomTrace({ seed: 31, threads: 6, ops: 5000, large: true, trims: true })
    for (const line of trace) replayer.line(line)
    const { process, tunables, live } = replayer
    const seen = new Map<number, number>()
    let end = 0
    let heapBytes = 0
    let usableBytes = 0
    const report = tcmalloc.inspect(process, tunables, (start, words, kind, arena) => {
      if (arena < 0) return
      expect(start).toBeGreaterThanOrEqual(end)
      end = start + words
      heapBytes += words * 4
      if (kind !== 0) return
      usableBytes += words * 4
      seen.set(start, words)
    })
    expect(report.partial).toBe(false)
    expect(heapBytes).toBe(report.totals['heap_size'])
    expect(usableBytes).toBe(report.totals['current_allocated_bytes'])
    for (const { block } of live.values()) {
      expect(seen.get(block)).toBe(replayer.heap(0).usableSize(block) / 4)
    }
    const sum = (key: 'systemBytes' | 'inUseBytes'): number =>
      report.arenas.reduce((total, arena) => total + arena[key], 0)
    expect(sum('systemBytes')).toBe(heapBytes)
    expect(sum('inUseBytes')).toBe(usableBytes)
    const blocks = report.arenas.reduce((total, arena) => total + arena.chunksInUse, 0)
    expect(blocks).toBe(seen.size)

    // The waterfall, as tcmalloc's statistics have it.
    const lines = statsText(libraryOf(process, tunables)).split('\n')
    const of = (name: string): number =>
      Number(lines.find((line) => line.startsWith(`${name}: `))!.slice(name.length + 2))
    const total = (names: readonly string[]): number =>
      names.reduce((figures, name) => figures + of(name), 0)
    expect(of('in use')).toBe(usableBytes)
    expect(total(WATERFALL.slice(0, 6))).toBe(of('physical'))
    expect(of('physical') + of('unmapped')).toBe(of('virtual'))
    expect(of('virtual') - of('metadata')).toBe(heapBytes)
  })
})
