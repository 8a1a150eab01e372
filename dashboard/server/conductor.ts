/** Starts the runs that the page asks for, one at a time, and says why when it cannot. */
import { runVariants } from '../../lab/session/run.ts'
import type { RunHooks, RunRequest, RunResult } from '../../lab/session/types.ts'
import { messageOf } from '../../lab/words/bad-input.ts'
import type { Catalogue } from '../catalogue.ts'
import type { SteerAction } from '../protocol.ts'
import { argumentsOf, queryOf, type RunSetup } from '../setup.ts'
import type { Dashboard } from './dashboard.ts'
import type { Library } from './library.ts'
import { checkOffered } from './offer.ts'
import { ShownRun } from './shown-run.ts'

export interface ConductorParts {
  readonly catalogue: Catalogue
  readonly library: Library
  /** Reads the arguments of `arena-lab run`; throws when they are wrong. */
  readonly parse: (words: readonly string[]) => RunRequest
  /** Folder that holds `.arena-lab/`. */
  readonly directory: string
  /** A run began or ended: one line for the terminal. */
  readonly onLine: (text: string) => void
}

export class Conductor {
  readonly #parts: ConductorParts
  readonly #dashboard: () => Dashboard
  #run: ShownRun | undefined
  #abort: AbortController | undefined
  #over: Promise<void> = Promise.resolve()

  /** `dashboard` is asked for when the first run starts: it is made with this conductor in it. */
  constructor(parts: ConductorParts, dashboard: () => Dashboard) {
    this.#parts = parts
    this.#dashboard = dashboard
  }

  get isBusy(): boolean {
    return this.#abort !== undefined
  }

  /** Resolves when the run has begun, with an empty text, or with why it has not. */
  async start(setup: RunSetup, hold: boolean): Promise<string> {
    if (this.isBusy) return 'A run is under way: stop it first.'
    let request: RunRequest
    try {
      checkOffered(setup, this.#parts.catalogue)
      const words = argumentsOf(setup)
      const parsed = this.#parts.parse(words)
      request = { ...parsed, directory: this.#parts.directory, command: words }
    } catch (error) {
      return messageOf(error)
    }
    const abort = new AbortController()
    this.#abort = abort
    const run = new ShownRun(this.#dashboard(), {
      hold,
      query: queryOf(setup),
      stop: () => abort.abort('request'),
    })
    this.#run = run
    return new Promise((resolve) => {
      const hooks = this.#hooksOf(run, () => resolve(''))
      this.#over = runVariants(request, hooks, abort.signal, run.steering).then(
        (result) => this.#ended(run, result),
        (error: unknown) => {
          this.#ended(run, messageOf(error))
          resolve(messageOf(error))
        },
      )
    })
  }

  steer(action: SteerAction): string {
    return this.#run?.steer(action) ?? 'No run is under way.'
  }

  /** Ends the run under way, if any, and waits until its results are written. */
  async close(signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
    this.#abort?.abort(signal)
    await this.#over
  }

  #hooksOf(run: ShownRun, onBegun: () => void): RunHooks {
    return {
      onRunStart: (start) => {
        run.onRunStart(start)
        this.#parts.onLine(`run: ${start.folder}`)
        onBegun()
      },
      onSample: (variant, line) => run.onSample(variant, line),
      onVariantEnd: (variant, summary) => {
        run.onVariantEnd(variant, summary)
        this.#parts.onLine(`${summary.variant}: ${summary.outcome}`)
      },
      onNotice: (text) => this.#parts.onLine(`note: ${text}`),
    }
  }

  #ended(run: ShownRun, result: RunResult | string): void {
    this.#abort = undefined
    const problem = typeof result === 'string' ? result : result.problems.join('; ')
    if (problem !== '') this.#parts.onLine(problem)
    run.over(problem)
    this.#dashboard().setRuns(this.#parts.library.list())
  }
}
