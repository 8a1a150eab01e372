/**
 * Carries one invocation out: resolves what was asked, runs its variants one after the other,
 * writes the run folder, and decides the exit code. Both the command line and the dashboard call
 * it.
 */
import { cpus, hostname, totalmem } from 'node:os'
import { buildId } from '../machine/build-id.ts'
import type { RunSummary, VariantSummary } from '../metrics/types.ts'
import { messageOf } from '../words/bad-input.ts'
import { packageVersion } from './about.ts'
import { exitCodeOf } from './exit-code.ts'
import { Recording } from './recording.ts'
import { type ResolvedRun, resolveRequest } from './resolve.ts'
import { failedThresholds } from './thresholds.ts'
import type { RunHooks, RunRequest, RunResult } from './types.ts'
import { runVariant } from './variant-run.ts'

/**
 * Runs everything that `request` asks for. Rejects with `BadInput` before anything has started, and
 * otherwise never: what goes wrong later is in the result. Aborting `signal` (with `SIGINT` or
 * `SIGTERM` as its reason) ends the variant under way and starts no other.
 */
export async function runVariants(
  request: RunRequest,
  hooks: RunHooks,
  signal: AbortSignal,
): Promise<RunResult> {
  const resolved = await resolveRequest(request)
  const recording = new Recording(request, resolved.scenario.name)
  const plans = resolved.variants.map(({ plan }) => plan)
  const startedAt = new Date()
  recording.begin(runJson(request, resolved, startedAt))
  const folder = recording.shownPath
  hooks.onRunStart?.({ request, scenario: resolved.scenario.name, plans, folder })

  const variants: VariantSummary[] = []
  const problems: string[] = []
  for (const [place, { plan, design }] of resolved.variants.entries()) {
    if (signal.aborted) break
    try {
      const { summary, mappings } = await runVariant({
        plan,
        design,
        scenario: resolved.scenario,
        sampleHz: request.sampleHz,
        signal,
        onStart: (machine) => hooks.onVariantStart?.(place, machine),
        onLine: (line) => {
          recording.line(place, line)
          hooks.onSample?.(place, line)
        },
        onNotice: (text) => hooks.onNotice?.(`${plan.variant.label}: ${text}`),
      })
      variants.push(summary)
      recording.mappings(plan.variant.label, mappings)
      hooks.onVariantEnd?.(place, summary)
    } catch (error) {
      problems.push(`${plan.variant.label} could not be run: ${messageOf(error)}`)
      break
    }
  }

  const summary = summaryOf(request, resolved, folder, variants)
  await recording.end(summary)
  problems.push(...recording.problems)
  const failed = failedThresholds(request.thresholds, variants)
  const exitCode = exitCodeOf({
    variants,
    showsOom: resolved.scenario.showsOom,
    stoppedBy: stoppedBy(signal),
    problems: problems.length,
    failedThresholds: failed.length,
  })
  return { summary, exitCode, problems: [...problems, ...failed] }
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
