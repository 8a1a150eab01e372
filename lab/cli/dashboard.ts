/** `--dashboard`: the page of a run under way, fed by the run's hooks. */
import type { SteerAction } from '../../dashboard/protocol.ts'
import { type Dashboard, startDashboard } from '../../dashboard/server/dashboard.ts'
import type { RunningMachine } from '../machine/types.ts'
import type { SampleLine, VariantSummary } from '../metrics/types.ts'
import type { RunHooks, RunStart } from '../session/types.ts'

/** Where the dashboard listens unless told otherwise. */
export const DASHBOARD_PORT = 7373

export class DashboardHooks implements RunHooks {
  readonly #dashboard: Dashboard
  #machine: RunningMachine | undefined

  private constructor(dashboard: Dashboard) {
    this.#dashboard = dashboard
  }

  /** Rejects when the page was never built or no port is free. `stop` ends the whole run. */
  static async start(port: number, stop: () => void): Promise<DashboardHooks> {
    let hooks: DashboardHooks | undefined
    const onSteer = (action: SteerAction): void => {
      if (action === 'stop') stop()
      else void hooks?.steer(action)
    }
    const dashboard = await startDashboard({ port, control: true, onSteer })
    hooks = new DashboardHooks(dashboard)
    return hooks
  }

  /** What to open in a browser, and what else to tell the user. */
  get lines(): readonly string[] {
    return [`dashboard: ${this.#dashboard.url}`, ...this.#dashboard.notices]
  }

  onRunStart({ scenario, request, plans }: RunStart): void {
    const { limits } = request
    this.#dashboard.describe({
      scenario,
      machine: request.machine,
      cores: request.cores,
      seed: request.seed,
      params: plans[0]?.params ?? {},
      limits: {
        memoryLimit: limits.memoryLimit ?? null,
        addressSpaceLimit: limits.addressSpaceLimit ?? null,
      },
      variants: plans.map(({ variant }) => ({ label: variant.label, design: variant.design })),
    })
  }

  onVariantStart(_variant: number, machine: RunningMachine): void {
    this.#machine = machine
  }

  onSample(variant: number, line: SampleLine): void {
    this.#dashboard.publish(variant, line)
  }

  onVariantEnd(variant: number, summary: VariantSummary): void {
    this.#machine = undefined
    this.#dashboard.finish(variant, summary)
  }

  close(): Promise<void> {
    return this.#dashboard.close()
  }

  /** A step lets every lab thread pass from one op to the next, then all stand still again. */
  async steer(action: Exclude<SteerAction, 'stop'>): Promise<void> {
    if (action !== 'pause') this.#machine?.resume()
    if (action !== 'resume') await this.#machine?.pause()
  }
}
