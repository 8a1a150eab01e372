/**
 * Who runs where, and until when: puts lab threads on cores and takes them off. What they do there
 * is a matter of engine.ts.
 */
import type { Cores } from './cores.ts'
import type { Costs } from './costs.ts'
import { EventQueue } from './event-queue.ts'
import { Slices } from './slices.ts'

export const Status = {
  NONE: 0,
  /** On a core; the event is the end of its stretch, or of the slice. */
  RUNNING: 1,
  /** On a core, waiting for a lock; the event is the end of its patience, or of the slice. */
  SPINNING: 2,
  /** In a run queue. */
  READY: 3,
  /** Off its core until an event: a sleep's end, or a wake-up that takes its time. */
  TIMED: 4,
  /** Off its core until somebody wakes it. */
  WAITING: 5,
} as const
export type Status = (typeof Status)[keyof typeof Status]

export class Dispatcher {
  readonly cores: Cores
  readonly events: EventQueue
  /** By seat. */
  readonly status: Uint8Array
  /** CPU ns of a stretch that the end of a slice has cut off. */
  readonly leftNs: Float64Array
  /** 1 for who has the mmap_lock. */
  readonly inKernel: Uint8Array
  readonly slices: Slices
  readonly #switchNs: number

  constructor(cores: Cores, seats: number, costs: Costs, scheduleSeed: number) {
    this.cores = cores
    this.events = new EventQueue(seats)
    this.status = new Uint8Array(seats)
    this.leftNs = new Float64Array(seats)
    this.inKernel = new Uint8Array(seats)
    this.slices = new Slices(cores.sliceEnd, costs.slice, scheduleSeed)
    this.#switchNs = costs.contextSwitch
  }

  /** CPU time from `now` on; the end of the slice may cut it. */
  stretch(seat: number, now: number, ns: number): void {
    const sliceEnd = this.cores.sliceEnd[this.cores.of[seat]!]!
    const end = now + ns
    const stop = end > sliceEnd ? sliceEnd : end
    this.leftNs[seat] = end - stop
    this.events.put(seat, stop)
  }

  /** The slice is over: somebody who waits for the core gets it, or `seat` goes on: true then. */
  keepsCore(seat: number, now: number): boolean {
    const core = this.cores.of[seat]!
    if (this.inKernel[seat] !== 0 && this.cores.hasQueue(core)) {
      // A kernel that is not preemptible switches on its way back to the program.
      this.cores.sliceEnd[core] = now + this.leftNs[seat]!
      return true
    }
    this.slices.begin(core, now)
    return !this.#giveUp(seat, now, false)
  }

  /** Lets whoever waits for its core run first; false when nobody does. */
  yields(seat: number, now: number): boolean {
    return this.#giveUp(seat, now, true)
  }
  #giveUp(seat: number, now: number, last: boolean): boolean {
    const core = this.cores.of[seat]!
    if (!this.cores.hasQueue(core)) return false
    this.cores.leave(seat, now)
    this.events.remove(seat)
    this.status[seat] = Status.READY
    if (last) this.cores.requeueLast(core, seat)
    else this.cores.requeue(core, seat)
    this.#fill(core, now)
    return true
  }

  /** Off its core, until somebody wakes it or for good. */
  leaves(seat: number, status: Status, now: number): void {
    this.events.remove(seat)
    this.status[seat] = status
    this.#fill(this.cores.leave(seat, now), now)
  }

  /** Off its core until `whenNs`. */
  sleeps(seat: number, whenNs: number, now: number): void {
    this.status[seat] = Status.TIMED
    this.events.put(seat, whenNs)
    this.#fill(this.cores.leave(seat, now), now)
  }

  /** It may run from `whenNs` on. Only for one that is on no core. */
  readyAt(seat: number, whenNs: number): void {
    this.status[seat] = Status.TIMED
    this.events.put(seat, whenNs)
  }

  /** It may run now: on an idle core, or when its turn comes. */
  ready(seat: number, now: number): void {
    this.events.remove(seat)
    const core = this.cores.idleFor(seat)
    if (core >= 0) this.#dispatch(seat, core, now)
    else {
      this.status[seat] = Status.READY
      this.cores.enqueue(seat, now)
    }
  }

  #fill(core: number, now: number): void {
    const seat = this.cores.takeFor(core)
    if (seat >= 0) this.#dispatch(seat, core, now)
  }

  #dispatch(seat: number, core: number, now: number): void {
    const switched = this.cores.ranLast[core] !== seat
    this.cores.occupy(core, seat, now)
    if (this.cores.sliceEnd[core]! <= now) this.slices.begin(core, now)
    this.status[seat] = Status.RUNNING
    const left = this.leftNs[seat]!
    this.stretch(seat, now, switched ? left + this.#switchNs : left)
  }
}
