/**
 * The simulated CPUs: which lab thread each one runs, who waits for it, and how long its time slice
 * still lasts. Run queues are lists through `#next`, in the order of fair-share.ts; a lab thread
 * goes back to the core it ran on last when that is idle, else to any idle one, else to the
 * shortest queue. A core without work takes from the longest queue.
 */
import { FairShare } from './fair-share.ts'

const NOBODY = -1

export class Cores {
  readonly count: number
  /** Seat that each core runs; -1 for none. */
  readonly running: Int32Array
  /** When the slice of each core ends, in ns. */
  readonly sliceEnd: Float64Array
  /** Core that each seat runs on, -1 when it runs on none. */
  readonly of: Int32Array
  /** Core that each seat ran on last. */
  readonly last: Int32Array
  /** Seat that each core ran last. */
  readonly ranLast: Int32Array
  /** In what order those in the queues run. */
  readonly fair: FairShare
  /** Times that a core took another lab thread than it had run last. */
  switches = 0
  #busyNs = 0
  readonly #busySince: Float64Array
  readonly #socket: Int32Array
  readonly #head: Int32Array
  readonly #tail: Int32Array
  readonly #length: Int32Array
  readonly #next: Int32Array
  #idle: number
  #waiting = 0

  constructor(cores: number, seats: number, sockets: number) {
    this.count = cores
    this.running = new Int32Array(cores).fill(NOBODY)
    this.sliceEnd = new Float64Array(cores)
    this.ranLast = new Int32Array(cores).fill(NOBODY)
    this.of = new Int32Array(seats).fill(NOBODY)
    this.last = new Int32Array(seats)
    this.#busySince = new Float64Array(cores)
    this.#socket = Int32Array.from({ length: cores }, (_, core) =>
      Math.floor((core * sockets) / cores),
    )
    this.#head = new Int32Array(cores).fill(NOBODY)
    this.#tail = new Int32Array(cores).fill(NOBODY)
    this.#length = new Int32Array(cores)
    this.#next = new Int32Array(seats).fill(NOBODY)
    this.#idle = cores
    this.fair = new FairShare(cores, seats)
  }

  /** ns that cores have been busy, all together, up to `now`. */
  busyUntil(now: number): number {
    let ns = this.#busyNs
    for (let core = 0; core < this.count; core++) {
      if (this.running[core] !== NOBODY) ns += now - this.#busySince[core]!
    }
    return ns
  }

  socketOf(core: number): number {
    return this.#socket[core]!
  }
  sameSocket(a: number, b: number): boolean {
    return this.#socket[a] === this.#socket[b]
  }

  hasQueue(core: number): boolean {
    return this.#length[core]! > 0
  }

  /** An idle core for a seat that may run, -1 when there is none. */
  idleFor(seat: number): number {
    if (this.#idle === 0) return NOBODY
    const last = this.last[seat]!
    // From where it ran last upwards, so that lab threads spread and stay near their caches.
    for (let step = 0, core = last; step < this.count; step++) {
      if (this.running[core] === NOBODY) return core
      core = core + 1 === this.count ? 0 : core + 1
    }
    return NOBODY
  }

  /** Puts a seat on an idle core. */
  occupy(core: number, seat: number, now: number): void {
    if (this.ranLast[core] !== seat) this.switches++
    this.#busySince[core] = now
    this.fair.runs(core, now)
    this.running[core] = seat
    this.ranLast[core] = seat
    this.of[seat] = core
    this.last[seat] = core
    this.#idle--
  }

  /** Takes a seat off its core, which is idle then. */
  leave(seat: number, now: number): number {
    const core = this.of[seat]!
    this.#busyNs += now - this.#busySince[core]!
    this.fair.stops(seat, core, now)
    this.running[core] = NOBODY
    this.of[seat] = NOBODY
    this.#idle++
    return core
  }

  /** Into the shortest queue, as far ahead as it was when it left its core. */
  enqueue(seat: number, now: number): void {
    const core = this.#shortestFor(seat)
    this.fair.place(seat, core, this.running[core]!, now)
    this.#insert(core, seat)
  }

  /** Into this core's queue: its slice is over. */
  requeue(core: number, seat: number): void {
    this.last[seat] = core
    this.#insert(core, seat)
  }
  /** At the end of this core's queue: it has yielded. */
  requeueLast(core: number, seat: number): void {
    this.last[seat] = core
    const tail = this.#tail[core]!
    if (tail !== NOBODY) this.fair.fallBack(seat, tail)
    this.#insert(core, seat)
  }

  /** Behind all that have had no more CPU time. */
  #insert(core: number, seat: number): void {
    const used = this.fair.used[seat]!
    let before = NOBODY
    let after = this.#head[core]!
    const tail = this.#tail[core]!
    if (tail !== NOBODY && this.fair.used[tail]! <= used) {
      before = tail
      after = NOBODY
    }
    while (after !== NOBODY && this.fair.used[after]! <= used) {
      before = after
      after = this.#next[after]!
    }
    this.#next[seat] = after
    if (before === NOBODY) this.#head[core] = seat
    else this.#next[before] = seat
    if (after === NOBODY) this.#tail[core] = seat
    this.#length[core]!++
    this.#waiting++
    this.fair.queued(seat, core)
  }

  /** The next seat for an idle core, out of its own queue or the longest; -1 for none. */
  takeFor(core: number): number {
    if (this.#waiting === 0) return NOBODY
    const from = this.#length[core]! > 0 ? core : this.#longest()
    const seat = this.#head[from]!
    this.#head[from] = this.#next[seat]!
    if (this.#head[from] === NOBODY) this.#tail[from] = NOBODY
    this.#length[from]!--
    this.#waiting--
    this.fair.unqueued(seat, from)
    return seat
  }

  #shortestFor(seat: number): number {
    let best = this.last[seat]!
    for (let core = 0; core < this.count; core++) {
      if (this.#length[core]! < this.#length[best]!) best = core
    }
    return best
  }

  #longest(): number {
    let best = 0
    for (let core = 1; core < this.count; core++) {
      if (this.#length[core]! > this.#length[best]!) best = core
    }
    return best
  }
}
