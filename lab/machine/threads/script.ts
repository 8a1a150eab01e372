/**
 * Makes the recorders of lab threads. In one place, because V8 compiles for the shapes it has seen:
 * what the warm-up records must look to it as what the run records.
 */
import type { OpBatch } from '../../workload/op-batch.ts'
import type { ScenarioPlan } from '../../workload/plan.ts'
import { RoleRecorder } from '../../workload/recorder.ts'
import type { RoleArgs, RoleEntry, Scenario } from '../../workload/scenario.ts'
import type { RunPlan } from '../types.ts'

/** What lab threads record from. */
export interface Script {
  readonly plan: RunPlan
  readonly scenario: Scenario
  readonly scenarioPlan: ScenarioPlan
  /** Private cells a seat has. */
  readonly privateCells: number
  /** Ops of a loop role's recording; undefined: the recorder's own. */
  readonly loopOps: number | undefined
  /** What they record into, one after the other; each has its own if absent. */
  readonly batch?: OpBatch
}

export const recorderOf = (
  { plan, scenario, scenarioPlan, privateCells, loopOps, batch }: Script,
  role: RoleEntry,
  index: number,
  args: RoleArgs,
  handed: number,
): RoleRecorder =>
  new RoleRecorder({
    scenario,
    params: plan.params,
    role,
    index,
    seed: plan.seed,
    args,
    handed,
    tables: scenarioPlan.tables,
    privateCells,
    loopOps,
    batch,
  })
