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
  readonly design: Design
  readonly plan: RunPlan
  readonly native: NativeCounterpart | undefined
  readonly setByWorkload: string
}

/** Thread counts of workloads about threads, where the user names none; of the others: one. */
const THREADS = [1, 2, 4]
const ABOUT_THREADS: readonly string[] = ['remote', 'contend', 'cached']
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
        cells.push(await resolveCell(request, workload, variant, threads, notes))
      }
    }
  }
  return { cells, notes: [...notes] }
}

async function resolveCell(
  request: BenchRequest,
  workload: string,
  text: string,
  threads: number,
  notes: Set<string>,
): Promise<BenchCell> {
  const { design: name, label, assignments } = parseVariant(text)
  const design = await loadDesign(name)
  const asked = resolveTunables(design.tunables, assignments) as Readonly<Record<string, number>>
  const forced = workload === 'contend' ? forcedOn(design) : {}
  const tunables = { ...asked, ...forced }
  const params = {
    workload: BENCH_WORKLOADS.findIndex((known) => known.name === workload),
    threads,
  }
  const plan: RunPlan = {
    variant: { label, design: name, tunables },
    machine: 'threads',
    scheduleSeed: 0,
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
    seconds: (request.warmMs + request.measuredMs) / 1000,
    drain: false,
    fill: false,
    spinCount: request.spinCount,
  }
  const native = request.native ? await counterpartOf(design, tunables, notes) : undefined
  const setByWorkload = Object.entries(forced)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
  return { workload, variant: label, threads, design, plan, native, setByWorkload }
}

/** Of `contend`'s settings, those the design has. */
function forcedOn(design: Design): Record<string, number> {
  const has = ([key]: [string, number]): boolean => Object.hasOwn(design.tunables, key)
  return Object.fromEntries(Object.entries(CONTEND).filter(has))
}

/** Undefined where there is no real allocator, or not here; `notes` then says why. */
async function counterpartOf(
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
