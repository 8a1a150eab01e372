/** Main-thread side of the observer worker: asks for one look at a time, with a time limit. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { SharedRunInit } from '../machine/shared-run.ts'
import type { Safepoint } from '../machine/types.ts'
import type { LookWishes, Observation } from './observe.ts'
import type { LookRequest } from './observer.worker.ts'

/** A walk that takes longer has lost its way: the run must not stand still for it. */
const LOOK_TIMEOUT_MS = 20_000

export class Observer {
  readonly #worker: Worker
  #usable = true
  #settle: ((observation: Observation | undefined) => void) | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (observation: Observation) => this.#answer(observation))
    worker.on('error', () => this.#giveUp())
    worker.on('exit', () => this.#giveUp())
    // A run that is over must not be kept alive by its observer.
    worker.unref()
  }

  /** Resolves when the worker has opened the run; rejects when it cannot. */
  static async start(init: SharedRunInit): Promise<Observer> {
    const worker = new Worker(new URL('./observer.worker.js', import.meta.url), {
      workerData: init,
    })
    await once(worker, 'message')
    return new Observer(worker)
  }

  /**
   * One look; undefined when the worker has died or takes too long, and from then on. One at a
   * time: safepoints follow each other.
   */
  look(safepoint: Safepoint, wishes: LookWishes): Promise<Observation | undefined> {
    if (!this.#usable) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const timeout = setTimeout(() => this.#giveUp(), LOOK_TIMEOUT_MS)
      this.#settle = (observation) => {
        clearTimeout(timeout)
        resolve(observation)
      }
      const request: LookRequest = { safepoint, wishes }
      this.#worker.postMessage(request)
    })
  }

  async close(): Promise<void> {
    this.#giveUp()
    await this.#worker.terminate()
  }

  #answer(observation: Observation | undefined): void {
    const settle = this.#settle
    this.#settle = undefined
    settle?.(observation)
  }

  #giveUp(): void {
    if (this.#usable) void this.#worker.terminate()
    this.#usable = false
    this.#answer(undefined)
  }
}
