/**
 * How long lab threads spin for a lock before they go to sleep. Those that want the mmap_lock spin
 * as in kernel/locking/rwsem.c, rwsem_optimistic_spin: as long as a writer has it (it runs, for
 * here nobody takes the CPU from it), until somebody else wants the core; but for readers, who may
 * sleep, only `readerSpin`, and not at all when readers were slow before.
 */
import type { Cores } from './cores.ts'
import type { Costs } from './costs.ts'
import type { EventQueue } from './event-queue.ts'
import type { SimLocks } from './sim-locks.ts'

export class Spinning {
  /** By seat, ns: when its patience ends; 0 when it has not spun for this lock yet. */
  readonly until: Float64Array
  readonly #locks: SimLocks
  readonly #cores: Cores
  readonly #events: EventQueue
  readonly #readerSpin: number
  /** Those who had the mmap_lock last only read. */
  #readersOwn = false

  constructor(locks: SimLocks, cores: Cores, events: EventQueue, costs: Costs) {
    this.until = new Float64Array(cores.of.length)
    this.#locks = locks
    this.#cores = cores
    this.#events = events
    this.#readerSpin = costs.readerSpin
  }

  /** ns that a writer who comes now spins for the mmap_lock, whose id is `lock`. */
  kernelPatience(lock: number): number {
    if (this.#locks.holder[lock] !== 0) return Number.POSITIVE_INFINITY
    return this.#locks.noSpin[lock] === 0 ? this.#readerSpin : 0
  }

  /** The seat spins on its core: the end of its patience, or of the core's slice, is an event. */
  expectEnd(seat: number, now: number): void {
    const sliceEnd = this.#cores.sliceEnd[this.#cores.of[seat]!]!
    this.#events.put(seat, Math.min(this.until[seat]!, Math.max(sliceEnd, now)))
  }

  /**
   * Somebody has got the mmap_lock. When it goes from writers to readers, those who spin begin to
   * count the time (rspin_threshold); when it goes back they stop.
   */
  kernelOwner(lock: number, now: number, reads: boolean): void {
    if (this.#readersOwn === reads) return
    this.#readersOwn = reads
    const end = reads ? now + this.#readerSpin : Number.POSITIVE_INFINITY
    for (let seat = this.#locks.spinner(lock); seat >= 0; seat = this.#locks.spinnerAfter(seat)) {
      this.until[seat] = end
      this.expectEnd(seat, now)
    }
  }
}
