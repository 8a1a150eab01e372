/**
 * Lets a worker compile its hot paths before the run starts. A fresh isolate carries its first ops
 * out in an interpreter, some twenty times slower: lab threads of a few thousand ops would then
 * live so much longer than real ones that all of them overlap, and an allocator that spreads
 * threads over arenas by what is locked at the moment would see a crowd that never was there.
 *
 * It runs the same code on a process of its own, thrown away afterwards: same design, same
 * tunables, a small heap, sizes of all kinds. Nothing of it is counted or kept.
 */
import type { Design } from '../../../allocators/contract.ts'
import { ControlWord, RunState } from '../../words/control.ts'
import { MIB } from '../../words/units.ts'
import { OpBatch } from '../../workload/op-batch.ts'
import { Op } from '../../workload/ops.ts'
import type { ScenarioPlan } from '../../workload/plan.ts'
import { RandomStream } from '../../workload/random.ts'
import { HeapOps } from '../heap-ops.ts'
import type { Clock } from '../process.ts'
import { createSharedRun } from '../shared-run.ts'
import type { RunPlan } from '../types.ts'

const OPS = 24_000
const CELLS = 512
const HEAP_BYTES = 256 * MIB

export function warmUp(plan: RunPlan, design: Design, clock: Clock): void {
  const needs: ScenarioPlan = {
    threads: 2,
    privateCells: CELLS,
    tables: {},
    tableCells: CELLS,
    channelCapacities: [],
    barriers: 0,
    seconds: undefined,
    stackBytes: 0,
  }
  const limits = { ...plan.limits, memoryLimit: undefined, addressSpaceLimit: undefined }
  const small = { ...plan, threads: 2, heapBytes: HEAP_BYTES, limits }
  const { run } = createSharedRun(small, design, needs, { originMs: 0, now: clock })
  const { control, init } = run
  control.words[ControlWord.STATE] = RunState.RUNNING
  control.words[ControlWord.MULTI_THREADED] = 1
  // Seat 1 is no main thread: where a design has arenas, it gets one of its own.
  const process = run.processFor(1, 1, clock)
  const heap = design.attach(process, init.tunables, run.threadInfo(1, 1))
  const ops = new HeapOps(process, heap, control, 1, { fill: false, clock })
  const batch = recordMix(plan.seed)
  try {
    ops.run(batch.words, 0, batch.length)
  } catch {
    // A design that is broken fails again in the run itself, where it is told who was hurt.
  }
}

/** Blocks of all sizes that come, are written, move to shared cells and go in random order. */
function recordMix(seed: number): OpBatch {
  const random = new RandomStream({ seed, role: 'warm-up', index: 0, generation: 0 })
  const batch = new OpBatch()
  while (batch.opCount < OPS) {
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
  return batch
}
