/**
 * Who is to run next: who has had the least CPU time. A thread that comes, or comes back, is as far
 * ahead of the others on its core, or behind them, as when it left (Linux: vruntime and lag,
 * place_entity in kernel/sched/fair.c); a new one is just where they are on average.
 */
/** Linux lets it be no more than about a slice. */
const OWED_MAX_NS = 3_000_000

export class FairShare {
  /** CPU ns that each seat has had, seen from the core it is on. */
  readonly used: Float64Array
  /** How far each seat was behind its core's average when it left: what it is owed. */
  readonly #owed: Float64Array
  /** Sum of what those in each core's queue have used, and how many they are. */
  readonly #sum: Float64Array
  readonly #count: Int32Array
  readonly #since: Float64Array

  constructor(cores: number, seats: number) {
    this.used = new Float64Array(seats)
    this.#owed = new Float64Array(seats)
    this.#sum = new Float64Array(cores)
    this.#count = new Int32Array(cores)
    this.#since = new Float64Array(cores)
  }

  /** A new thread is on this seat. */
  renew(seat: number): void {
    this.#owed[seat] = 0
  }

  /** `seat` comes to a core that runs `running`. */
  place(seat: number, core: number, running: number, now: number): void {
    this.used[seat] = this.#average(core, running, now) - this.#owed[seat]!
  }
  /** It is to come after `last`. */
  fallBack(seat: number, last: number): void {
    this.used[seat] = Math.max(this.used[seat]!, this.used[last]!)
  }
  /** It waits in the queue of this core. */
  queued(seat: number, core: number): void {
    this.#sum[core] = this.#sum[core]! + this.used[seat]!
    this.#count[core]!++
  }
  unqueued(seat: number, core: number): void {
    this.#count[core]!--
    this.#sum[core] = this.#count[core] === 0 ? 0 : this.#sum[core]! - this.used[seat]!
  }
  /** Somebody runs on this core from `now` on. */
  runs(core: number, now: number): void {
    this.#since[core] = now
  }
  /** `seat` leaves its core. */
  stops(seat: number, core: number, now: number): void {
    this.used[seat] = this.used[seat]! + now - this.#since[core]!
    this.#since[core] = now
    const owed = this.#average(core, seat, now) - this.used[seat]!
    this.#owed[seat] = Math.max(-OWED_MAX_NS, Math.min(OWED_MAX_NS, owed))
  }

  #average(core: number, running: number, now: number): number {
    if (running < 0) return this.#count[core] === 0 ? 0 : this.#sum[core]! / this.#count[core]!
    const used = this.used[running]! + now - this.#since[core]!
    return (this.#sum[core]! + used) / (this.#count[core]! + 1)
  }
}
