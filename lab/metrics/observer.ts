/**
 * Main-thread side of the observer workers: one looks at the heap while the other checks it, one
 * safepoint at a time, with a time limit.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { SharedRunInit } from '../machine/shared-run.ts'
import type { Safepoint } from '../machine/types.ts'
import type { MappingRow } from '../memory/address-space.ts'
import type { CheckResult, LookWishes, Observation } from './observe.ts'
import type { LookRequest, ObserverData } from './observer.worker.ts'
import type { SafepointSample } from './types.ts'

/** A walk that takes longer has lost its way: the run must not stand still for it. */
const LOOK_TIMEOUT_MS = 20_000
/** Of garbage that a look may have before it is collected. */
const YOUNG_GENERATION_MB = 4

/** All that a safepoint showed. */
export interface SafepointFindings {
  readonly sample: SafepointSample
  readonly mappings: readonly MappingRow[] | undefined
  /** One line for the user when a walk failed. */
  readonly problem: string | undefined
}

export class Observer {
  readonly #looker: Walker<Observation>
  readonly #checker: Walker<CheckResult>

  private constructor(looker: Walker<Observation>, checker: Walker<CheckResult>) {
    this.#looker = looker
    this.#checker = checker
  }

  /** Resolves when the workers have opened the run; rejects when they cannot. */
  static async start(init: SharedRunInit): Promise<Observer> {
    const [looker, checker] = await Promise.all([
      Walker.start<Observation>({ init, walk: 'look' }),
      Walker.start<CheckResult>({ init, walk: 'check' }),
    ])
    return new Observer(looker, checker)
  }

  /**
   * One look; undefined when a worker has died or takes too long, and from then on. One at a time:
   * safepoints follow each other. What is not at rest is not checked.
   */
  async look(safepoint: Safepoint, wishes: LookWishes): Promise<SafepointFindings | undefined> {
    const request = { safepoint, wishes }
    const sound: CheckResult = { violations: [], problem: undefined }
    const [seen, checked] = await Promise.all([
      this.#looker.ask(request),
      wishes.atRest ? this.#checker.ask(request) : sound,
    ])
    if (seen === undefined || checked === undefined) return undefined
    const sample = { ...seen.sample, violations: checked.violations }
    return { sample, mappings: seen.mappings, problem: seen.problem ?? checked.problem }
  }

  async close(): Promise<void> {
    await Promise.all([this.#looker.close(), this.#checker.close()])
  }
}

/** One worker that answers one request at a time. */
class Walker<Answer> {
  readonly #worker: Worker
  #usable = true
  #settle: ((answer: Answer | undefined) => void) | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (answer: Answer) => this.#answer(answer))
    worker.on('error', () => this.#giveUp())
    worker.on('exit', () => this.#giveUp())
    // A run that is over must not be kept alive by its observers.
    worker.unref()
  }

  static async start<Answer>(data: ObserverData): Promise<Walker<Answer>> {
    const worker = new Worker(new URL('./observer.worker.js', import.meta.url), {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    await once(worker, 'message')
    return new Walker(worker)
  }

  /** Undefined when the worker has died or does not answer in time, and from then on. */
  ask(request: LookRequest): Promise<Answer | undefined> {
    if (!this.#usable) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const timeout = setTimeout(() => this.#giveUp(), LOOK_TIMEOUT_MS)
      this.#settle = (answer) => {
        clearTimeout(timeout)
        resolve(answer)
      }
      this.#worker.postMessage(request)
    })
  }

  async close(): Promise<void> {
    this.#giveUp()
    await this.#worker.terminate()
  }

  #answer(answer: Answer | undefined): void {
    const settle = this.#settle
    this.#settle = undefined
    settle?.(answer)
  }

  #giveUp(): void {
    if (this.#usable) void this.#worker.terminate()
    this.#usable = false
    this.#answer(undefined)
  }
}
