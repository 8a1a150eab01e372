/**
 * The discrete-event core: plays what ops cost on simulated cores. Every lab thread is in one of
 * the `Status` below; those with something to come are in the event queue. An event is the end of a
 * stretch of CPU time (or of the core's slice within it), the end of spinning, or a wake-up. Time
 * is in whole ns; events of one ns go by rank.
 *
 * The script of a lab thread (`Script`) says what comes next when an op is over: it runs the next
 * op's code for its effect, which writes a timeline, and hands back. So effects apply in the order
 * in which ops start.
 */
import { MMAP_LOCK_ID } from '../../sync/locks.ts'
import { type Control, SEAT_ROW_WORDS, SeatState, SeatWord } from '../../words/control.ts'
import type { Cores } from './cores.ts'
import type { Costs } from './costs.ts'
import { Dispatcher, Status } from './dispatcher.ts'
import type { EventQueue } from './event-queue.ts'
import type { Lines } from './lines.ts'
import type { SimLocks } from './sim-locks.ts'
import { mix } from './slices.ts'
import { Spinning } from './spinning.ts'
import { operandOf, Step, stepOf, Timeline } from './timeline.ts'

/** What `Script.next` came to. */
export const Next = {
  /** An op has begun: its timeline is to be played. */
  PLAY: 0,
  /** The lab thread sleeps until the time in `wakeAtNs`. */
  SLEEP: 1,
  /** It waits until somebody calls `wake`; its op will be begun anew. */
  WAIT: 2,
  /** It has ended. */
  ENDED: 3,
} as const
export type Next = (typeof Next)[keyof typeof Next]

/** What the engine asks of whoever knows the lab threads. */
export interface Script {
  /** The op of `seat` is over, or it is there again after a wait: what now? */
  next(seat: number, core: number, nowNs: number): Next
  /** After SLEEP: until when. */
  readonly wakeAtNs: number
}

export interface EngineParts {
  readonly control: Control
  readonly cores: Cores
  readonly locks: SimLocks
  readonly lines: Lines
  readonly costs: Costs
  readonly scheduleSeed: number
}

export class Engine {
  nowNs = 0
  /** By seat. */
  readonly timelines: readonly Timeline[]
  /** Stop after the event under way: whoever steers wants to look. */
  yieldNow = false
  readonly #control: Control
  readonly #cores: Cores
  readonly #locks: SimLocks
  readonly #lines: Lines
  readonly #costs: Costs
  readonly #dispatcher: Dispatcher
  // What the dispatcher has, at hand.
  readonly #events: EventQueue
  readonly #status: Uint8Array
  readonly #leftNs: Float64Array
  readonly #inKernel: Uint8Array
  /** 1 while a seat is on its way into the kernel, to sleep on a lock. */
  readonly #entering: Uint8Array
  /** The lock's turn that it saw on its way. */
  readonly #turnSeen: Int32Array
  readonly #spinning: Spinning
  readonly #spinEnd: Float64Array
  /** How often it has yielded for the lock it waits for. */
  readonly #yields: Int32Array
  readonly #scheduleSeed: number
  #script: Script | undefined

  constructor(parts: EngineParts) {
    const { seats } = parts.control.plan
    this.#control = parts.control
    this.#cores = parts.cores
    this.#locks = parts.locks
    this.#lines = parts.lines
    this.#costs = parts.costs
    this.#scheduleSeed = parts.scheduleSeed
    this.timelines = Array.from({ length: seats }, () => new Timeline())
    const dispatcher = new Dispatcher(this.#cores, seats, this.#costs, this.#scheduleSeed)
    this.#dispatcher = dispatcher
    this.#events = dispatcher.events
    this.#status = dispatcher.status
    this.#leftNs = dispatcher.leftNs
    this.#inKernel = dispatcher.inKernel
    this.#entering = new Uint8Array(seats)
    this.#turnSeen = new Int32Array(seats)
    this.#spinning = new Spinning(this.#locks, this.#cores, this.#events, this.#costs)
    this.#spinEnd = this.#spinning.until
    this.#yields = new Int32Array(seats)
  }

  set script(script: Script) {
    this.#script = script
  }

  /** False when nobody will ever run again. */
  get hasEvents(): boolean {
    return this.#events.size > 0
  }

  // ── from outside: threads come and go, wait and are woken ────────────────────────────────────

  /** A new lab thread, which may run from `whenNs` on. */
  start(seat: number, thread: number, whenNs: number): void {
    // By number unless a schedule is asked for; the low bits keep ranks apart.
    const mixed = this.#scheduleSeed === 0 ? 0 : mix(thread ^ this.#scheduleSeed) & 0x7fff
    this.#events.rank[seat] = mixed * 0x10000 + (thread & 0xffff)
    this.#leftNs[seat] = 0
    this.#entering[seat] = 0
    this.#spinEnd[seat] = 0
    this.#cores.fair.renew(seat)
    this.#dispatcher.readyAt(seat, whenNs)
  }

  /** Ends a wait of `Next.WAIT` (nothing happens to others); it runs from then on. */
  wake(seat: number): void {
    if (this.#status[seat] !== Status.WAITING) return
    this.#dispatcher.readyAt(seat, this.nowNs + this.#costs.wake)
  }

  /** Ends everybody's sleep: the run is over. */
  wakeSleepers(): void {
    for (let seat = 0; seat < this.#status.length; seat++) {
      if (this.#status[seat] === Status.TIMED && this.#events.when[seat]! > this.nowNs) {
        this.#events.put(seat, this.nowNs)
      }
    }
  }

  /**
   * Plays until `untilNs` (events before it happen), until so many events are over, or until
   * `yieldNow`. True when there is something left to play before `untilNs`.
   */
  advance(untilNs: number, events: number): boolean {
    const coming = this.#events
    this.yieldNow = false
    for (let left = events; left > 0 && coming.size > 0; left--) {
      const seat = coming.soonest()
      const now = coming.when[seat]!
      if (now >= untilNs) {
        this.nowNs = untilNs
        return false
      }
      this.nowNs = now
      this.#happen(seat, now)
      if (this.yieldNow) return true
    }
    return coming.size > 0
  }

  // ── events ───────────────────────────────────────────────────────────────────────────────────

  #happen(seat: number, now: number): void {
    switch (this.#status[seat]) {
      case Status.RUNNING:
        if (now >= this.#cores.sliceEnd[this.#cores.of[seat]!]!) {
          if (!this.#dispatcher.keepsCore(seat, now)) return
        }
        if (this.#leftNs[seat]! > 0) this.#dispatcher.stretch(seat, now, this.#leftNs[seat]!)
        else this.#play(seat, now)
        return
      case Status.SPINNING:
        this.#stopSpinning(seat, now)
        return
      default:
        this.#dispatcher.ready(seat, now)
    }
  }

  /** Plays the timeline until it takes time or waits; begins ops until one does. */
  #play(seat: number, now: number): void {
    const timeline = this.timelines[seat]!
    let ns = 0
    for (;;) {
      if (timeline.at === timeline.length) {
        ns += timeline.tailNs
        timeline.tailNs = 0
        if (ns > 0) {
          this.#dispatcher.stretch(seat, now, ns)
          return
        }
        if (!this.#begin(seat, now)) return
        continue
      }
      const entry = timeline.steps[timeline.at]!
      const operand = operandOf(entry)
      const step = stepOf(entry)
      if (step === Step.CPU) {
        timeline.at++
        ns += operand
        continue
      }
      // Locks and lines are a matter of the moment: time so far comes first.
      if (ns > 0) {
        this.#dispatcher.stretch(seat, now, ns)
        return
      }
      if (step === Step.ACQUIRE || step === Step.SHARE) {
        const shares = step === Step.SHARE
        if (this.#locks.holder[operand] !== 0 || (!shares && this.#locks.readers[operand] !== 0)) {
          this.#wait(seat, operand, now)
          return
        }
        ns = this.#take(seat, operand, now, shares)
      } else if (step === Step.RELEASE || step === Step.UNSHARE) {
        ns = this.#release(seat, operand, now, step === Step.UNSHARE)
      } else ns = this.#lines.fetch(operand, this.#cores.of[seat]!, now)
      timeline.at++
    }
  }

  /** The next op; false when the lab thread has left its core instead. */
  #begin(seat: number, now: number): boolean {
    const next = this.#script!.next(seat, this.#cores.of[seat]!, now)
    if (next === Next.PLAY) return true
    if (next === Next.SLEEP) this.#dispatcher.sleeps(seat, this.#script!.wakeAtNs, now)
    else this.#dispatcher.leaves(seat, next === Next.WAIT ? Status.WAITING : Status.NONE, now)
    return false
  }

  // ── locks ────────────────────────────────────────────────────────────────────────────────────

  /** ns that taking a free lock costs, its line's way included. */
  #take(seat: number, lock: number, now: number, shares: boolean): number {
    const core = this.#cores.of[seat]!
    const before = this.#locks.core[lock]! - 1
    if (shares) this.#locks.share(lock, seat, this.#thread(seat), core, now)
    else this.#locks.take(lock, seat, this.#thread(seat), core, now)
    this.#entering[seat] = 0
    this.#spinEnd[seat] = 0
    this.#yields[seat] = 0
    if (lock === MMAP_LOCK_ID) {
      this.#inKernel[seat] = 1
      this.#spinning.kernelOwner(lock, now, shares)
    }
    this.#publish(seat, SeatState.RUNNING, 0)
    const half = this.#costs.lock >>> 1
    if (before < 0 || before === core) return half
    // The lock's line, and what the lock protects, come from the core that had it last. Everybody
    // who spins for it fetches the line too, one after the other (T. Anderson, 1990); the kernel's
    // spinners stand in a queue, each at a line of its own (osq_lock).
    const spinning = this.#locks.spinning[lock]!
    const fetching = lock === MMAP_LOCK_ID ? Math.min(1, spinning) : spinning
    const lines = 1 + fetching + this.#costs.design.lockedLines
    return half + lines * this.#lines.between(before, core)
  }

  /** ns that letting go costs the holder. */
  #release(seat: number, lock: number, now: number, shared: boolean): number {
    if (lock === MMAP_LOCK_ID) this.#inKernel[seat] = 0
    const half = this.#costs.lock - (this.#costs.lock >>> 1)
    if (!shared) this.#locks.free(lock, now)
    else if (--this.#locks.readers[lock]! > 0) return half
    if (this.#letReadersIn(lock, now)) return half + this.#costs.futexWake
    const spinner = this.#locks.firstSpinner(lock)
    if (spinner >= 0) {
      this.#status[spinner] = Status.RUNNING
      const ns = this.#take(spinner, lock, now, false)
      this.timelines[spinner]!.at++
      this.#dispatcher.stretch(spinner, now, ns)
      if (lock !== MMAP_LOCK_ID) return half
      // rwsem_wake: the first sleeper is woken all the same, and comes after those who spin.
    }
    const sleeper = this.#locks.sleeperToWake(lock)
    if (sleeper < 0) {
      // The word said that somebody may sleep; the kernel finds nobody.
      if (spinner >= 0 || this.#locks.contended[lock] === 0) return half
      this.#locks.contended[lock] = 0
      return half + this.#costs.futexWait
    }
    this.#locks.contended[lock] = 0
    this.#dispatcher.readyAt(sleeper, now + this.#costs.wake)
    return half + this.#costs.futexWake
  }

  /**
   * When a reader has slept longest, all sleeping readers get the lock at once, before they run
   * (rwsem_mark_wake): until the last of them has had a core, nobody can write. They get it before
   * those who spin: whoever lets go has the lock's line still, a spinner has to fetch it first.
   */
  #letReadersIn(lock: number, now: number): boolean {
    // One that can write is on its way already: it has come before them.
    if (this.#locks.woken[lock] !== 0) return false
    let any = false
    for (let seat = this.#locks.firstSleeper(lock); seat >= 0; ) {
      const timeline = this.timelines[seat]!
      if (stepOf(timeline.steps[timeline.at]!) !== Step.SHARE) break
      this.#locks.takeSleeper(lock)
      timeline.at++
      this.#locks.share(lock, seat, this.#thread(seat), this.#cores.last[seat]!, now)
      this.#inKernel[seat] = 1
      this.#entering[seat] = 0
      this.#publish(seat, SeatState.RUNNING, 0)
      this.#dispatcher.readyAt(seat, now + this.#costs.wake)
      any = true
      seat = this.#locks.firstSleeper(lock)
    }
    if (any) this.#spinning.kernelOwner(lock, now, true)
    return any
  }

  /**
   * The lock is held. Spins as long as its kind does, then marks the word and enters the kernel,
   * which puts the lab thread to sleep only when the word is still as it was: when the lock has
   * changed hands meanwhile, it tries again (FUTEX_WAIT, EAGAIN).
   */
  #wait(seat: number, lock: number, now: number): void {
    this.#locks.beginWait(lock, seat, now)
    this.#publish(seat, SeatState.LOCK, lock + 1)
    if (this.#costs.design.yields > 0 && lock !== MMAP_LOCK_ID) {
      this.#yieldFor(seat, now)
      return
    }
    const timeline = this.timelines[seat]!
    const reads = stepOf(timeline.steps[timeline.at]!) === Step.SHARE
    const ofKernel = reads ? 0 : this.#spinning.kernelPatience(lock)
    const patience = lock === MMAP_LOCK_ID ? ofKernel : this.#costs.design.spin
    if (patience > 0 && this.#spinEnd[seat] === 0) {
      this.#spinEnd[seat] = now + patience
      this.#spinOn(seat, lock)
    } else if (this.#entering[seat] === 0 || this.#mustLookAgain(seat, lock)) {
      this.#entering[seat] = 1
      this.#turnSeen[seat] = this.#locks.turn[lock]!
      this.#locks.contended[lock] = 1
      this.#dispatcher.stretch(seat, now, this.#costs.futexWait)
    } else {
      this.#entering[seat] = 0
      this.#spinEnd[seat] = 0
      this.#sleepOn(seat, lock, now)
    }
  }

  /**
   * A lock that is waited for with sched_yield: whoever waits for the core gets it, and the lock
   * is looked at again after that; after so many looks the thread sleeps for a while.
   */
  #yieldFor(seat: number, now: number): void {
    if (this.#yields[seat]! < this.#costs.design.yields) {
      this.#yields[seat]!++
      if (!this.#dispatcher.yields(seat, now)) {
        this.#dispatcher.stretch(seat, now, this.#costs.yield)
      }
      return
    }
    this.#yields[seat] = 0
    this.#dispatcher.sleeps(seat, now + this.#costs.design.nap, now)
  }

  /** FUTEX_WAIT finds the word changed; an rwsem's waiter stands in its queue whatever happens. */
  #mustLookAgain(seat: number, lock: number): boolean {
    return lock !== MMAP_LOCK_ID && this.#turnSeen[seat] !== this.#locks.turn[lock]
  }

  #spinOn(seat: number, lock: number): void {
    this.#status[seat] = Status.SPINNING
    this.#locks.spin(lock, seat)
    this.#spinning.expectEnd(seat, this.nowNs)
  }

  /** Its patience or its slice is over. */
  #stopSpinning(seat: number, now: number): void {
    const timeline = this.timelines[seat]!
    const lock = operandOf(timeline.steps[timeline.at]!)
    const core = this.#cores.of[seat]!
    if (now < this.#spinEnd[seat]! && !this.#cores.hasQueue(core)) {
      this.#dispatcher.slices.begin(core, now)
      this.#events.put(seat, Math.min(this.#spinEnd[seat]!, this.#cores.sliceEnd[core]!))
      return
    }
    this.#locks.stopSpinning(lock, seat)
    if (now >= this.#spinEnd[seat]! && this.#locks.readers[lock]! > 0) this.#locks.noSpin[lock] = 1
    this.#status[seat] = Status.RUNNING
    this.#wait(seat, lock, now)
  }

  #sleepOn(seat: number, lock: number, now: number): void {
    this.#locks.sleep(lock, seat)
    this.#dispatcher.leaves(seat, Status.WAITING, now)
  }

  #thread(seat: number): number {
    return this.#control.seats[seat * SEAT_ROW_WORDS + SeatWord.THREAD]! - 1
  }
  #publish(seat: number, state: SeatState, lock: number): void {
    const row = seat * SEAT_ROW_WORDS
    this.#control.seats[row + SeatWord.STATE] = state
    this.#control.seats[row + SeatWord.WAITS_FOR_LOCK] = lock
  }
}
