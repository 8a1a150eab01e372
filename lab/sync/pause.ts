/**
 * Safepoints: moments at which every lab thread is between ops or parked, so that no allocator lock
 * is held and nothing changes.
 *
 * The argument why nobody runs past one unseen is Dekker's. A lab thread that wants to run stores
 * RUNNING in its seat and then loads PAUSE; the coordinator stores PAUSE and then loads the seats.
 * All four are sequentially consistent, so at least one of the two sees the other: either the
 * coordinator finds RUNNING and keeps waiting, or the lab thread finds PAUSE and parks. Between two
 * ops a running lab thread looks at PAUSE with a plain load, which sees it a little later; until
 * then its seat says RUNNING.
 */
import {
  type Control,
  ControlWord,
  RunState,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../words/control.ts'
import { futexWait } from './futex.ts'
import type { SyncSelf } from './locks.ts'
import { ringQueueBell } from './run-queue.ts'
import { WAIT_SLICE_MS } from './wait-slice.ts'

/** The lab thread's side. One per isolate; speaks for the lab thread that `self` names. */
export class Parking {
  readonly #control: Control
  readonly #self: SyncSelf

  constructor(control: Control, self: SyncSelf) {
    this.#control = control
    this.#self = self
  }

  /** Parks while a safepoint is wanted. Between ops only. */
  park(): void {
    const { words } = this.#control
    for (;;) {
      this.setState(SeatState.PARKED)
      while (Atomics.load(words, ControlWord.PAUSE) !== 0 && !this.#runIsOver()) {
        // Woken by `release`; re-reading PAUSE afterwards is enough, because only it is waited for.
        Atomics.wait(words, ControlWord.PAUSE, 1, WAIT_SLICE_MS)
      }
      this.setState(SeatState.RUNNING)
      if (Atomics.load(words, ControlWord.PAUSE) === 0 || this.#runIsOver()) return
    }
  }

  /** This lab thread is about to wait, or to do something off the heap: it counts as parked. */
  enterWait(state: SeatState, waitsFor: number): void {
    this.#control.seats[this.#row + SeatWord.WAITS_FOR] = waitsFor + 1
    this.setState(state)
  }

  /** Back to ops: parks first when a safepoint is under way. */
  leaveWait(): void {
    this.setState(SeatState.RUNNING)
    this.#control.seats[this.#row + SeatWord.WAITS_FOR] = 0
    if (Atomics.load(this.#control.words, ControlWord.PAUSE) !== 0) this.park()
  }

  /** Within a wait: sleeps until WAKE changes or `ms` have passed. */
  waitForWake(seen: number, ms = WAIT_SLICE_MS): void {
    futexWait(this.#control.words, ControlWord.WAKE, seen, ms)
  }

  /** Sleeps for `ms`, or until the run's state changes. */
  sleep(ms: number): void {
    const { words } = this.#control
    futexWait(words, ControlWord.STATE, Atomics.load(words, ControlWord.STATE), ms)
  }

  /** Announces a phase mark and waits until the main thread has looked (`passPhase`). */
  phase(announce: () => void): void {
    const { seats } = this.#control
    const flag = this.#row + SeatWord.PHASE_WAIT
    Atomics.store(seats, flag, 1)
    this.enterWait(SeatState.PARKED, 0)
    announce()
    while (Atomics.load(seats, flag) === 1 && !this.#runIsOver()) {
      Atomics.wait(seats, flag, 1, WAIT_SLICE_MS)
    }
    this.leaveWait()
  }

  setState(state: SeatState): void {
    Atomics.store(this.#control.seats, this.#row + SeatWord.STATE, state)
  }

  get #row(): number {
    return this.#self.seat * SEAT_ROW_WORDS
  }

  #runIsOver(): boolean {
    return this.#control.words[ControlWord.STATE]! >= RunState.KILLED
  }
}

/** The coordinator's side: never blocks, so the main thread may call it. */
export function requestPause(control: Control): void {
  Atomics.store(control.words, ControlWord.PAUSE, 1)
}

/** True when every lab thread is at rest. Stays true until `release`. */
export function allParked(control: Control): boolean {
  for (let seat = 0; seat < control.plan.seats; seat++) {
    const state = Atomics.load(control.seats, seat * SEAT_ROW_WORDS + SeatWord.STATE)
    if (state === SeatState.RUNNING || state === SeatState.LOCK) return false
  }
  return true
}

export function release(control: Control): void {
  Atomics.store(control.words, ControlWord.PAUSE, 0)
  Atomics.notify(control.words, ControlWord.PAUSE)
}

/** The safepoint of a seat's phase mark is over: its lab thread goes on. */
export function passPhase(control: Control, seat: number): void {
  const flag = seat * SEAT_ROW_WORDS + SeatWord.PHASE_WAIT
  Atomics.store(control.seats, flag, 0)
  Atomics.notify(control.seats, flag)
}

/** Wakes everybody who waits for a change of the run (`waitForWake`). */
export function wakeAll(control: Control): void {
  Atomics.add(control.words, ControlWord.WAKE, 1)
  Atomics.notify(control.words, ControlWord.WAKE)
}

/** Changes the run's state, and wakes everybody who sleeps or waits. */
export function setRunState(control: Control, state: RunState): void {
  Atomics.store(control.words, ControlWord.STATE, state)
  Atomics.notify(control.words, ControlWord.STATE)
  ringQueueBell(control, Number.POSITIVE_INFINITY)
  wakeAll(control)
}
