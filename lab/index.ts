/** What users' own scenarios and designs import from 'arena-lab'; `designs` are there to vary. */
export * from '../allocators/contract.ts'
export { designs } from '../allocators/registry.ts'
export type { TunableSpec, TunableSpecs } from '../allocators/tunables.ts'
export { Event } from './words/events.ts'
export * from './words/units.ts'
export type {
  CellRef,
  ParamSpec,
  ParamSpecs,
  ParamValues,
  Random,
  Recorder,
  Role,
  RoleArgs,
  Scenario,
} from './workload/scenario.ts'
export { defineScenario } from './workload/scenario.ts'
export { type SizeMix, type SizeRow, sizeMix } from './workload/size-mix.ts'
