/**
 * Lets a worker compile its hot paths before the run starts. A fresh isolate carries its first ops
 * out in an interpreter, some twenty times slower: lab threads of a few thousand ops would then
 * live so much longer than real ones that all of them overlap, and an allocator that spreads
 * threads over arenas by what is locked at the moment would see a crowd that never was there.
 *
 * It runs the same code on a process of its own, thrown away afterwards: same design, same
 * tunables, a small heap, sizes of all kinds. Nothing of it is counted or kept.
 */
import {
  type Design,
  MappingKind,
  Protection,
  type ThreadHeap,
} from '../../../allocators/contract.ts'
import { LockState } from '../../sync/locks.ts'
import { ControlWord, RunState } from '../../words/control.ts'
import { MIB, PAGE_BYTES, WORD_NULL } from '../../words/units.ts'
import { OpBatch } from '../../workload/op-batch.ts'
import { Op } from '../../workload/ops.ts'
import type { ScenarioPlan } from '../../workload/plan.ts'
import { RandomStream } from '../../workload/random.ts'
import { HeapOps } from '../heap-ops.ts'
import { OpLoop } from '../op-loop.ts'
import type { Clock, LabProcess } from '../process.ts'
import { createSharedRun, type SharedRun } from '../shared-run.ts'
import type { RunPlan } from '../types.ts'

/** Lab threads that live one after the other: after fewer, slow paths are still being compiled. */
const LIVES = 8
/** Of them at once: where a design has arenas, the later ones take over what they left. */
const ALIVE_MOST = 4
/**
 * What the process is told it may have. With so many arenas in so small a heap, designs with arenas
 * fit theirs to 1 MiB, and a warm-up sees them grow from one into the next.
 */
const THREADS = 128
const CORES = 16
/** Blocks that come and go in random order, and blocks that are filled up and freed together. */
const CELLS = 512
const CELLS_SHARED = 1024
/** Few cells, several times: what is written of the heap stays resident as long as the worker. */
const GROWTHS = 4
const OPS_MIXED = 8000
/** Of each kind that designs keep apart; the last ones are large. */
const FEW_SIZES = [24, 56, 104, 136, 264, 520, 1000, 1500, 2500, 9000]
const SMALL_MAX = 128
const ROUNDS = 6
/** V8 remembers what a function met only once it has been called for a while. */
const MEETINGS = 100
const HEAP_BYTES = 256 * MIB
/**
 * Words of ops carried out in one call: a single long call would be replaced while it runs, by code
 * that nobody else can use (V8's on-stack replacement), and compiled again for the next.
 */
const WORDS_A_CALL = 256

export function warmUp(plan: RunPlan, design: Design, clock: Clock): void {
  const needs: ScenarioPlan = {
    threads: THREADS,
    privateCells: CELLS,
    tables: {},
    tableCells: CELLS_SHARED,
    channelCapacities: [],
    barriers: 0,
    seconds: undefined,
    stackBytes: 0,
  }
  const limits = { ...plan.limits, memoryLimit: undefined, addressSpaceLimit: undefined }
  const small = { ...plan, threads: THREADS, cores: CORES, heapBytes: HEAP_BYTES, limits }
  const { run } = createSharedRun(small, design, needs, { originMs: 0, now: clock })
  run.control.words[ControlWord.STATE] = RunState.RUNNING
  run.control.words[ControlWord.MULTI_THREADED] = 1
  const batches = [recordGrowth(plan.seed), recordMix(plan.seed), recordFewSizes(plan.seed)]
  try {
    meetOthers(run, run.processFor(1, 1, clock))
    let alive: ThreadHeap[] = []
    for (let seat = 1; seat <= LIVES; seat++) {
      alive.push(live(run, seat, batches, clock))
      if (alive.length < ALIVE_MOST) continue
      for (const heap of alive) heap.exit()
      alive = []
    }
  } catch {
    // A design that is broken fails again in the run itself, where it is told who was hurt.
  }
}

/**
 * Finds a lock held, and leaves one that others wait for. Nobody else is here, so the words are set
 * to what others would have made of them, and the run is said to have failed where it would wait.
 */
function meetOthers({ control }: SharedRun, process: LabProcess): void {
  const { words } = process
  const word = process.mmap(WORD_NULL, PAGE_BYTES, Protection.READ_WRITE, MappingKind.BLOCK)
  const lock = process.makeLock(word, 'warm-up')
  for (let time = 0; time < MEETINGS; time++) {
    words[word] = LockState.FREE
    process.lock(word, lock)
    words[word] = LockState.HELD_WITH_WAITERS
    process.unlock(word, lock)
    words[word] = LockState.HELD
    process.tryLock(word, lock)
    control.words[ControlWord.STATE] = RunState.FAILED
    try {
      process.lock(word, lock)
    } catch {
      control.words[ControlWord.STATE] = RunState.RUNNING
    }
  }
}

/**
 * One lab thread, from its first malloc to its last op: each begins with empty caches. It is never
 * the main thread, so where a design has arenas it gets one of its own.
 */
function live(run: SharedRun, seat: number, batches: readonly OpBatch[], clock: Clock): ThreadHeap {
  const process = run.processFor(seat, 1, clock)
  const heap = run.design.attach(process, run.init.tunables, run.threadInfo(seat, 1))
  const heapOps = new HeapOps(process, heap, run.control, seat, { fill: false, clock })
  const loop = new OpLoop(process, heap, run.control, seat, heapOps)
  for (const { words, length } of batches) {
    for (let at = 0; at < length; ) at = loop.run(words, at, Math.min(at + WORDS_A_CALL, length))
  }
  return heap
}

/**
 * Memory that is freed, its pages given back, and that grows again block by block. The first blocks
 * freed are what the life before left in the shared cells: another lab thread's, in its arena.
 */
function recordGrowth(seed: number): OpBatch {
  const random = new RandomStream({ seed, role: 'warm-up', index: 0, generation: 0 })
  const batch = new OpBatch()
  for (let time = 0; time < GROWTHS; time++) {
    for (let cell = 0; cell < CELLS_SHARED; cell++) batch.put1(Op.FREE, ~cell)
    batch.put1(Op.TRIM, 0)
    for (let cell = 0; cell < CELLS_SHARED; cell++) {
      batch.put2(Op.MALLOC, 0, random.range(16, 4096))
      batch.put1(Op.WRITE, 0)
      batch.put2(Op.MOVE, 0, ~cell)
    }
  }
  return batch
}

/** Blocks of all sizes that come, are written, move to shared cells and go in random order. */
function recordMix(seed: number): OpBatch {
  const random = new RandomStream({ seed, role: 'warm-up', index: 1, generation: 0 })
  const batch = new OpBatch()
  while (batch.opCount < OPS_MIXED) {
    const cell = random.below(CELLS)
    const bytes = random.chance(9, 10) ? random.range(16, 1024) : random.range(1024, 65_536)
    batch.put1(Op.FREE, cell)
    batch.put2(Op.MALLOC, cell, bytes)
    batch.put1(Op.WRITE, cell)
    if (random.chance(1, 2)) {
      const shared = ~random.below(CELLS)
      batch.put1(Op.FREE, shared)
      batch.put2(Op.MOVE, cell, shared)
    }
  }
  for (let cell = 0; cell < CELLS; cell++) batch.put1(Op.FREE, cell)
  return batch
}

/**
 * Many blocks of a few sizes, in private and in shared cells. Small ones come and go among the
 * others, then all of them go: caches overflow, and requests find chunks of just their size in
 * every kind of bin.
 */
function recordFewSizes(seed: number): OpBatch {
  const random = new RandomStream({ seed, role: 'warm-up', index: 2, generation: 0 })
  const batch = new OpBatch()
  const sizeOf = (cell: number): number => FEW_SIZES[cell % FEW_SIZES.length]!
  const all = Array.from({ length: CELLS }, (_, cell) => cell)
  const small = all.filter((cell) => sizeOf(cell) <= SMALL_MAX)
  for (let round = 0; round < ROUNDS; round++) {
    const operand = (cell: number): number => (round % 2 === 0 ? cell : ~cell)
    for (const cell of all) batch.put2(Op.MALLOC, operand(cell), sizeOf(cell))
    for (const cell of shuffled(small, random)) batch.put1(Op.FREE, operand(cell))
    for (const cell of small) batch.put2(Op.MALLOC, operand(cell), sizeOf(cell))
    for (const cell of shuffled(all, random)) batch.put1(Op.FREE, operand(cell))
  }
  return batch
}

function shuffled(cells: readonly number[], random: RandomStream): number[] {
  const rest = [...cells]
  return cells.map(() => {
    const picked = random.below(rest.length)
    const cell = rest[picked]!
    rest[picked] = rest.at(-1)!
    rest.pop()
    return cell
  })
}
