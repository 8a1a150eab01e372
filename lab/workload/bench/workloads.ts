/**
 * The benchmark's workloads. Each is a loop of ops that is recorded once and repeated, so that the
 * models and the native allocators carry out the same ops in the same order.
 *
 * A *pair* is one malloc and one free. Every block's first word is written right after its malloc,
 * as malloc benchmarks do: a block nobody touches costs no page and no cache line.
 */
import type { CellRef, Random, Recorder } from '../scenario.ts'

/** How many lab threads work at once; each calls its workload's `record` for itself. */
interface WorkloadSetting {
  readonly threads: number
}

export interface BenchWorkload {
  readonly name: string
  /** What a pair is, for somebody who reads the results. */
  readonly summary: string
  /** Private cells of each working lab thread. */
  readonly cells: number
  /** Cells that all of them share. */
  readonly sharedCells: number
  /** Records one turn of the loop. `first` is the first of `cells` private cells. */
  record(t: Recorder, first: CellRef, setting: WorkloadSetting): void
}

/** Pairs in one turn of a loop. */
const PAIRS = 65_536
/** Live blocks of the replacing workloads. */
const LIVE = 10_000
const SHARED = 1024
/** `cached` holds at most so many blocks of one class: a thread cache of glibc keeps seven. */
const BURST_MAX = 4
const SMALL_MAX = 1024
const WIDE_MAX = 65_536
const SIZE_MIN = 16

/** A block into a cell, its first word written. */
function allocate(t: Recorder, cell: CellRef, bytes: number): void {
  t.malloc(bytes, cell)
  t.writePages(cell, 1)
}

/** The block just allocated is the next one freed. */
function lastInFirstOut(t: Recorder, first: CellRef): void {
  for (let pair = 0; pair < PAIRS; pair++) {
    allocate(t, first, 64)
    t.free(first)
  }
}

/** Every cell once, in random order, then cells at random: no cell stays empty for good. */
function* cellsToReplace(random: Random): Generator<number, void, void> {
  const order = Array.from({ length: LIVE }, (_, cell) => cell)
  for (let left = LIVE; left > 0; left--) {
    const picked = random.below(left)
    yield order[picked]!
    order[picked] = order[left - 1]!
  }
  for (let pair = LIVE; pair < PAIRS; pair++) yield random.below(LIVE)
}

/** A block picked at random makes room for a new one of another size. */
function replace(t: Recorder, first: CellRef, mostBytes: number): void {
  for (const picked of cellsToReplace(t.random)) {
    const cell = t.at(first, picked)
    t.free(cell)
    allocate(t, cell, t.random.range(SIZE_MIN, mostBytes))
  }
}

/**
 * As `replace`, but before some of the frees the block is exchanged for one in a shared cell. What
 * lies there was put there by any of the lab threads, all equally likely; so the share of swaps is
 * chosen for half of all frees to be of another thread's block. Two threads always swap.
 */
function replaceRemotely(t: Recorder, first: CellRef, { threads }: WorkloadSetting): void {
  for (const picked of cellsToReplace(t.random)) {
    const cell = t.at(first, picked)
    const swaps = threads > 1 && t.random.chance(threads, 2 * (threads - 1))
    if (swaps) t.swap(cell, t.table('shared', t.random.below(SHARED)))
    t.free(cell)
    allocate(t, cell, t.random.range(SIZE_MIN, SMALL_MAX))
  }
}

/** A few blocks of one size, freed again newest first: only the thread's own cache is used. */
function fromCache(t: Recorder, first: CellRef): void {
  for (let pair = 0; pair < PAIRS; pair += BURST_MAX) {
    const bytes = t.random.range(SIZE_MIN, SMALL_MAX)
    for (let i = 0; i < BURST_MAX; i++) allocate(t, t.at(first, i), bytes)
    for (let i = BURST_MAX - 1; i >= 0; i--) t.free(t.at(first, i))
  }
}

export const BENCH_WORKLOADS: readonly BenchWorkload[] = [
  {
    name: 'lifo-64',
    summary: 'one block of 64 bytes, allocated and freed at once',
    cells: 1,
    sharedCells: 0,
    record: lastInFirstOut,
  },
  {
    name: 'replace-small',
    summary: '16 to 1024 bytes, 10 000 live blocks, random replacement',
    cells: LIVE,
    sharedCells: 0,
    record: (t, first) => replace(t, first, SMALL_MAX),
  },
  {
    name: 'replace-wide',
    summary: '16 to 65 536 bytes, 10 000 live blocks, random replacement',
    cells: LIVE,
    sharedCells: 0,
    record: (t, first) => replace(t, first, WIDE_MAX),
  },
  {
    name: 'remote',
    summary: 'as replace-small, half of the frees by another thread than the one that allocated',
    cells: LIVE,
    sharedCells: SHARED,
    record: replaceRemotely,
  },
  {
    name: 'contend',
    summary: 'as replace-small, all threads in one arena and without thread caches',
    cells: LIVE,
    sharedCells: 0,
    record: (t, first) => replace(t, first, SMALL_MAX),
  },
  {
    name: 'cached',
    summary: '16 to 1024 bytes, four of a size at a time: thread cache hits only',
    cells: BURST_MAX,
    sharedCells: 0,
    record: fromCache,
  },
]
