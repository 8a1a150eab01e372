/**
 * A whole scenario on the threads machine beside the native one, on the same ops: model and native
 * in turn, the first pair discarded. Native records all ops beforehand; so what the model spends
 * recording is taken out of its time, by the share of its lab threads' time that it took.
 */
import { totalmem } from 'node:os'
import { RecordedScenario } from '../../machine/native/scenario.ts'
import type { VariantSummary } from '../../metrics/types.ts'
import type { LabMemory, ScenarioBenchResult } from '../../report/bench/scenario-types.ts'
import { planScenario } from '../../workload/plan.ts'
import { reclaimBuffers } from '../reclaim.ts'
import { type ResolvedRun, resolveRequest } from '../resolve.ts'
import type { RunRequest } from '../types.ts'
import { runVariant } from '../variant-run.ts'
import { counterpartOf, type NativeCounterpart } from './cell.ts'
import { MemoryWatch } from './lab-memory.ts'
import { SAMPLE_HZ } from './model-side.ts'
import { spreadOfValues } from './statistics.ts'
import type { BenchRequest, ScenarioAsked } from './types.ts'

interface ModelRun {
  readonly summary: VariantSummary
  readonly memory: LabMemory
}

interface Round {
  readonly model: ModelRun
  readonly nativeSeconds: number | undefined
  readonly nativeOps: number | undefined
}

interface ScenarioBench {
  readonly results: readonly ScenarioBenchResult[]
  readonly notes: readonly string[]
}

/** `BadInput` before anything has started; aborting `signal` leaves the rest out. */
export async function benchScenarioWhole(
  asked: ScenarioAsked,
  request: BenchRequest,
  onStep: (text: string, round: number) => void,
  signal: AbortSignal,
): Promise<ScenarioBench> {
  const resolved = await resolveRequest(runRequestOf(asked, request))
  const notes = new Set<string>()
  const results: ScenarioBenchResult[] = []
  let recorded: RecordedScenario | undefined
  try {
    for (const variant of resolved.variants) {
      const { design, plan } = variant
      const native = request.native
        ? await counterpartOf(design, plan.variant.tunables, notes)
        : undefined
      if (native !== undefined) recorded ??= await record(resolved)
      const job = new ScenarioJob(resolved, variant, native && { native, recorded: recorded! })
      const rounds: Round[] = []
      for (let round = 0; round <= request.rounds; round++) {
        if (signal.aborted) return { results, notes: [...notes, 'interrupted: rows are missing'] }
        onStep(`${resolved.scenario.name} ${plan.variant.label}`, round)
        const done = await job.round(signal)
        if (done !== undefined) rounds.push(done)
      }
      const [first, ...measured] = rounds
      if (first === undefined || measured.length < request.rounds) continue
      results.push(resultOf(resolved, variant, measured, first.model.memory))
    }
    return { results, notes: [...notes] }
  } finally {
    await recorded?.remove()
  }
}

function runRequestOf({ scenario, params }: ScenarioAsked, request: BenchRequest): RunRequest {
  return {
    scenario,
    variants: request.variants,
    params,
    machine: 'threads',
    scheduleSeed: 0,
    costs: 'laptop',
    lines: false,
    limits: {
      memoryLimit: undefined,
      addressSpaceLimit: undefined,
      overcommitMemory: 0,
      overcommitRatio: 50,
      ramBytes: totalmem(),
    },
    cores: request.cores,
    seed: request.seed,
    seconds: undefined,
    heapBytes: request.heapBytes,
    spinCount: request.spins?.[0] ?? 0,
    drain: false,
    fill: false,
    sampleHz: SAMPLE_HZ,
    directory: '.',
    outputs: [],
    thresholds: [],
    command: [],
  }
}

function record({ scenario, params, variants }: ResolvedRun): Promise<RecordedScenario> {
  const { seed, seconds } = variants[0]!.plan
  return RecordedScenario.record({ scenario, params, seed, seconds, fill: false })
}

/** One variant, round by round. */
class ScenarioJob {
  readonly #resolved: ResolvedRun
  readonly #variant: ResolvedRun['variants'][number]
  readonly #beside: { native: NativeCounterpart; recorded: RecordedScenario } | undefined

  constructor(
    resolved: ResolvedRun,
    variant: ResolvedRun['variants'][number],
    beside: { native: NativeCounterpart; recorded: RecordedScenario } | undefined,
  ) {
    this.#resolved = resolved
    this.#variant = variant
    this.#beside = beside
  }

  /** Undefined when `signal` was aborted. */
  async round(signal: AbortSignal): Promise<Round | undefined> {
    const model = await this.#model(signal)
    if (signal.aborted) return undefined
    if (this.#beside === undefined) {
      return { model, nativeSeconds: undefined, nativeOps: undefined }
    }
    const { native, recorded } = this.#beside
    try {
      const { seconds, ops } = await recorded.run({ ...native, signal })
      return { model, nativeSeconds: seconds, nativeOps: ops }
    } catch (error) {
      if (signal.aborted) return undefined
      throw error
    }
  }

  async #model(signal: AbortSignal): Promise<ModelRun> {
    const { plan, design } = this.#variant
    let watch: MemoryWatch | undefined
    const { summary } = await runVariant({
      plan,
      design,
      scenario: this.#resolved.scenario,
      sampleHz: SAMPLE_HZ,
      signal,
      onStart: ({ run }) => {
        watch = new MemoryWatch(run.control)
      },
      // Everybody is parked while it is told of a safepoint.
      onLine: (line) => {
        if (line.type === 'safepoint' && line.reason !== 'tick') watch?.look()
      },
      onNotice: () => {},
    })
    if (!signal.aborted && summary.outcome !== 'completed') {
      throw new Error(`${plan.variant.label} ended early: ${summary.outcome}: ${summary.message}`)
    }
    const memory = watch!.result(plan.threads)
    // It would keep the run's buffers.
    watch = undefined
    await reclaimBuffers()
    return { summary, memory }
  }
}

function resultOf(
  { scenario, params }: ResolvedRun,
  { plan }: ResolvedRun['variants'][number],
  rounds: readonly Round[],
  memory: LabMemory,
): ScenarioBenchResult {
  const workers = planScenario(scenario, params).threads
  const withRecording = rounds.map(({ model }) => model.summary.seconds)
  const shares = rounds.map(({ model }) => model.summary.recordingShare)
  const without = withRecording.map((seconds, round) => seconds * (1 - shares[round]!))
  const seconds = spreadOfValues(without)
  const natives = rounds.flatMap(({ nativeSeconds }) => nativeSeconds ?? [])
  const native = natives.length === 0 ? null : spreadOfValues(natives)
  return {
    scenario: scenario.name,
    variant: plan.variant.label,
    params,
    threads: workers,
    rounds: rounds.length,
    ops: rounds[0]!.model.summary.ops,
    nativeOps: rounds[0]!.nativeOps ?? null,
    seconds,
    secondsWithRecording: spreadOfValues(withRecording),
    recordingShare: spreadOfValues(shares).median,
    native,
    ratio: native === null ? null : seconds.median / native.median,
    ratioOfRounds:
      native === null ? null : spreadOfValues(without.map((ours, round) => ours / natives[round]!)),
    memory,
  }
}
