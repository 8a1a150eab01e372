/**
 * The log of lock waits: a ring that keeps each wait for a lock, and each moment at which a lock
 * was let go while others waited. Only runs that were asked to keep waits have one, and it is only
 * written where somebody waits anyway: the good path of a lock does not know of it.
 */
import { type Control, ControlWord, WAIT_ENTRY, WaitField } from '../words/control.ts'
import type { SyncSelf } from './locks.ts'

/** In the field `NS` of an entry that is no wait: the lock was let go. */
export const RELEASED = -1

/** The writing side: one per isolate, speaks for the lab thread that `self` names. */
export class WaitLog {
  readonly #control: Control
  readonly #self: SyncSelf
  readonly #first: number
  readonly #entries: number

  constructor(control: Control, self: SyncSelf) {
    this.#control = control
    this.#self = self
    this.#first = control.plan.at.waits / 8
    this.#entries = control.plan.waitEntries ?? 0
  }

  /** This lab thread waited `ns` for lock `id`; `holder` had it when the wait began, or -1. */
  waited(id: number, start: number, ns: number, holder: number): void {
    this.#write(id, start, ns, holder)
  }

  /** This lab thread let go of lock `id`, which others wait for. */
  released(id: number, now: number): void {
    this.#write(id, now, RELEASED, -1)
  }

  #write(id: number, time: number, ns: number, holder: number): void {
    const { words, float64 } = this.#control
    const sequence = Atomics.add(words, ControlWord.WAITS_WRITTEN, 1)
    const entry = this.#first + (sequence % this.#entries) * WAIT_ENTRY
    float64[entry + WaitField.SEQUENCE] = 0
    float64[entry + WaitField.TIME] = time
    float64[entry + WaitField.THREAD] = this.#self.thread
    float64[entry + WaitField.LOCK] = id
    float64[entry + WaitField.NS] = ns
    float64[entry + WaitField.HOLDER] = holder
    float64[entry + WaitField.SEQUENCE] = sequence + 1
  }
}
