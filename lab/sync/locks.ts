/**
 * The futex-style mutex of the lab: one word, 0 free, 1 held, 2 held with waiters. The word lies in
 * the structure it protects, so that structures keep their real size; everything else about a lock
 * lies in the lock table by lock id. Follows the mutex of U. Drepper, "Futexes Are Tricky".
 */
import {
  type Control,
  ControlWord,
  RunState,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../words/control.ts'
import { Counter } from '../words/events.ts'
import type { SharedWords } from '../words/units.ts'
import {
  LockFigure,
  LockWord,
  lockFloats,
  lockWords,
  makeLockRow,
  ROW_FLOAT64,
  ROW_INT32,
} from './lock-table.ts'
import { WaitLog } from './wait-log.ts'
import { WAIT_SLICE_MS } from './wait-slice.ts'

/** The futex word. */
export const LockState = { FREE: 0, HELD: 1, HELD_WITH_WAITERS: 2 } as const

/** The mmap_lock of the modelled kernel: always the first lock made. */
export const MMAP_LOCK_ID = 0
/**
 * The kernel's mmap_lock spins while its owner runs (kernel/locking/rwsem.c,
 * rwsem_optimistic_spin): about as long as a system call of ours takes.
 */
const MMAP_LOCK_SPINS = 400

/**
 * Who takes locks: the lab thread an isolate speaks for. Shared with the process, which changes it.
 */
export interface SyncSelf {
  seat: number
  thread: number
  /** Start of its row in `control.counters`. */
  counterBase: number
}

/** Thrown out of a wait when the run has failed: what is waited for will never come. */
export class RunEnded extends Error {
  override name = 'RunEnded'
}

/** The mutexes of one isolate. */
export class Locks {
  readonly #control: Control
  readonly #self: SyncSelf
  readonly #clock: () => number
  readonly #int32: SharedWords
  readonly #float64: Float64Array
  readonly #counters: Float64Array
  /** Only used in a run that keeps every wait. */
  readonly #waits: WaitLog
  readonly #keepsWaits: boolean
  /** Where the lock table starts in `#int32` and in `#float64`. */
  readonly #rows: number
  readonly #figures: number

  /** `clock` gives nanoseconds; it is read on the slow path only. */
  constructor(control: Control, self: SyncSelf, clock: () => number) {
    this.#control = control
    this.#self = self
    this.#clock = clock
    this.#int32 = control.int32
    this.#float64 = control.float64
    this.#counters = control.counters
    this.#waits = new WaitLog(control, self)
    this.#keepsWaits = (control.plan.waitEntries ?? 0) > 0
    this.#rows = lockWords(control, 0)
    this.#figures = lockFloats(control, 0)
  }

  /** A new lock id for the mutex at `word`; any thread. */
  make(word: number, name: string): number {
    return makeLockRow(this.#control, word, name)
  }

  /** Returns holding the mutex. Throws `RunEnded` when the run fails meanwhile. */
  lock(words: SharedWords, word: number, id: number): void {
    if (Atomics.compareExchange(words, word, LockState.FREE, LockState.HELD) !== LockState.FREE)
      this.#lockSlow(words, word, id)
    this.#acquired(id)
  }

  /** True when the mutex was free and is now held. A failed try counts in the caller's row. */
  tryLock(words: SharedWords, word: number, id: number): boolean {
    if (Atomics.compareExchange(words, word, LockState.FREE, LockState.HELD) !== LockState.FREE) {
      this.#count(Counter.TRYLOCK_FAILURES, 1)
      return false
    }
    this.#acquired(id)
    return true
  }

  /** Only the holder calls it. */
  unlock(words: SharedWords, word: number, id: number): void {
    this.#int32[this.#rows + id * ROW_INT32 + LockWord.HOLDER] = 0
    if (Atomics.exchange(words, word, LockState.FREE) === LockState.HELD_WITH_WAITERS)
      this.#wakeOne(words, word, id)
  }

  #wakeOne(words: SharedWords, word: number, id: number): void {
    // Before anybody is woken, so that whoever gets the lock next is seen to get it later.
    if (this.#keepsWaits) this.#waits.released(id, this.#clock())
    Atomics.notify(words, word, 1)
  }

  /** What the holder writes down: plain stores, ordered by the lock itself. */
  #acquired(id: number): void {
    const row = this.#rows + id * ROW_INT32
    const figures = this.#figures + id * ROW_FLOAT64
    const me = this.#self.thread + 1
    this.#int32[row + LockWord.HOLDER] = me
    this.#add(figures + LockFigure.ACQUISITIONS, 1)
    if (this.#int32[row + LockWord.LAST_OWNER] !== me) {
      this.#int32[row + LockWord.LAST_OWNER] = me
      this.#add(figures + LockFigure.OWNER_SWITCHES, 1)
    }
  }

  #lockSlow(words: SharedWords, word: number, id: number): void {
    const figures = this.#figures + id * ROW_FLOAT64
    const spins =
      id === MMAP_LOCK_ID ? MMAP_LOCK_SPINS : this.#control.words[ControlWord.SPIN_COUNT]!
    if (this.#spin(words, word, spins)) {
      this.#add(figures + LockFigure.SPIN_ACQUISITIONS, 1)
      return
    }
    const waitersAt = this.#rows + id * ROW_INT32 + LockWord.WAITERS
    const start = this.#clock()
    const waiting = Atomics.add(this.#int32, waitersAt, 1) + 1
    const holder = this.#int32[waitersAt - LockWord.WAITERS + LockWord.HOLDER]! - 1
    this.#publish(SeatState.LOCK, id + 1)
    try {
      this.#wait(words, word)
    } finally {
      Atomics.sub(this.#int32, waitersAt, 1)
      this.#publish(SeatState.RUNNING, 0)
    }
    const waited = this.#clock() - start
    if (this.#keepsWaits) this.#waits.waited(id, start, waited, holder)
    this.#add(figures + LockFigure.WAITS, 1)
    this.#add(figures + LockFigure.WAIT_NS, waited)
    this.#raise(figures + LockFigure.WAIT_NS_MAX, waited)
    this.#raise(figures + LockFigure.WAITERS_MAX, waiting)
    if (id === MMAP_LOCK_ID) {
      this.#count(Counter.KERNEL_WAIT_NS, waited)
    } else {
      this.#count(Counter.LOCK_WAIT_NS, waited)
      this.#count(Counter.LOCK_WAITS, 1)
    }
  }

  #spin(words: SharedWords, word: number, spins: number): boolean {
    for (let i = 0; i < spins; i++) {
      if (Atomics.load(words, word) !== LockState.FREE) continue
      if (Atomics.compareExchange(words, word, LockState.FREE, LockState.HELD) === LockState.FREE)
        return true
    }
    return false
  }

  /**
   * Woken by the holder's unlock, which sees 2 and notifies one waiter. Nobody can be missed: the
   * word is set to 2 before each wait, and `Atomics.wait` returns at once when it is no longer 2.
   * Whoever gets it by the exchange leaves 2 behind, so that the next unlock wakes one more.
   */
  #wait(words: SharedWords, word: number): void {
    while (Atomics.exchange(words, word, LockState.HELD_WITH_WAITERS) !== LockState.FREE) {
      if (this.#control.words[ControlWord.STATE] === RunState.FAILED) {
        throw new RunEnded('the run failed while a lab thread waited for a lock')
      }
      Atomics.wait(words, word, LockState.HELD_WITH_WAITERS, WAIT_SLICE_MS)
    }
  }

  /** For the watchdog: which lock this lab thread waits for. */
  #publish(state: SeatState, lock: number): void {
    const row = this.#self.seat * SEAT_ROW_WORDS
    this.#control.seats[row + SeatWord.WAITS_FOR_LOCK] = lock
    Atomics.store(this.#control.seats, row + SeatWord.STATE, state)
  }

  #count(counter: Counter, by: number): void {
    const place = this.#self.counterBase + counter
    this.#counters[place] = this.#counters[place]! + by
  }

  #add(place: number, by: number): void {
    this.#float64[place] = this.#float64[place]! + by
  }

  #raise(place: number, to: number): void {
    if (this.#float64[place]! < to) this.#float64[place] = to
  }
}

/** The mmap_lock as the modelled kernel takes it. `make` it first of all locks, once. */
export class KernelMutex {
  readonly #locks: Locks
  readonly #words: SharedWords
  readonly #word: number

  constructor(control: Control, locks: Locks) {
    this.#locks = locks
    this.#words = control.int32
    // The first word of the address space's own area: see lab/memory.
    this.#word = control.plan.at.space / 4
  }

  /** Once, before any other lock is made. */
  make(): void {
    const id = this.#locks.make(this.#word, 'mmap_lock')
    if (id !== MMAP_LOCK_ID) throw new Error('the mmap_lock must be the first lock made')
  }
  lock(): void {
    this.#locks.lock(this.#words, this.#word, MMAP_LOCK_ID)
  }
  unlock(): void {
    this.#locks.unlock(this.#words, this.#word, MMAP_LOCK_ID)
  }
}
