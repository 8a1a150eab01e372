/** Reads the lock table for samples. Names never change once made, so each is decoded once. */
import { LockFigure, lockFigures, lockFloats, locksMade } from '../sync/lock-table.ts'
import type { Control } from '../words/control.ts'
import type { LockSample } from './types.ts'

/** Any thread; figures of one lock may be of different moments. */
export class LockReader {
  readonly #control: Control
  readonly #names: string[] = []

  constructor(control: Control) {
    this.#control = control
  }

  /** Locks made so far: ids below it can be asked for. */
  get made(): number {
    return locksMade(this.#control)
  }

  /** Was it ever taken? */
  used(id: number): boolean {
    return this.#control.float64[lockFloats(this.#control, id) + LockFigure.ACQUISITIONS]! > 0
  }

  waitNs(id: number): number {
    return this.#control.float64[lockFloats(this.#control, id) + LockFigure.WAIT_NS]!
  }

  sample(id: number): LockSample {
    const { float64 } = this.#control
    const at = lockFloats(this.#control, id)
    this.#names[id] ??= lockFigures(this.#control, id).name
    return {
      name: this.#names[id],
      acquisitions: float64[at + LockFigure.ACQUISITIONS]!,
      spinAcquisitions: float64[at + LockFigure.SPIN_ACQUISITIONS]!,
      waits: float64[at + LockFigure.WAITS]!,
      waitNs: float64[at + LockFigure.WAIT_NS]!,
      waitNsMax: float64[at + LockFigure.WAIT_NS_MAX]!,
      waitersMax: float64[at + LockFigure.WAITERS_MAX]!,
      ownerSwitches: float64[at + LockFigure.OWNER_SWITCHES]!,
      failedTries: 0,
    }
  }

  /** Every lock that was ever taken. */
  all(): LockSample[] {
    const locks: LockSample[] = []
    for (let id = 0; id < this.made; id++) if (this.used(id)) locks.push(this.sample(id))
    return locks
  }
}
