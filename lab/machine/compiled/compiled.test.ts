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
const clock = (): number => 0

type SharedRun = ReturnType<typeof runOf>
type CompiledCode = NonNullable<Awaited<ReturnType<typeof compileFor>>>
type LabThread = Awaited<ReturnType<typeof labThread>>

/** A run of which the lab threads with these seats take part; seat 0 is the main thread. */
function runOf(
  design: Design,
  tunables: Record<string, number>,
  seats: readonly number[],
  fill = false,
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
    fill,
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
  const time = { originMs: 0, now: clock }
  const { run } = createSharedRun(plan, design, needs, time, TABLES, placeTogether)
  run.control.words[ControlWord.STATE] = RunState.RUNNING
  if (seats.some((seat) => seat > 0)) run.control.words[ControlWord.MULTI_THREADED] = 1
  return run
}

/** A lab thread of a run, which carries out `code` or, without, JavaScript. */
async function labThread(run: SharedRun, seat: number, code: CompiledCode | undefined) {
  const process = run.processFor(seat, seat, clock)
  const heap = run.design.attach(process, run.init.tunables, run.threadInfo(seat, seat))
  const heapOps = new HeapOps(process, heap, run.control, seat, {
    fill: run.init.plan.fill,
    clock,
  })
  const loop = new OpLoop(process, heap, run.control, seat, heapOps)
  const compiled = code === undefined ? undefined : await CompiledLoop.link(run, code)
  const outer: ThreadHeap = compiled?.open(loop, heap, seat) ?? heap
  return { loop, compiled, heap: outer, process }
}

function carryOut({ loop, compiled }: LabThread, { words, length, opCount }: OpBatch): void {
  const batch = { ops: words, length, opCount, done: false }
  for (let at = 0; at < length; ) {
    const reached = compiled?.run(batch, at, length) ?? loop.run(words, at, length)
    if (reached === at) throw new Error(`stuck at word ${at}`)
    at = reached
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)

/** What two runs have written down differently: parts of the control buffer, pages of the heap. */
function differences(a: SharedRun, b: SharedRun): string[] {
  const partsOf = ({ control }: SharedRun): Record<string, ArrayBufferView> => {
    const { cells, counters, seats, int32, pages, plan } = control
    const locks = int32.subarray(plan.at.locks / 4, plan.at.seatRows / 4)
    return { cells, counters, seats, pages, locks }
  }
  const others = partsOf(b)
  const parts = Object.entries(partsOf(a)).flatMap(([name, part]) =>
    bytesOf(part).equals(bytesOf(others[name]!)) ? [] : [name],
  )
  const page = ({ heap }: SharedRun, at: number): Buffer =>
    bytesOf(heap.subarray(at * PAGE_WORDS, (at + 1) * PAGE_WORDS))
  a.control.pages.forEach((byte, at) => {
    if (byte !== 0 && !page(a, at).equals(page(b, at))) parts.push(`page ${at}`)
  })
  return parts
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
  ['glibc', { arena_max: 1 }],
  ['glibc', { tcache_count: 0 }],
  ['glibc', { perturb: 42 }],
  ['ptmalloc2', {}],
  ['ptmalloc2', { arena_max: 1 }],
  ['tcmalloc', {}],
]
const RUNS = { numRuns: 15, endOnFailure: true }

/** What the lab threads of a run do, in turns: frees of shared cells are then often remote. */
type Turn = readonly [thread: number, steps: readonly Step[]]
const turns = (threads: number, length: number): fc.Arbitrary<Turn[]> =>
  fc.array(
    fc.tuple(fc.nat(threads - 1), fc.array(step, { minLength: length / 5, maxLength: length })),
    { minLength: threads === 1 ? 1 : 8, maxLength: threads === 1 ? 1 : 16 },
  )

/** Carries out all turns; gives the lab threads, which have not ended. */
async function carriedOut(run: SharedRun, seats: number[], all: Turn[], code?: CompiledCode) {
  const threads: LabThread[] = []
  for (const seat of seats) threads.push(await labThread(run, seat, code))
  for (const [thread, steps] of all) {
    const batch = new OpBatch()
    for (const put of steps) put(batch)
    carryOut(threads[thread]!, batch)
  }
  return threads
}

it('blocks are filled as JavaScript fills them', async () => {
  const { glibc } = designs
  const [run, compiledRun] = [runOf(glibc!, {}, [0], true), runOf(glibc!, {}, [0], true)]
  const code = await compileFor(compiledRun)
  const all: Turn[] = [
    [0, [(batch) => batch.put2(Op.MALLOC, 0, 1000), (batch) => batch.put1(Op.WRITE, 0)]],
  ]
  await carriedOut(run, [0], all)
  await carriedOut(compiledRun, [0], all, code)
  expect(differences(run, compiledRun)).toEqual([])
  const block = compiledRun.control.cells[0]!
  expect(compiledRun.heap[block + 100]).not.toBe(0)
})

describe.each(VARIANTS)('%s %o, compiled', (name, tunables) => {
  const design = designs[name]!
  // The numbers filled in are the design's and its tunables', whichever lab threads there are.
  const compiling = compileFor(runOf(design, tunables, [0]))
  it.each([
    { seats: [0], length: 1000 },
    { seats: [1], length: 1000 },
    { seats: [0, 1], length: 100 },
  ])('writes what the JavaScript writes (seats $seats)', async ({ seats, length }) => {
    const code = (await compiling)!
    await fc.assert(
      fc.asyncProperty(turns(seats.length, length), async (all) => {
        const run = runOf(design, tunables, seats)
        const compiledRun = runOf(design, tunables, seats)
        const script = await carriedOut(run, seats, all)
        const compiled = await carriedOut(compiledRun, seats, all, code)
        expect(differences(run, compiledRun)).toEqual([])
        for (const { heap } of [...script, ...compiled]) heap.exit()
        expect(differences(run, compiledRun)).toEqual([])
        const { process } = compiled[0]!
        expect(design.check(process, compiledRun.init.tunables)).toEqual([])
      }),
      RUNS,
    )
  })
})
