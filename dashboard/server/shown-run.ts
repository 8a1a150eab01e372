/** One run on the dashboard: its hooks lead to the page, the page's steering leads to it. */
import { basename } from 'node:path'
import type { SampleLine, VariantSummary } from '../../lab/metrics/types.ts'
import { Steering } from '../../lab/session/steering.ts'
import type { RunHooks, RunStart } from '../../lab/session/types.ts'
import type { SessionState } from '../catalogue.ts'
import type { SteerAction } from '../protocol.ts'
import { commandLine } from '../setup.ts'
import type { Dashboard } from './dashboard.ts'

/** What is known of a run before it starts. */
export interface ShownRunOptions {
  /** Stands still before its first op. */
  readonly hold: boolean
  /** The link that sets it up again; empty for none. */
  readonly query: string
  /** Ends the run as Ctrl-C does. */
  stop(): void
}

/** Before the first run. */
export const IDLE: SessionState = {
  activity: 'idle',
  mode: 'running',
  mark: '',
  run: '',
  command: '',
  query: '',
  traceWaits: false,
  problem: '',
}

export class ShownRun implements RunHooks {
  readonly steering: Steering
  readonly #dashboard: Dashboard
  readonly #options: ShownRunOptions
  #state: SessionState

  constructor(dashboard: Dashboard, options: ShownRunOptions) {
    this.#dashboard = dashboard
    this.#options = options
    this.#state = { ...IDLE, activity: 'starting', query: options.query }
    this.steering = new Steering(options.hold)
    this.steering.onChange = (state) => this.#tell(state)
    this.#tell(this.steering.state)
  }

  get state(): SessionState {
    return this.#state
  }

  /** The answer is a notice for the page, empty for none. */
  steer(action: SteerAction): string {
    if (this.#state.activity !== 'running') return 'No run is under way.'
    if (action === 'pause') void this.steering.pause()
    else if (action === 'resume') this.steering.resume()
    else if (action === 'step') this.steering.step()
    else {
      this.#tell({ activity: 'ending' })
      this.#options.stop()
    }
    return ''
  }

  /** It has ended, or could not start. */
  over(problem: string): void {
    this.#tell({ ...IDLE, ...this.#state, activity: 'idle', mode: 'running', mark: '', problem })
  }

  onRunStart({ scenario, request, plans, folder }: RunStart): void {
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
    this.#tell({
      activity: 'running',
      run: basename(folder),
      command: commandLine(request.command),
      traceWaits: request.traceWaits === true,
    })
  }

  onSample(variant: number, line: SampleLine): void {
    this.#dashboard.publish(variant, line)
  }

  onVariantEnd(variant: number, summary: VariantSummary): void {
    this.#dashboard.finish(variant, summary)
  }

  #tell(change: Partial<SessionState>): void {
    this.#state = { ...this.#state, ...change }
    this.#dashboard.setSession(this.#state)
  }
}
