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
  /** Why everybody stands still: a look, the user's pause, or both. Nobody goes on above 0. */
  #stops = 0
  #stoppedSince = 0
  #stoppedBefore = 0
  /** How long the last look on the clock kept everybody, waiting for earlier ones not included. */
  tickNs = 0

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

  /** Nanoseconds that everybody has stood still so far. */
  get stoppedNs(): number {
    return this.#stoppedBefore + (this.#stops > 0 ? this.#clock() - this.#stoppedSince : 0)
  }

  get paused(): boolean {
    return this.#pausedByUser
  }

  /** Stops everybody until `resume`. */
  async pause(): Promise<void> {
    if (!this.#pausedByUser) {
      this.#pausedByUser = true
      this.#stop()
    }
    await this.#parked()
  }

  /** Ends a pause. A look that is under way still keeps everybody until it is over. */
  resume(): void {
    if (!this.#pausedByUser) return
    this.#pausedByUser = false
    this.#go()
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
    this.#stop()
    await this.#parked()
    try {
      await this.#listener.onSafepoint({ reason, label, ns: start, clean: true })
    } finally {
      if (reason === 'tick') this.tickNs = this.#clock() - start
      after?.()
      this.#go()
    }
  }

  #stop(): void {
    if (this.#stops++ > 0) return
    this.#stoppedSince = this.#clock()
    requestPause(this.#control)
  }

  #go(): void {
    if (--this.#stops > 0) return
    this.#stoppedBefore += this.#clock() - this.#stoppedSince
    release(this.#control)
  }

  async #parked(): Promise<void> {
    for (let look = 0; !allParked(this.#control) && !this.#over(); look++) {
      if (look < EAGER_LOOKS) await nextTurn()
      else await pause(1)
    }
  }
}
