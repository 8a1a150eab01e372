/** Barriers: the cyclic ones of scenarios, and the start barrier of a run. */
import { setTimeout as pause } from 'node:timers/promises'
import { BARRIER_BYTES, type Control, ControlWord, RunState, SeatState } from '../words/control.ts'
import type { SharedWords } from '../words/units.ts'
import { futexWait } from './futex.ts'
import type { Parking } from './pause.ts'
import { WAIT_SLICE_MS } from './wait-slice.ts'

/**
 * A barrier is one word, so that an arrival and what it arrives at change together:
 *
 *     31 ............ 16   15 .......... 0
 *   ┌────────────────────┬────────────────┐
 *   │ openings (mod 2^16)│ who have come  │
 *   └────────────────────┴────────────────┘
 */
const OPENING = 0x10000
const ARRIVED_MASK = 0xffff
const openings = (gate: number): number => gate >>> 16

/** The cyclic barriers of a run, as one isolate sees them. */
export class Barriers {
  readonly #control: Control
  readonly #parking: Parking
  readonly #words: SharedWords

  constructor(control: Control, parking: Parking) {
    this.#control = control
    this.#parking = parking
    this.#words = control.int32
  }

  /**
   * Waits until `parties` (1 to 65535) lab threads have come; returns at once when the run ends. Of
   * more lab threads than `parties`, the later ones wait for the next opening.
   */
  wait(barrier: number, parties: number): void {
    const words = this.#words
    const gate = (this.#control.plan.at.barriers + barrier * BARRIER_BYTES) / 4
    let before: number
    let after: number
    // Ends: a failed exchange means that another lab thread has arrived.
    do {
      before = Atomics.load(words, gate)
      const last = (before & ARRIVED_MASK) + 1 >= parties
      after = last ? ((before & ~ARRIVED_MASK) + OPENING) | 0 : before + 1
    } while (Atomics.compareExchange(words, gate, before, after) !== before)
    if ((after & ARRIVED_MASK) === 0) Atomics.notify(words, gate)
    else this.#awaitOpening(gate, barrier, openings(before))
  }

  /**
   * Woken by the last to arrive. Arrivals change the word too: a wait cut short by one looks again.
   */
  #awaitOpening(gate: number, barrier: number, opening: number): void {
    const words = this.#words
    this.#parking.enterWait(SeatState.BARRIER, barrier)
    for (;;) {
      const now = Atomics.load(words, gate)
      if (openings(now) !== opening) break
      if (Atomics.load(this.#control.words, ControlWord.STATE) !== RunState.RUNNING) break
      futexWait(words, gate, now, WAIT_SLICE_MS)
    }
    this.#parking.leaveWait()
  }
}

/**
 * A worker waits until the heap was looked at as it is before any lab thread: one that attached
 * meanwhile would be seen half-way. False when the run is over before it has begun.
 */
export function waitUntilPrepared(control: Control): boolean {
  const { words } = control
  while (Atomics.load(words, ControlWord.PREPARED) === 0) {
    if (Atomics.load(words, ControlWord.STATE) !== RunState.STARTING) return false
    Atomics.wait(words, ControlWord.PREPARED, 0, WAIT_SLICE_MS)
  }
  return true
}

/** The main thread's side: lab threads may attach. */
export function setPrepared({ words }: Control): void {
  Atomics.store(words, ControlWord.PREPARED, 1)
  Atomics.notify(words, ControlWord.PREPARED)
}

/** A worker says that it is ready, and waits for the run to start. False when it never will. */
export function readyAndWait(control: Control): boolean {
  Atomics.add(control.words, ControlWord.WORKERS_READY, 1)
  while (Atomics.load(control.words, ControlWord.STATE) === RunState.STARTING) {
    Atomics.wait(control.words, ControlWord.STATE, RunState.STARTING, WAIT_SLICE_MS)
  }
  return Atomics.load(control.words, ControlWord.STATE) === RunState.RUNNING
}

/**
 * The main thread's side: resolves when all workers are ready. Never blocks. Rejects after
 * `timeoutMs`, saying how many came; gives up quietly when `over` says that one has died.
 */
export async function waitForStart(
  control: Control,
  workers: number,
  timeoutMs: number,
  over: () => boolean,
): Promise<void> {
  const looks = Math.ceil(timeoutMs)
  for (let look = 0; look < looks; look++) {
    const ready = Atomics.load(control.words, ControlWord.WORKERS_READY)
    if (ready >= workers || over()) return
    await pause(1)
  }
  const ready = Atomics.load(control.words, ControlWord.WORKERS_READY)
  throw new Error(`only ${ready} of ${workers} workers were ready after ${timeoutMs / 1000} s`)
}
