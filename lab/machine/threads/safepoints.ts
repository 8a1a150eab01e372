/**
 * Brings every lab thread to rest between ops, lets the listener look, and lets them go on. Runs on
 * the main thread, so it never blocks: it polls shared words.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { allParked, release, requestPause } from '../../sync/pause.ts'
import type { Control } from '../../words/control.ts'
import type { Clock } from '../process.ts'
import type { MachineListener, Safepoint } from '../types.ts'

/** Polls without a pause before it goes to sleep between looks. */
const EAGER_LOOKS = 200

export class Safepoints {
  readonly #control: Control
  readonly #listener: MachineListener
  readonly #clock: Clock
  readonly #over: () => boolean
  /** Safepoints happen one after the other, in the order they were asked for. */
  #last: Promise<void> = Promise.resolve()
  #pausedByUser = false
  stoppedNs = 0

  /** `over` says that the run has ended, so that nobody will park any more. */
  constructor(control: Control, listener: MachineListener, clock: Clock, over: () => boolean) {
    this.#control = control
    this.#listener = listener
    this.#clock = clock
    this.#over = over
  }

  /** Stops everybody, calls the listener, then `after`, then lets everybody go on. */
  at(reason: Safepoint['reason'], label: string, after?: () => void): Promise<void> {
    this.#last = this.#last.then(() => this.#stopAndLook(reason, label, after))
    return this.#last
  }

  /** Stops everybody until `resume`. */
  async pause(): Promise<void> {
    this.#pausedByUser = true
    requestPause(this.#control)
    await this.#parked()
  }

  resume(): void {
    this.#pausedByUser = false
    release(this.#control)
  }

  /**
   * The last look, when nobody runs any more. Without `clean`, lab threads may have been stopped in
   * the middle of an op: what the listener finds is then only partly true.
   */
  async last(reason: Safepoint['reason'], clean: boolean): Promise<void> {
    await this.#last
    await this.#listener.onSafepoint({ reason, label: '', ns: this.#clock(), clean })
  }

  async #stopAndLook(
    reason: Safepoint['reason'],
    label: string,
    after: (() => void) | undefined,
  ): Promise<void> {
    const start = this.#clock()
    requestPause(this.#control)
    await this.#parked()
    try {
      await this.#listener.onSafepoint({ reason, label, ns: start, clean: true })
    } finally {
      this.stoppedNs += this.#clock() - start
      after?.()
      if (!this.#pausedByUser) release(this.#control)
    }
  }

  async #parked(): Promise<void> {
    for (let look = 0; !allParked(this.#control) && !this.#over(); look++) {
      if (look < EAGER_LOOKS) await nextTurn()
      else await pause(1)
    }
  }
}
