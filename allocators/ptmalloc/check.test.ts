/** Each invariant is broken by hand, and check must name it; a sound heap has no findings. */
import { describe, expect, it } from 'vitest'
import type { Block } from '../../lab/words/units.ts'
import { ArenaWord, binAt } from './arena-layout.ts'
import { StaticWord } from './static-layout.ts'
import { type Bench, glibcBench, many } from './test/bench.ts'

interface Scene {
  readonly bench: Bench
  /** In use, free (small bin), in use, free (large), in use; cached; in a fastbin; mapped. */
  readonly blocks: Readonly<
    Record<'used' | 'small' | 'large' | 'cached' | 'fast' | 'mapped', Block>
  >
}

/** A heap with something in every list, and a second arena. */
function scene(): Scene {
  const bench = glibcBench({ tcache_count: 1 })
  const { main } = bench
  const [used, small, , large, , cached, fast] = [300, 1200, 300, 3000, 300, 24, 24].map((bytes) =>
    main.malloc(bytes),
  )
  const last = main.malloc(400)
  const mapped = main.malloc(200_000)
  main.free(small!)
  main.free(large!)
  main.malloc(5000)
  main.free(cached!)
  main.free(fast!)
  const other = bench.start()
  other.malloc(100)
  expect(last).not.toBe(0)
  expect(bench.violations()).toEqual([])
  return {
    bench,
    blocks: { used: used!, small: small!, large: large!, cached: cached!, fast: fast!, mapped },
  }
}

const arenaOne = (bench: Bench): number => bench.m.nextArena(bench.m.main)

/** What is written where, in words from the start of memory, and what check must say. */
const breakages: readonly [string, (scene: Scene) => void][] = [
  [
    'PREV_INUSE of the first chunk of a segment is set',
    ({ bench }) => bench.m.clearPrevInuse(bench.process.brkStart as never),
  ],
  [
    'every free chunk is in a bin',
    // A cleared bit makes the chunk below look free.
    ({ bench, blocks }) => bench.m.clearPrevInuse((blocks.used - 4) as never),
  ],
  [
    'prev_size repeats the size of a free chunk below',
    ({ bench, blocks }) => {
      const p = (blocks.large - 4) as never
      bench.m.setPrevSize((blocks.large - 4 + bench.m.size(p)) as never, 12)
    },
  ],
  [
    'every free chunk is in a bin',
    ({ bench, blocks }) => {
      const p = (blocks.large - 4) as never
      bench.m.setFd(bench.m.bk(p), bench.m.fd(p))
      bench.m.setBk(bench.m.fd(p), bench.m.bk(p))
    },
  ],
  [
    'the chunks of a segment fill it to its end',
    ({ bench, blocks }) => bench.m.setHead((blocks.used - 4) as never, 0, 1),
  ],
  [
    'NON_MAIN_ARENA marks chunks in use of other arenas',
    ({ bench, blocks }) => bench.m.setNonMainArena((blocks.used - 4) as never),
  ],
  [
    'links of a bin agree both ways: p.fd.bk = p',
    ({ bench, blocks }) => bench.m.setBk((blocks.large - 4) as never, 4096 as never),
  ],
  [
    'a bin with chunks has its bit in binmap',
    ({ bench }) => bench.process.words.fill(0, bench.m.main + 536, bench.m.main + 540),
  ],
  [
    'fd_nextsize leads through the first chunk of each size and back',
    ({ bench, blocks }) => bench.m.setFdNextsize((blocks.large - 4) as never, 4096 as never),
  ],
  [
    'the top has MINSIZE, PREV_INUSE and ends a page',
    ({ bench }) => bench.m.clearPrevInuse(bench.m.top(bench.m.main)),
  ],
  [
    'a contiguous main arena: sbrk_base + system_mem = end of top',
    ({ bench }) => bench.m.addSystemMem(bench.m.main, 1024),
  ],
  [
    'system_mem = sum of the sizes of the heaps',
    ({ bench }) => bench.m.addSystemMem(arenaOne(bench) as never, 1024),
  ],
  [
    'count of a tcache bin = length of its list ≤ tcache_count',
    ({ bench, blocks }) => {
      bench.process.words[blocks.cached] = blocks.cached
    },
  ],
  [
    'a cached chunk carries the key',
    ({ bench, blocks }) => {
      bench.process.words[blocks.cached + 2] = 0
    },
  ],
  [
    'a fastbin holds chunks of one size',
    ({ bench, blocks }) => bench.m.setHead((blocks.fast - 4) as never, 12, 1),
  ],
  [
    'a chunk is in one cache or fastbin, once',
    ({ bench, blocks }) => {
      bench.process.words[bench.m.main + ArenaWord.FASTBINS] = blocks.cached - 4
    },
  ],
  [
    'attached_threads = threads whose arena it is',
    ({ bench }) => {
      bench.process.words[arenaOne(bench) + ArenaWord.ATTACHED_THREADS] = 3
    },
  ],
  [
    'arenas of the free list have no threads',
    ({ bench }) => bench.m.setStatic(StaticWord.FREE_LIST, arenaOne(bench)),
  ],
  [
    'the ring leads through narenas arenas and back',
    ({ bench }) => bench.m.setStatic(StaticWord.NARENAS, 3),
  ],
  [
    'n_mmaps and mmapped_mem sum the mapped chunks',
    ({ bench }) => bench.m.setStatic(StaticWord.N_MMAPS, 2),
  ],
  [
    'mapped chunks are whole pages and marked',
    ({ bench, blocks }) => bench.m.setHead((blocks.mapped - 4) as never, 1028, 2),
  ],
  [
    'no arena is locked at a safepoint',
    ({ bench }) => {
      bench.process.words[bench.m.main] = 1
    },
  ],
  [
    'size ≤ mprotect_size ≤ heap_max, whole pages',
    ({ bench }) => {
      const heap = bench.m.heapForPtr(arenaOne(bench) as never)
      bench.process.words[heap + 6] = 4
    },
  ],
  [
    'a chunk is in the bin of its size',
    ({ bench, blocks }) => {
      const p = (blocks.large - 4) as never
      bench.m.setFd(bench.m.bk(p), bench.m.fd(p))
      bench.m.setBk(bench.m.fd(p), bench.m.bk(p))
      const bin = binAt(bench.m.main, 126)
      bench.m.setFd(p, bin)
      bench.m.setBk(p, bin)
      bench.m.setFd(bin, p)
      bench.m.setBk(bin, p)
    },
  ],
]

describe('glibc: check', () => {
  for (const [invariant, spoil] of breakages) {
    it(`finds: ${invariant}`, () => {
      const set = scene()
      spoil(set)
      const found = set.bench.violations().filter((text) => text.startsWith(invariant))
      expect(found).not.toEqual([])
    })
  }
  it('says nothing about a heap of many threads that came and went', () => {
    const bench = glibcBench()
    for (let i = 0; i < 20; i++) {
      const heap = bench.start()
      const blocks = many(heap, 50, 100 + i)
      for (const block of blocks) heap.free(block)
      heap.exit()
    }
    expect(bench.violations()).toEqual([])
    bench.main.exit()
    expect(bench.violations()).toEqual([])
  })
})
