/**
 * The simulated state of every lock, and who waits for it. Two queues per lock, each in the order
 * of arrival: those who spin on a core of theirs, and those who sleep. A release hands the lock to
 * the first spinner; without one it wakes the first sleeper, one at a time, and leaves the lock
 * free meanwhile for whoever comes, as a futex mutex does.
 *
 * The figures of each lock go where the other machines write them: into the lock table.
 */
import { LockFigure, LockWord, lockFloats, lockWords } from '../../sync/lock-table.ts'
import { MMAP_LOCK_ID, type SyncSelf } from '../../sync/locks.ts'
import { WaitLog } from '../../sync/wait-log.ts'
import { type Control, ControlWord } from '../../words/control.ts'
import { COUNTER_ROW, Counter } from '../../words/events.ts'

const NOBODY = -1
const NOT_WAITING = -1

export class SimLocks {
  /** Seat + 1 that holds each lock in simulated time, 0 for nobody. */
  readonly holder: Int32Array
  /** Core + 1 that took each lock last. */
  readonly core: Int32Array
  /** Seat + 1 that has been woken for each lock and has not looked at it yet. */
  readonly woken: Int32Array
  /** 1 while the futex word says that somebody may sleep: the next release asks the kernel. */
  readonly contended: Uint8Array
  /** Counts each lock's acquisitions, modulo 2^32. */
  readonly turn: Int32Array
  /**
   * 1 for a lock that an op has made and takes later in its timeline: others cannot know of it
   * before it is held, so for them it is held from the start.
   */
  readonly promised: Uint8Array
  /** Seats that share each lock. */
  readonly readers: Int32Array
  /** 1 while nobody spins for a lock, since readers took too long: until a writer has had it. */
  readonly noSpin: Uint8Array
  /** Seats that spin for each lock. */
  readonly spinning: Int32Array
  readonly #control: Control
  readonly #spinners: SeatQueues
  readonly #sleepers: SeatQueues
  readonly #waiters: Int32Array
  /** When each seat began to wait for the lock it waits for; -1 when it does not. */
  readonly #since: Float64Array
  /** Lab thread that had the lock when each seat began to wait. */
  readonly #heldBy: Int32Array
  /** Only in a run that keeps every wait; it speaks for `#speaker`. */
  readonly #log: WaitLog | undefined
  readonly #speaker: SyncSelf = { seat: 0, thread: 0, counterBase: 0 }

  constructor(control: Control) {
    const { locksMax, seats } = control.plan
    this.#control = control
    this.holder = new Int32Array(locksMax)
    this.core = new Int32Array(locksMax)
    this.woken = new Int32Array(locksMax)
    this.contended = new Uint8Array(locksMax)
    this.turn = new Int32Array(locksMax)
    this.promised = new Uint8Array(locksMax)
    this.readers = new Int32Array(locksMax)
    this.noSpin = new Uint8Array(locksMax)
    this.spinning = new Int32Array(locksMax)
    this.#spinners = new SeatQueues(locksMax, seats)
    this.#sleepers = new SeatQueues(locksMax, seats)
    this.#waiters = new Int32Array(locksMax)
    this.#since = new Float64Array(seats).fill(NOT_WAITING)
    this.#heldBy = new Int32Array(seats)
    this.#log = control.plan.waitEntries ? new WaitLog(control, this.#speaker) : undefined
  }

  /** The lock goes to `seat` on `core`, at `now`. Only when nobody holds it. */
  take(lock: number, seat: number, thread: number, core: number, now: number): void {
    this.holder[lock] = seat + 1
    this.promised[lock] = 0
    this.noSpin[lock] = 0
    this.#taken(lock, seat, core)
    const { int32 } = this.#control
    const row = lockWords(this.#control, lock)
    int32[row + LockWord.HOLDER] = thread + 1
    if (int32[row + LockWord.LAST_OWNER] !== thread + 1) {
      int32[row + LockWord.LAST_OWNER] = thread + 1
      this.#add(lockFloats(this.#control, lock) + LockFigure.OWNER_SWITCHES, 1)
    }
    if (this.#since[seat] !== NOT_WAITING) this.#endWait(lock, seat, thread, now)
  }

  /** `seat` shares the lock from `now` on. Only when nobody holds it for itself. */
  share(lock: number, seat: number, thread: number, core: number, now: number): void {
    this.readers[lock]!++
    this.#taken(lock, seat, core)
    if (this.#since[seat] !== NOT_WAITING) this.#endWait(lock, seat, thread, now)
  }

  #taken(lock: number, seat: number, core: number): void {
    this.core[lock] = core + 1
    this.turn[lock]!++
    this.#add(lockFloats(this.#control, lock) + LockFigure.ACQUISITIONS, 1)
    if (this.woken[lock] !== seat + 1) return
    // Others may sleep still: whoever was woken leaves the word saying so.
    this.woken[lock] = 0
    this.contended[lock] = 1
  }

  free(lock: number, now: number): void {
    const holder = lockWords(this.#control, lock) + LockWord.HOLDER
    const { int32 } = this.#control
    if (this.#log !== undefined && this.#waiters[lock]! > 0) {
      this.#speaker.thread = int32[holder]! - 1
      this.#log.released(lock, now)
    }
    this.holder[lock] = 0
    int32[holder] = 0
  }

  // ── waiting ──────────────────────────────────────────────────────────────────────────────────

  /** True when this is the first look of `seat`: it has just come. */
  beginWait(lock: number, seat: number, now: number): boolean {
    if (this.#since[seat] !== NOT_WAITING) return false
    this.#since[seat] = now
    const waiting = ++this.#waiters[lock]!
    const row = lockWords(this.#control, lock)
    this.#control.int32[row + LockWord.WAITERS] = waiting
    this.#heldBy[seat] = this.#control.int32[row + LockWord.HOLDER]! - 1
    const most = lockFloats(this.#control, lock) + LockFigure.WAITERS_MAX
    if (this.#control.float64[most]! < waiting) this.#control.float64[most] = waiting
    return true
  }

  #endWait(lock: number, seat: number, thread: number, now: number): void {
    const since = this.#since[seat]!
    const waited = now - since
    this.#speaker.thread = thread
    this.#log?.waited(lock, since, waited, this.#heldBy[seat]!)
    this.#since[seat] = NOT_WAITING
    const waiting = --this.#waiters[lock]!
    this.#control.int32[lockWords(this.#control, lock) + LockWord.WAITERS] = waiting
    const figures = lockFloats(this.#control, lock)
    this.#add(figures + LockFigure.WAITS, 1)
    this.#add(figures + LockFigure.WAIT_NS, waited)
    const most = figures + LockFigure.WAIT_NS_MAX
    if (this.#control.float64[most]! < waited) this.#control.float64[most] = waited
    if (lock === MMAP_LOCK_ID) this.#count(seat, Counter.KERNEL_WAIT_NS, waited)
    else {
      this.#count(seat, Counter.LOCK_WAIT_NS, waited)
      this.#count(seat, Counter.LOCK_WAITS, 1)
    }
  }

  /** Waits on its core, until `firstSpinner` or `stopSpinning`. */
  spin(lock: number, seat: number): void {
    this.spinning[lock]!++
    this.#spinners.append(lock, seat)
  }
  stopSpinning(lock: number, seat: number): void {
    this.spinning[lock]!--
    this.#spinners.remove(lock, seat)
  }
  /** Who has spun longest, and who came after `seat`; -1 for none. */
  spinner(lock: number): number {
    return this.#spinners.first(lock)
  }
  spinnerAfter(seat: number): number {
    return this.#spinners.after(seat)
  }
  /** The spinner that the lock goes to, -1 for none. */
  firstSpinner(lock: number): number {
    const seat = this.#spinners.takeFirst(lock)
    if (seat !== NOBODY) {
      this.spinning[lock]!--
      this.#add(lockFloats(this.#control, lock) + LockFigure.SPIN_ACQUISITIONS, 1)
    }
    return seat
  }

  /** Sleeps until it is woken; one that was woken in vain keeps its place at the front. */
  sleep(lock: number, seat: number): void {
    if (this.woken[lock] === seat + 1) {
      this.woken[lock] = 0
      this.#sleepers.prepend(lock, seat)
    } else this.#sleepers.append(lock, seat)
  }
  /** The sleeper to wake, -1 when there is none or one is on its way already. */
  sleeperToWake(lock: number): number {
    if (this.woken[lock] !== 0) return NOBODY
    const seat = this.#sleepers.takeFirst(lock)
    if (seat !== NOBODY) this.woken[lock] = seat + 1
    return seat
  }

  /** The sleeper that has come first, -1 when there is none. */
  firstSleeper(lock: number): number {
    return this.#sleepers.first(lock)
  }
  /** That sleeper has been given the lock. */
  takeSleeper(lock: number): void {
    this.#sleepers.takeFirst(lock)
  }

  get made(): number {
    return this.#control.words[ControlWord.LOCKS_MADE]!
  }

  #add(place: number, by: number): void {
    this.#control.float64[place] = this.#control.float64[place]! + by
  }
  #count(seat: number, counter: number, by: number): void {
    const place = seat * COUNTER_ROW + counter
    this.#control.counters[place] = this.#control.counters[place]! + by
  }
}

/** First-come queues of seats, one for each of a number of things; a seat is in at most one. */
export class SeatQueues {
  readonly #head: Int32Array
  readonly #tail: Int32Array
  readonly #next: Int32Array

  constructor(queues: number, seats: number) {
    this.#head = new Int32Array(queues).fill(NOBODY)
    this.#tail = new Int32Array(queues).fill(NOBODY)
    this.#next = new Int32Array(seats).fill(NOBODY)
  }

  append(queue: number, seat: number): void {
    this.#next[seat] = NOBODY
    if (this.#tail[queue] === NOBODY) this.#head[queue] = seat
    else this.#next[this.#tail[queue]!] = seat
    this.#tail[queue] = seat
  }

  prepend(queue: number, seat: number): void {
    this.#next[seat] = this.#head[queue]!
    this.#head[queue] = seat
    if (this.#tail[queue] === NOBODY) this.#tail[queue] = seat
  }

  first(queue: number): number {
    return this.#head[queue]!
  }

  /** Who stands behind `seat` in its queue, -1 for nobody. */
  after(seat: number): number {
    return this.#next[seat]!
  }

  /** -1 when the queue is empty. */
  takeFirst(queue: number): number {
    const seat = this.#head[queue]!
    if (seat === NOBODY) return NOBODY
    this.#head[queue] = this.#next[seat]!
    if (this.#head[queue] === NOBODY) this.#tail[queue] = NOBODY
    return seat
  }

  remove(queue: number, seat: number): void {
    let before = NOBODY
    for (let at = this.#head[queue]!; at !== NOBODY; at = this.#next[at]!) {
      if (at === seat) {
        if (before === NOBODY) this.#head[queue] = this.#next[seat]!
        else this.#next[before] = this.#next[seat]!
        if (this.#tail[queue] === seat) this.#tail[queue] = before
        return
      }
      before = at
    }
  }
}
