/**
 * The time of a run as its samples tell it: the machine's, without the stretches in which somebody
 * kept everybody still. A pause of an hour is no hour of the run's.
 */
import type { RunningMachine } from '../machine/types.ts'

export class RunTime {
  #machine: RunningMachine | undefined
  /** Why everybody is kept: a pause, a mark that others have not reached, or both. */
  #holds = 0
  #heldSince = 0
  #heldBefore = 0

  /** From now on `now` runs. */
  start(machine: RunningMachine): void {
    this.#machine = machine
  }

  get isHeld(): boolean {
    return this.#holds > 0
  }

  /** Nanoseconds that everybody was kept so far. */
  get heldNs(): number {
    return this.#heldBefore + (this.isHeld ? this.#machineNow() - this.#heldSince : 0)
  }

  /** Nanoseconds since the start barrier, 0 before. Stands still while everybody is kept. */
  now(): number {
    return this.#machineNow() - this.heldNs
  }

  hold(): void {
    if (this.#holds++ === 0) this.#heldSince = this.#machineNow()
  }

  letGo(): void {
    if (--this.#holds === 0) this.#heldBefore += this.#machineNow() - this.#heldSince
  }

  #machineNow(): number {
    return this.#machine?.now() ?? 0
  }
}
