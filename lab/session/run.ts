/**
 * Carries one invocation out: resolves what was asked, runs its variants one after the other or in
 * lock-step, writes the run folder, and decides the exit code. Both the command line and the
 * dashboard call it.
 */
import { cpus, hostname, totalmem } from 'node:os'
import { buildId } from '../machine/build-id.ts'
import type { RunSummary, VariantSummary } from '../metrics/types.ts'
import { messageOf } from '../words/bad-input.ts'
import { formatSize } from '../words/sizes.ts'
import { packageVersion } from './about.ts'
import { exitCodeOf } from './exit-code.ts'
import { reclaimBuffers } from './reclaim.ts'
import { Recording } from './recording.ts'
import { replayCommand } from './replay-command.ts'
import { boundedAtOnce, type ResolvedRun, resolveRequest } from './resolve.ts'
import { Steering } from './steering.ts'
import { failedThresholds } from './thresholds.ts'
import type { RunHooks, RunRequest, RunResult } from './types.ts'
import { runVariant } from './variant-run.ts'

/**
 * Runs everything that was asked for. Rejects with `BadInput` before anything has started, and
 * otherwise never: what goes wrong later is in the result. Aborting `signal` (with `SIGINT` or
 * `SIGTERM` as its reason) ends the variants under way and starts no other. `steering` may pause
 * the run and let it go on meanwhile.
 */
export async function runVariants(
  asked: RunRequest,
  hooks: RunHooks,
  signal: AbortSignal,
  steering = new Steering(),
): Promise<RunResult> {
  const request = boundedAtOnce(asked)
  const resolved = await resolveRequest(request)
  const recording = new Recording(request, resolved.scenario.name)
  const plans = resolved.variants.map(({ plan }) => plan)
  const startedAt = new Date()
  recording.begin(runJson(request, resolved, startedAt))
  const folder = recording.shownPath
  if (request !== asked) {
    const each = formatSize(request.limits.memoryLimit ?? 0)
    hooks.onNotice?.(`each variant may take ${each}: its share of this host's memory`)
  }
  hooks.onRunStart?.({ request, scenario: resolved.scenario.name, plans, folder })

  const variants = await new Variants(request, resolved, recording, hooks, signal, steering).run()
  const summary = summaryOf(request, resolved, folder, variants.summaries)
  await recording.end(summary)
  const problems = [...variants.problems, ...recording.problems]
  const failed = failedThresholds(request.thresholds, summary.variants)
  const exitCode = exitCodeOf({
    variants: summary.variants,
    showsOom: resolved.scenario.showsOom,
    stoppedBy: stoppedBy(signal),
    problems: problems.length,
    failedThresholds: failed.length,
  })
  return { summary, exitCode, problems: [...problems, ...failed] }
}

const LOCKSTEP_NOTICE =
  'variants share the CPUs of this host with --lockstep: compare their memory, not their speed; ' +
  'CPU seconds are those of all variants together'

const isLockstep = ({ lockstep, variants }: RunRequest): boolean =>
  lockstep === true && variants.length > 1

/** The variants of one run: one after the other, or all at once in lock-step by phase. */
class Variants {
  readonly problems: string[] = []
  readonly #request: RunRequest
  readonly #resolved: ResolvedRun
  readonly #recording: Recording
  readonly #hooks: RunHooks
  readonly #signal: AbortSignal
  readonly #steering: Steering
  readonly #summaries: (VariantSummary | undefined)[] = []

  constructor(
    request: RunRequest,
    resolved: ResolvedRun,
    recording: Recording,
    hooks: RunHooks,
    signal: AbortSignal,
    steering: Steering,
  ) {
    this.#request = request
    this.#resolved = resolved
    this.#recording = recording
    this.#hooks = hooks
    this.#signal = signal
    this.#steering = steering
  }

  /** Of the variants that were reached, in the order they were asked for. */
  get summaries(): VariantSummary[] {
    return this.#summaries.filter((summary) => summary !== undefined)
  }

  async run(): Promise<this> {
    const places = [...this.#resolved.variants.keys()]
    const abort = (): void => this.#steering.abort()
    this.#signal.addEventListener('abort', abort)
    if (this.#signal.aborted) abort()
    try {
      if (isLockstep(this.#request)) await this.#allAtOnce(places)
      else await this.#oneByOne(places)
    } finally {
      this.#signal.removeEventListener('abort', abort)
    }
    return this
  }

  async #allAtOnce(places: readonly number[]): Promise<void> {
    if (this.#signal.aborted) return
    if (this.#request.machine === 'threads') this.#hooks.onNotice?.(LOCKSTEP_NOTICE)
    for (const place of places) this.#steering.begin(place)
    await Promise.all(places.map((place) => this.#carryOut(place)))
  }

  async #oneByOne(places: readonly number[]): Promise<void> {
    for (const place of places) {
      if (place > 0) await reclaimBuffers()
      if (this.#signal.aborted) return
      this.#steering.begin(place)
      if (!(await this.#carryOut(place))) return
    }
  }

  /** False when it could not be run. */
  async #carryOut(place: number): Promise<boolean> {
    const { scenario, variants } = this.#resolved
    const { plan, design } = variants[place]!
    const hooks = this.#hooks
    try {
      const { summary, mappings } = await runVariant({
        plan,
        design,
        scenario,
        sampleHz: this.#request.sampleHz,
        signal: this.#signal,
        onStart: (machine, steered) => {
          this.#steering.started(place, steered)
          hooks.onVariantStart?.(place, machine)
        },
        onLine: (line) => {
          this.#recording.line(place, line)
          hooks.onSample?.(place, line)
        },
        onWaits: (line) => this.#recording.waits(place, line),
        onNotice: (text) => hooks.onNotice?.(`${plan.variant.label}: ${text}`),
        replayCommand: (schedule) => replayCommand(this.#request, plan.variant.label, schedule),
        atMark: (mark) => this.#steering.arrive(place, mark),
      })
      this.#summaries[place] = summary
      this.#recording.mappings(plan.variant.label, mappings)
      hooks.onVariantEnd?.(place, summary)
      return true
    } catch (error) {
      const problem = `${plan.variant.label} could not be run: ${messageOf(error)}`
      this.problems.push(problem)
      hooks.onNotice?.(problem)
      return false
    } finally {
      this.#steering.ended(place)
    }
  }
}

function summaryOf(
  request: RunRequest,
  resolved: ResolvedRun,
  folder: string,
  variants: readonly VariantSummary[],
): RunSummary {
  const { limits } = request
  return {
    scenario: resolved.scenario.name,
    machine: request.machine,
    cores: request.cores,
    seed: request.seed,
    params: resolved.params,
    limits: {
      memoryLimit: limits.memoryLimit ?? null,
      addressSpaceLimit: limits.addressSpaceLimit ?? null,
      overcommitMemory: limits.overcommitMemory,
      overcommitRatio: limits.overcommitRatio,
      ramBytes: limits.ramBytes,
    },
    ...(isLockstep(request) ? { lockstep: true } : {}),
    variantsAsked: request.variants,
    folder,
    variants,
  }
}

/** run.json: all that is needed to run it again and to know where it ran. */
function runJson(request: RunRequest, resolved: ResolvedRun, startedAt: Date): object {
  return {
    version: packageVersion,
    buildId,
    startedAt: startedAt.toISOString(),
    command: request.command,
    scenario: resolved.scenario.name,
    machine: request.machine,
    scheduleSeed: request.scheduleSeed,
    seed: request.seed,
    sampleHz: request.sampleHz ?? null,
    plans: resolved.variants.map(({ plan }) => plan),
    host: {
      name: hostname(),
      platform: process.platform,
      arch: process.arch,
      node: process.version,
      cpus: cpus().length,
      cpuModel: cpus()[0]?.model ?? 'unknown',
      memoryBytes: totalmem(),
    },
  }
}

function stoppedBy(signal: AbortSignal): 'SIGINT' | 'SIGTERM' | 'request' | undefined {
  if (!signal.aborted) return undefined
  return signal.reason === 'SIGINT' || signal.reason === 'SIGTERM' ? signal.reason : 'request'
}
