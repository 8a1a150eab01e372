/** Starts the machine a plan asks for: the only place that knows them all. */
import type { Design } from '../../allocators/contract.ts'
import type { Scenario } from '../workload/scenario.ts'
import { startExploreMachine } from './explore/machine.ts'
import { startThreadsMachine } from './threads/machine.ts'
import type { MachineListener, MachineName, RunningMachine, RunPlan } from './types.ts'
import { startVirtualMachine } from './virtual/machine.ts'

/** Resolves when the run is under way; rejects when it cannot start. */
type StartMachine = (
  plan: RunPlan,
  design: Design,
  scenario: Scenario,
  listener: MachineListener,
) => Promise<RunningMachine>

const STARTERS: Readonly<Record<MachineName, StartMachine>> = {
  threads: startThreadsMachine,
  virtual: startVirtualMachine,
  explore: startExploreMachine,
}

export const startMachine: StartMachine = (plan, design, scenario, listener) =>
  STARTERS[plan.machine](plan, design, scenario, listener)

/** The machines that are there. */
export const machineNames = (): MachineName[] => Object.keys(STARTERS) as MachineName[]
