/**
 * One lab thread of a small run, as the threads machine would make it: what the compiler looks at
 * to learn which objects there are, of which classes, and how they hang together.
 */
import type { Design, ThreadHeap } from '../../../allocators/contract.ts'
import type { Control } from '../../words/control.ts'
import { MIB } from '../../words/units.ts'
import { HeapOps } from '../heap-ops.ts'
import { OpLoop } from '../op-loop.ts'
import { createSharedRun, placeTogether, TABLES } from '../shared-run.ts'
import type { RunPlan } from '../types.ts'
import type { WasmMemory } from './webassembly.ts'

const THREADS = 2

/** `settings` are tunables other than their defaults. */
export function exampleOf(
  design: Design,
  privateCells = 1,
  settings: Readonly<Record<string, number>> = {},
): {
  loop: OpLoop
  heap: ThreadHeap
  control: Control
  memory: WasmMemory
  /** Another lab thread's loop: what differs belongs to the lab thread, not to the run. */
  twin: OpLoop
} {
  const clock = (): number => 0
  const tunables = Object.fromEntries(
    Object.entries(design.tunables).map(([name, { default: value }]) => [name, value]),
  )
  Object.assign(tunables, settings)
  const plan: RunPlan = {
    machine: 'threads',
    scheduleSeed: 0,
    variant: { label: design.name, design: design.name, tunables },
    scenario: '',
    params: {},
    seed: 0,
    cores: THREADS,
    threads: THREADS,
    heapBytes: 256 * MIB,
    limits: {
      memoryLimit: undefined,
      addressSpaceLimit: undefined,
      overcommitMemory: 0,
      overcommitRatio: 50,
      ramBytes: 256 * MIB,
    },
    seconds: undefined,
    drain: false,
    fill: false,
    spinCount: 0,
  }
  const needs = {
    threads: THREADS,
    privateCells,
    tables: {},
    tableCells: 1,
    channelCapacities: [],
    barriers: 0,
    seconds: undefined,
    stackBytes: 0,
  }
  const time = { originMs: 0, now: clock }
  const { run } = createSharedRun(plan, design, needs, time, TABLES, placeTogether)
  const labThread = (seat: number): { loop: OpLoop; heap: ThreadHeap } => {
    const process = run.processFor(seat, seat, clock)
    const heap = design.attach(process, run.init.tunables, run.threadInfo(seat, seat))
    const heapOps = new HeapOps(process, heap, run.control, seat, { fill: false, clock })
    return { loop: new OpLoop(process, heap, run.control, seat, heapOps), heap }
  }
  return {
    ...labThread(0),
    control: run.control,
    memory: run.init.memory!,
    twin: labThread(1).loop,
  }
}
