/** The scenarios that come with the lab, by name: the registry `loadScenario` looks into first. */
import type { Scenario } from '../lab/workload/scenario.ts'
import seedservice from './seedservice.ts'

export const builtInScenarios: ReadonlyMap<string, Scenario> = new Map(
  [seedservice].map((scenario) => [scenario.name, scenario]),
)
