/** From what was asked to what can be measured: one cell per workload, variant and thread count. */
import type { Design } from '../../../allocators/contract.ts'
import { parseVariant, resolveTunables } from '../../../allocators/parse-tunables.ts'
import { loadDesign } from '../../machine/designs.ts'
import { isGlibcTunable, type NativeSettings } from '../../machine/native/environment.ts'
import { nativeLibrary } from '../../machine/native/library.ts'
import type { RunPlan } from '../../machine/types.ts'
import { isBadInput } from '../../words/bad-input.ts'
import { unknownName } from '../../words/nearest.ts'
import { BENCH_SCENARIO, benchScenario } from '../../workload/bench/scenario.ts'
import { BENCH_WORKLOADS } from '../../workload/bench/workloads.ts'
import { planScenario } from '../../workload/plan.ts'
import { settingsOf } from '../verify/subject.ts'
import type { BenchRequest } from './types.ts'

/** The real allocator of a design, as the native machine names it, with the same settings. */
export interface NativeCounterpart {
  readonly allocator: string
  readonly settings: NativeSettings
}

export interface BenchCell {
  readonly workload: string
  readonly variant: string
  readonly threads: number
  /** Spins of the modelled mutex. */
  readonly spin: number
  readonly design: Design
  readonly plan: RunPlan
  readonly native: NativeCounterpart | undefined
  readonly setByWorkload: string
}

/** Thread counts of workloads about threads, where the user names none; of the others: one. */
const THREADS = [1, 2, 4]
const ABOUT_THREADS: readonly string[] = ['remote', 'contend', 'cached']
/** Of `contend`, where the user names none: so that the report can say what spinning changes. */
const SPINS = [0, 100]
/** What `contend` is: one arena for all, and nothing in front of it. */
const CONTEND: Readonly<Record<string, number>> = { arena_max: 1, tcache_count: 0 }

export interface BenchCells {
  readonly cells: readonly BenchCell[]
  readonly notes: readonly string[]
}

/** `BadInput` for unknown names and values that will not do. */
export async function resolveCells(request: BenchRequest): Promise<BenchCells> {
  const cells: BenchCell[] = []
  const notes = new Set<string>()
  for (const name of request.workloads) {
    if (BENCH_WORKLOADS.some((workload) => workload.name === name)) continue
    const known = BENCH_WORKLOADS.map((workload) => workload.name)
    throw unknownName('workload', name, known)
  }
  for (const workload of request.workloads) {
    const threadCounts = request.threads ?? (ABOUT_THREADS.includes(workload) ? THREADS : [1])
    for (const variant of request.variants) {
      for (const threads of threadCounts) {
        const own = workload === 'contend' && threads > 1 ? SPINS : [0]
        const spins = request.spins ?? own
        for (const spin of spins) {
          const cell = await resolveCell({ request, workload, text: variant, threads, spin }, notes)
          // The native mutex does not know of spins: it is measured beside the first count only.
          cells.push(spin === spins[0] ? cell : { ...cell, native: undefined })
        }
      }
    }
  }
  return { cells, notes: [...notes] }
}

interface CellAsked {
  readonly request: BenchRequest
  readonly workload: string
  readonly text: string
  readonly threads: number
  readonly spin: number
}

async function resolveCell(asked: CellAsked, notes: Set<string>): Promise<BenchCell> {
  const { request, workload, text, threads, spin } = asked
  const { design: name, label, assignments } = parseVariant(text)
  const design = await loadDesign(name)
  const assigned = resolveTunables(design.tunables, assignments)
  const forced = workload === 'contend' ? forcedOn(design) : {}
  const tunables: Readonly<Record<string, number>> = { ...assigned, ...forced }
  const params = { workload: workloadNumber(workload), threads }
  const plan = loopPlan(request, { label, design: name, tunables }, params, spin)
  const native = request.native ? await counterpartOf(design, tunables, notes) : undefined
  const setByWorkload = Object.entries(forced)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
  return { workload, variant: label, threads, spin, design, plan, native, setByWorkload }
}

/** A run of the benchmark's loop, without limits. */
export function loopPlan(
  request: BenchRequest,
  variant: RunPlan['variant'],
  params: { readonly workload: number; readonly threads: number },
  spinCount: number,
): RunPlan {
  return {
    machine: 'threads',
    scheduleSeed: 0,
    variant,
    scenario: BENCH_SCENARIO,
    params,
    seed: request.seed,
    cores: request.cores,
    threads: planScenario(benchScenario, params).threads,
    heapBytes: request.heapBytes,
    limits: {
      memoryLimit: undefined,
      addressSpaceLimit: undefined,
      overcommitMemory: 1,
      overcommitRatio: 50,
      ramBytes: request.heapBytes,
    },
    // Ended by whoever measures: how long a warm-up takes is not known beforehand.
    seconds: undefined,
    drain: false,
    fill: false,
    spinCount,
  }
}

/** What the benchmark's scenario calls a workload. */
export const workloadNumber = (name: string): number =>
  BENCH_WORKLOADS.findIndex((workload) => workload.name === name)

/** Of `contend`'s settings, those the design has. */
function forcedOn(design: Design): Record<string, number> {
  const has = ([key]: [string, number]): boolean => Object.hasOwn(design.tunables, key)
  return Object.fromEntries(Object.entries(CONTEND).filter(has))
}

/** Undefined where there is no real allocator, or not here; `notes` then says why. */
export async function counterpartOf(
  design: Design,
  tunables: Readonly<Record<string, number>>,
  notes: Set<string>,
): Promise<NativeCounterpart | undefined> {
  if (design.name !== 'glibc' && design.name !== 'tcmalloc') {
    notes.add(`${design.name}: no native counterpart to compare with`)
    return undefined
  }
  try {
    await nativeLibrary(design.name)
  } catch (error) {
    if (!isBadInput(error)) throw error
    notes.add(`${design.name}: ${error.message}`)
    return undefined
  }
  const settings = settingsOf(design, tunables)
  const foreign = Object.keys(settings).filter(
    (key) => design.name === 'glibc' && !isGlibcTunable(key),
  )
  if (foreign.length > 0) {
    notes.add(`the real glibc has no ${foreign.join(', ')}: not compared`)
    return undefined
  }
  return { allocator: design.name, settings }
}
