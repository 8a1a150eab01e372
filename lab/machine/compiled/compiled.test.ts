import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Design, ThreadHeap } from '../../../allocators/contract.ts'
import { ControlWord, RunState } from '../../words/control.ts'
import { MIB, PAGE_WORDS } from '../../words/units.ts'
import { OpBatch } from '../../workload/op-batch.ts'
import { Op } from '../../workload/ops.ts'
import type { ScenarioPlan } from '../../workload/plan.ts'
import type { RunPlan } from '../types.ts'

// The glue binds to the classes of dist/, where they were compiled from.
const dist = new URL('../../../dist/', import.meta.url).href
const load = async <T>(file: string): Promise<T> => (await import(`${dist}${file}`)) as T
const { designs } =
  await load<typeof import('../../../allocators/registry.ts')>('allocators/registry.js')
const { HeapOps } = await load<typeof import('../heap-ops.ts')>('lab/machine/heap-ops.js')
const { OpLoop } = await load<typeof import('../op-loop.ts')>('lab/machine/op-loop.js')
const { createSharedRun, placeTogether, TABLES } = await load<typeof import('../shared-run.ts')>(
  'lab/machine/shared-run.js',
)
const { compileFor } = await load<typeof import('./compiled-code.ts')>(
  'lab/machine/compiled/compiled-code.js',
)
const { CompiledLoop } = await load<typeof import('./compiled-loop.ts')>(
  'lab/machine/compiled/compiled-loop.js',
)

const CELLS = 48
const SHARED = 16
const HEAP_BYTES = 128 * MIB
/** As much of the heap as is compared. */
const BRK_PAGES = 4096

type Run = Awaited<ReturnType<typeof thread>>

/** A lab thread alone in a run of its own; `seat` 0 is the process's main thread. */
async function thread(
  design: Design,
  tunables: Record<string, number>,
  isCompiled: boolean,
  seat = 1,
) {
  const defaults = Object.entries(design.tunables).map(([name, spec]) => [name, spec.default])
  const plan: RunPlan = {
    machine: 'threads',
    scheduleSeed: 0,
    variant: {
      label: design.name,
      design: design.name,
      tunables: { ...Object.fromEntries(defaults), ...tunables },
    },
    scenario: '',
    params: {},
    seed: 0,
    cores: 2,
    threads: 4,
    heapBytes: HEAP_BYTES,
    limits: {
      memoryLimit: undefined,
      addressSpaceLimit: undefined,
      overcommitMemory: 0,
      overcommitRatio: 50,
      ramBytes: HEAP_BYTES,
    },
    seconds: undefined,
    drain: false,
    fill: false,
    spinCount: 0,
  }
  const needs: ScenarioPlan = {
    threads: 4,
    privateCells: CELLS,
    tables: {},
    tableCells: SHARED,
    channelCapacities: [],
    barriers: 0,
    seconds: undefined,
    stackBytes: 0,
  }
  const clock = (): number => 0
  const time = { originMs: 0, now: clock }
  const { run } = createSharedRun(plan, design, needs, time, TABLES, placeTogether)
  run.control.words[ControlWord.STATE] = RunState.RUNNING
  if (seat > 0) run.control.words[ControlWord.MULTI_THREADED] = 1
  const code = (await compileFor(run))!
  const process = run.processFor(seat, seat, clock)
  const heap = design.attach(process, run.init.tunables, run.threadInfo(seat, seat))
  const heapOps = new HeapOps(process, heap, run.control, seat, { fill: false, clock })
  const loop = new OpLoop(process, heap, run.control, seat, heapOps)
  const compiled = isCompiled ? await CompiledLoop.link(run, code) : undefined
  const outer: ThreadHeap = compiled?.open(loop, heap, seat) ?? heap
  return { run, loop, compiled, heap: outer, process }
}

function carryOut({ loop, compiled }: Run, { words, length, opCount }: OpBatch): void {
  const batch = { ops: words, length, opCount, done: false }
  for (let at = 0; at < length; ) {
    const reached = compiled?.run(batch, at, length) ?? loop.run(words, at, length)
    if (reached === at) throw new Error(`stuck at word ${at}`)
    at = reached
  }
}

/** A hash of each thing that a run has written down. */
function stateOf({ run }: Run): Record<string, string> {
  const { cells, counters, seats, int32, pages, plan } = run.control
  const used = pages.reduce((last, byte, page) => (byte === 0 ? last : page + 1), 0)
  const hash = (view: ArrayBufferView): string =>
    createHash('sha1')
      .update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
      .digest('base64')
  return {
    heap: hash(run.heap.subarray(0, Math.min(used, BRK_PAGES) * PAGE_WORDS)),
    cells: hash(cells),
    counters: hash(counters),
    seats: hash(seats),
    locks: hash(int32.subarray(plan.at.locks / 4, plan.at.seatRows / 4)),
    pages: hash(pages),
  }
}

const operand = fc.integer({ min: -SHARED, max: CELLS - 1 })
const bytes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 1100 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1000, max: 70_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 100_000, max: 1_500_000 }) },
)
const alignment = fc.integer({ min: 0, max: 14 }).map((power) => 2 ** power)
type Step = (batch: OpBatch) => void
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(operand, bytes).map(
      ([c, n]) =>
        (b: OpBatch) =>
          b.put2(Op.MALLOC, c, n),
    ),
  },
  { weight: 8, arbitrary: operand.map((c) => (b: OpBatch) => b.put1(Op.FREE, c)) },
  { weight: 4, arbitrary: operand.map((c) => (b: OpBatch) => b.put1(Op.WRITE, c)) },
  { weight: 2, arbitrary: operand.map((c) => (b: OpBatch) => b.put2(Op.WRITE_PAGES, c, 1)) },
  {
    weight: 2,
    arbitrary: fc.tuple(operand, operand).map(
      ([x, y]) =>
        (b: OpBatch) =>
          b.put2(Op.MOVE, x, y),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(operand, operand).map(
      ([x, y]) =>
        (b: OpBatch) =>
          b.put2(Op.SWAP, x, y),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(operand, bytes).map(
      ([c, n]) =>
        (b: OpBatch) =>
          b.put2(Op.REALLOC, c, n),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(operand, bytes).map(
      ([c, n]) =>
        (b: OpBatch) =>
          b.put3(Op.CALLOC, c, 1, n),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(operand, alignment, bytes).map(
      ([c, a, n]) =>
        (b: OpBatch) =>
          b.put3(Op.MEMALIGN, c, a, n),
    ),
  },
  { weight: 1, arbitrary: fc.constant((b: OpBatch) => b.put1(Op.TRIM, 0)) },
)

const VARIANTS: readonly [design: string, tunables: Record<string, number>][] = [
  ['glibc', {}],
  ['glibc', { tcache_count: 0 }],
  ['glibc', { perturb: 42 }],
  ['ptmalloc2', {}],
  ['tcmalloc', {}],
]

describe.each(VARIANTS)('%s %o, compiled', (name, tunables) => {
  it.each([0, 1])('writes what the JavaScript writes (seat %i)', async (seat) => {
    const design = designs[name]!
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 200, maxLength: 1200 }), async (steps) => {
        const batch = new OpBatch()
        for (const put of steps) put(batch)
        const script = await thread(design, tunables, false, seat)
        const compiled = await thread(design, tunables, true, seat)
        carryOut(script, batch)
        carryOut(compiled, batch)
        expect(stateOf(compiled)).toEqual(stateOf(script))
        script.heap.exit()
        compiled.heap.exit()
        expect(stateOf(compiled)).toEqual(stateOf(script))
        expect(design.check(compiled.process, compiled.run.init.tunables)).toEqual([])
      }),
      { numRuns: 12 },
    )
  })
})
