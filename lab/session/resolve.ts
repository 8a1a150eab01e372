/**
 * From what was asked to plans that can run: names looked up, values read, limits held against what
 * the design and the scenario need before their first op. Everything that cannot work is refused
 * here, as `BadInput`, before anything has started.
 */
import { totalmem } from 'node:os'
import type { Design } from '../../allocators/contract.ts'
import { parseVariant, resolveTunables } from '../../allocators/parse-tunables.ts'
import { builtInScenarios } from '../../scenarios/index.ts'
import { loadDesign } from '../machine/designs.ts'
import { createSharedRun, type SharedRun } from '../machine/shared-run.ts'
import type { RunPlan, SimulationPlan } from '../machine/types.ts'
import { loadCostTable, resolveCosts } from '../machine/virtual/costs.ts'
import { BadInput, messageOf } from '../words/bad-input.ts'
import { formatSize, readableSize } from '../words/sizes.ts'
import { bytesOfPages, GIB, MIB, PAGE_BYTES, roundUp } from '../words/units.ts'
import { loadScenario } from '../workload/load.ts'
import { resolveParams } from '../workload/params.ts'
import { planScenario, type ScenarioPlan } from '../workload/plan.ts'
import type { AnyParams, Scenario } from '../workload/scenario.ts'
import type { RunRequest } from './types.ts'

interface ResolvedVariant {
  readonly plan: RunPlan
  readonly design: Design
}

export interface ResolvedRun {
  readonly scenario: Scenario
  readonly params: AnyParams
  readonly variants: readonly ResolvedVariant[]
}

/** What a worker thread of ours costs the host, measured with the scenarios that come with us. */
const WORKER_BYTES = 12 * MIB
/** Share of the host's memory that worker threads may take. */
const POOL_SHARE = 0.5
/** Variants that may run at once. */
const LOCKSTEP_MAX = 4
/** Share of the host's memory that the heaps of variants running at once may take. */
const HEAPS_SHARE = 0.75
/** Pages a lab thread touches before its first op: its stack's, and its thread-local storage. */
const THREAD_PAGES = 3
const HEAP_BYTES_MIN = 16 * MIB
const HEAP_BYTES_MAX = 8 * GIB

export async function resolveRequest(request: RunRequest): Promise<ResolvedRun> {
  const scenario = await loadScenario(request.scenario, builtInScenarios)
  const params = resolveParams(scenario, request.params, request.machine === 'virtual')
  const scenarioPlan = planScenario(scenario, params)
  const atOnce = request.lockstep === true ? request.variants.length : 1
  checkAtOnce(atOnce, request.limits.memoryLimit)
  if (request.machine !== 'virtual') checkThreads(scenarioPlan, atOnce)
  checkHeap(request.heapBytes)
  const variants: ResolvedVariant[] = []
  for (const text of request.variants) {
    const variant = await resolveVariant(request, params, scenarioPlan, text)
    checkLimits(variant, scenarioPlan)
    variants.push(variant)
  }
  return { scenario, params, variants }
}

async function resolveVariant(
  request: RunRequest,
  params: AnyParams,
  scenarioPlan: ScenarioPlan,
  text: string,
): Promise<ResolvedVariant> {
  const variant = parseVariant(text)
  const design = await loadDesign(variant.design)
  const tunables = resolveTunables(design.tunables, variant.assignments)
  const plan: RunPlan = {
    machine: request.machine,
    scheduleSeed: request.scheduleSeed,
    ...(request.schedules === undefined ? {} : { schedules: request.schedules }),
    variant: { label: variant.label, design: variant.design, tunables },
    scenario: request.scenario,
    params,
    seed: request.seed,
    cores: request.cores,
    threads: scenarioPlan.threads,
    heapBytes: request.heapBytes,
    limits: request.limits,
    seconds: request.seconds ?? scenarioPlan.seconds,
    drain: request.drain,
    fill: request.fill,
    spinCount: request.spinCount,
    simulation: simulationPlan(request, design),
    traceWaits: request.traceWaits === true,
  }
  return { plan, design }
}

function simulationPlan(request: RunRequest, design: Design): SimulationPlan | undefined {
  if (request.machine !== 'virtual') return undefined
  const costs = resolveCosts(loadCostTable(request.costs), design.name)
  return { costs, lines: request.lines, sampleHz: request.sampleHz }
}

/** Variants that run at once hold their heaps at the same time. */
function checkAtOnce(atOnce: number, memoryLimit: number | undefined): void {
  if (atOnce > LOCKSTEP_MAX) {
    throw new BadInput(
      `--lockstep with ${atOnce} variants: expected at most ${LOCKSTEP_MAX}, for each has its ` +
        'worker threads and its heap at the same time',
    )
  }
  const most = totalmem() * HEAPS_SHARE
  if (atOnce === 1 || memoryLimit === undefined || atOnce * memoryLimit <= most) return
  throw new BadInput(
    `--lockstep holds ${atOnce} heaps of up to ${formatSize(memoryLimit)} at once, more than ` +
      `three quarters of this host's ${readableSize(totalmem())}: --memory-limit ` +
      `${formatSize(Math.floor(most / atOnce / MIB) * MIB)} would do`,
  )
}

/**
 * Variants that run at once without a memory limit could together take more than this host has: the
 * same request, with the share of each as its limit where its heap is larger than that. Only the
 * request itself when it has a limit, runs one variant at a time, or fits as it is.
 */
export function boundedAtOnce(request: RunRequest, hostBytes = totalmem()): RunRequest {
  const { limits, heapBytes, variants } = request
  const atOnce = request.lockstep === true ? Math.min(variants.length, LOCKSTEP_MAX) : 1
  const share = Math.floor((hostBytes * HEAPS_SHARE) / atOnce / MIB) * MIB
  if (atOnce === 1 || limits.memoryLimit !== undefined || heapBytes <= share) return request
  return { ...request, limits: { ...limits, memoryLimit: share } }
}

/** Every lab thread alive at once needs a worker thread of its own. */
function checkThreads({ threads }: ScenarioPlan, variants: number): void {
  const most = Math.max(2, Math.floor((totalmem() * POOL_SHARE) / WORKER_BYTES))
  if (threads * variants <= most) return
  const what = variants === 1 ? '' : ` (${threads} of each of ${variants} variants)`
  throw new BadInput(
    `${threads * variants} lab threads at once${what} are more than the worker pool holds: ` +
      `${most} would do (${readableSize(WORKER_BYTES)} each, half of this host's ` +
      `${readableSize(totalmem())})`,
  )
}

/** `BadInput` for a heap buffer that the lab cannot have: `--heap`. */
export function checkHeap(bytes: number): void {
  if (bytes % PAGE_BYTES === 0 && bytes >= HEAP_BYTES_MIN && bytes <= HEAP_BYTES_MAX) return
  const range = `${formatSize(HEAP_BYTES_MIN)} to ${formatSize(HEAP_BYTES_MAX)}`
  throw new BadInput(`--heap ${formatSize(bytes)}: expected whole pages, ${range}`)
}

/** Boots the design once without limits, to see what it takes before the first op. */
function checkLimits({ plan, design }: ResolvedVariant, scenarioPlan: ScenarioPlan): void {
  const { memoryLimit, addressSpaceLimit } = plan.limits
  const trial = bootTrial(plan, design, scenarioPlan)
  const figures = trial.processFor(0, 0, () => 0).space.figures()
  const started = plan.threads - 1
  if (memoryLimit !== undefined) {
    const needed = figures.rssBytes + bytesOfPages(started * THREAD_PAGES + 1)
    refuseBelow('--memory-limit', memoryLimit, needed, `${plan.variant.label}'s own state`, plan)
  }
  if (addressSpaceLimit !== undefined) {
    const stacks = started * (scenarioPlan.stackBytes + PAGE_BYTES)
    const arenas = arenaBytesAskedFor(plan)
    const needed = figures.vmSizeBytes + stacks + arenas + MIB
    const what = arenas > 0 ? 'the stacks and the arenas asked for' : 'the stacks'
    refuseBelow('--address-space-limit', addressSpaceLimit, needed, what, plan)
  }
}

function bootTrial(plan: RunPlan, design: Design, scenarioPlan: ScenarioPlan): SharedRun {
  const limits = { ...plan.limits, memoryLimit: undefined, addressSpaceLimit: undefined }
  const clock = { originMs: 0, now: () => 0 }
  try {
    return createSharedRun({ ...plan, limits }, design, scenarioPlan, clock).run
  } catch (error) {
    throw new BadInput(`${plan.variant.label} cannot start: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Address space of the arenas that `arena_max` asks for by name; 0 where it does not: a design then
 * makes do with the arenas that fit, as the real one does.
 */
function arenaBytesAskedFor({ variant: { tunables }, threads }: RunPlan): number {
  const { arena_max: arenas = 0, heap_max: heapBytes = 0 } = tunables
  return Math.max(0, Math.min(arenas, threads) - 1) * heapBytes
}

function refuseBelow(
  option: string,
  limit: number,
  needed: number,
  what: string,
  plan: RunPlan,
): void {
  if (limit >= needed) return
  const enough = roundUp(needed, needed < MIB ? PAGE_BYTES : MIB)
  throw new BadInput(
    `${option} ${formatSize(limit)} is too small for ${what} with ${plan.threads} lab threads: ` +
      `${formatSize(enough)} would do`,
  )
}
