/** Barriers: the cyclic ones of scenarios, and the start barrier of a run. */
import { setTimeout as pause } from 'node:timers/promises'
import { BARRIER_BYTES, type Control, ControlWord, RunState, SeatState } from '../words/control.ts'
import type { SharedWords } from '../words/units.ts'
import type { Parking } from './pause.ts'

const SLICE_MS = 50
/** Words of a barrier: who has come, and how often it has opened. */
const Gate = { ARRIVED: 0, GENERATION: 1 } as const

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
   * Waits until `parties` lab threads have come. The generation is read before arriving, so an
   * opening in between is never missed, and a lab thread that comes around again is counted anew.
   */
  wait(barrier: number, parties: number): void {
    const gate = (this.#control.plan.at.barriers + barrier * BARRIER_BYTES) / 4
    const generation = Atomics.load(this.#words, gate + Gate.GENERATION)
    if (Atomics.add(this.#words, gate + Gate.ARRIVED, 1) + 1 === parties) {
      Atomics.store(this.#words, gate + Gate.ARRIVED, 0)
      Atomics.add(this.#words, gate + Gate.GENERATION, 1)
      Atomics.notify(this.#words, gate + Gate.GENERATION)
      return
    }
    this.#parking.enterWait(SeatState.BARRIER, barrier)
    while (
      Atomics.load(this.#words, gate + Gate.GENERATION) === generation &&
      this.#control.words[ControlWord.STATE] === RunState.RUNNING
    ) {
      Atomics.wait(this.#words, gate + Gate.GENERATION, generation, SLICE_MS)
    }
    this.#parking.leaveWait()
  }
}

/** A worker says that it is ready, and waits for the run to start. False when it never will. */
export function readyAndWait(control: Control): boolean {
  Atomics.add(control.words, ControlWord.WORKERS_READY, 1)
  while (Atomics.load(control.words, ControlWord.STATE) === RunState.STARTING) {
    Atomics.wait(control.words, ControlWord.STATE, RunState.STARTING, SLICE_MS)
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
