/** Starts the machine a plan asks for: the only place that knows them all. */
import type { Design } from '../../allocators/contract.ts'
import { BadInput } from '../words/bad-input.ts'
import type { Scenario } from '../workload/scenario.ts'
import { startExploreMachine } from './explore/machine.ts'
import { startThreadsMachine } from './threads/machine.ts'
import type { MachineListener, MachineName, RunningMachine, RunPlan } from './types.ts'

/** Resolves when the run is under way; rejects when it cannot start. */
type StartMachine = (
  plan: RunPlan,
  design: Design,
  scenario: Scenario,
  listener: MachineListener,
) => Promise<RunningMachine>

const STARTERS: Readonly<Record<MachineName, StartMachine | undefined>> = {
  threads: startThreadsMachine,
  virtual: undefined,
  explore: startExploreMachine,
}

export const startMachine: StartMachine = (plan, design, scenario, listener) =>
  starterOf(plan.machine)(plan, design, scenario, listener)

/** Throws `BadInput` for a machine that does not exist, before anything has started. */
export function checkMachine(name: MachineName): void {
  starterOf(name)
}

/** The machines that are there. */
export const machineNames = (): MachineName[] =>
  (Object.keys(STARTERS) as MachineName[]).filter((name) => STARTERS[name] !== undefined)

function starterOf(name: MachineName): StartMachine {
  const start = STARTERS[name]
  if (start === undefined) throw new BadInput(`the ${name} machine is not there yet`)
  return start
}
