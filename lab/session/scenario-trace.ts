/** A scenario that is to become a trace: what `trace record` and `verify --scenario` share. */
import { builtInScenarios } from '../../scenarios/index.ts'
import type { Assignment } from '../words/assignments.ts'
import { loadScenario } from '../workload/load.ts'
import { resolveParams } from '../workload/params.ts'
import type { RecordOptions } from '../workload/trace/record.ts'

/** Ops of a scenario that only time ends. */
const TIMED_OPS = 1_000_000

export interface ScenarioTraceRequest {
  /** Name of a built-in scenario, or path of a file. */
  readonly scenario: string
  readonly params: readonly Assignment[]
  readonly seed: number
  /** The trace ends after so many ops at most. */
  readonly opsMax: number
}

/** Throws `BadInput` for an unknown scenario, a bad file and bad parameters. */
export async function recordOptionsOf(request: ScenarioTraceRequest): Promise<RecordOptions> {
  const scenario = await loadScenario(request.scenario, builtInScenarios)
  const params = resolveParams(scenario, request.params)
  // A scenario that only time ends would go on for ever.
  const bound = scenario.seconds?.(params) === undefined ? request.opsMax : TIMED_OPS
  return { scenario, params, seed: request.seed, opsMax: Math.min(request.opsMax, bound) }
}
