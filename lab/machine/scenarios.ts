/** The scenarios that a plan may name: those that come with the lab, and the benchmark's own. */
import { builtInScenarios } from '../../scenarios/index.ts'
import { benchScenario } from '../workload/bench/scenario.ts'
import type { Scenario } from '../workload/scenario.ts'

/** By name, for `loadScenario`. The benchmark's is not listed: it is no story to look at. */
export const runnableScenarios: ReadonlyMap<string, Scenario> = new Map([
  ...builtInScenarios,
  [benchScenario.name, benchScenario],
])
