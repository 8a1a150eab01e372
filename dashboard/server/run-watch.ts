/** Joins a session to a dashboard: what its run tells goes out, what pages ask for comes in. */
import type { RunningMachine } from '../../lab/machine/types.ts'
import type { RunHooks, RunStart } from '../../lab/session/types.ts'
import type { RunDescription, SteerAction } from '../protocol.ts'
import type { Dashboard } from './dashboard.ts'

/** What a page shows at its head, from what a session knows before its first variant. */
export function describeRun({ request, plans }: RunStart): RunDescription {
  return {
    scenario: request.scenario,
    machine: request.machine,
    cores: request.cores,
    seed: request.seed,
    params: plans[0]?.params ?? {},
    limits: {
      memoryLimit: request.limits.memoryLimit ?? null,
      addressSpaceLimit: request.limits.addressSpaceLimit ?? null,
    },
    variants: plans.map(({ variant }) => ({ label: variant.label, design: variant.design })),
  }
}

/**
 * A run as a dashboard follows it. Give `steer` to `startDashboard` as `onSteer`, and `hooks` to
 * `runVariants`. Main thread only.
 */
export class RunWatch {
  /** The machine under way; undefined between variants. */
  #machine: RunningMachine | undefined

  readonly steer = (action: SteerAction): void => {
    if (action === 'pause') void this.#machine?.pause()
    else if (action === 'resume') this.#machine?.resume()
    else this.#machine?.stop()
  }

  hooks(dashboard: Dashboard): RunHooks {
    return {
      onRunStart: (start) => dashboard.describe(describeRun(start)),
      onVariantStart: (_, machine) => {
        this.#machine = machine
      },
      onSample: (variant, line) => dashboard.publish(variant, line),
      onVariantEnd: (variant, summary) => {
        this.#machine = undefined
        dashboard.finish(variant, summary)
      },
    }
  }
}
