/**
 * Bounded, blocking, many-to-many channels of cell contents: xmalloc's queues. A ring of cells under
 * one mutex; who finds it full or empty waits until its count of changes moves on.
 *
 *   int32  0       1       2       3       4 …            ring: capacity cells of 4 words
 *        ┌───────┬───────┬───────┬───────┬───────────┬──────────────────────────────
 *        │ mutex │ first │ count │ turn x│ unused    │ content, content, …
 *        └───────┴───────┴───────┴───────┴───────────┴──────────────────────────────
 *
 * first and count change under the mutex; x = `turn` counts every change and is what is waited on.
 */
import { Cell } from '../words/cells.ts'
import {
  CELL_WORDS,
  CHANNEL_HEAD_BYTES,
  type Control,
  ControlWord,
  RunState,
  SeatState,
} from '../words/control.ts'
import { roundUp, type SharedWords } from '../words/units.ts'
import type { Parking } from './pause.ts'

const Head = { MUTEX: 0, FIRST: 1, COUNT: 2, TURN: 3 } as const
const HEAD_WORDS = CHANNEL_HEAD_BYTES / 4
const SLICE_MS = 50
const LINE_WORDS = 16

/** Every channel of a run, as one isolate sees them. */
export class Channels {
  readonly #control: Control
  readonly #parking: Parking
  readonly #words: SharedWords
  readonly #cells: SharedWords
  /** Index of each channel's head in `control.int32`. */
  readonly #heads: number[] = []

  constructor(control: Control, parking: Parking) {
    this.#control = control
    this.#parking = parking
    this.#words = control.int32
    this.#cells = control.cells
    let head = control.plan.at.channels / 4
    for (const capacity of control.plan.channelCapacities) {
      this.#heads.push(head)
      head += HEAD_WORDS + roundUp(capacity * CELL_WORDS, LINE_WORDS)
    }
  }

  /**
   * Moves the content of a private cell into the channel; waits while it is full. False when
   * nothing was sent: an empty cell, or a channel that is full at the deadline.
   */
  send(channel: number, cell: number): boolean {
    if (this.#cells[cell + Cell.BLOCK] === 0) return false
    const capacity = this.#control.plan.channelCapacities[channel]!
    const head = this.#heads[channel]!
    for (;;) {
      this.#lock(head)
      const count = this.#words[head + Head.COUNT]!
      if (count < capacity) {
        const slot = (this.#words[head + Head.FIRST]! + count) % capacity
        this.#copy(this.#cells, cell, this.#words, head + HEAD_WORDS + slot * CELL_WORDS)
        this.#words[head + Head.COUNT] = count + 1
        this.#changed(head)
        this.#cells[cell + Cell.BLOCK] = 0
        return true
      }
      if (!this.#waitForTurn(head, channel)) return false
    }
  }

  /** Moves a content out of the channel into an empty private cell; false at the deadline. */
  receive(channel: number, cell: number): boolean {
    const capacity = this.#control.plan.channelCapacities[channel]!
    const head = this.#heads[channel]!
    for (;;) {
      this.#lock(head)
      const count = this.#words[head + Head.COUNT]!
      if (count > 0) {
        const slot = this.#words[head + Head.FIRST]!
        this.#copy(this.#words, head + HEAD_WORDS + slot * CELL_WORDS, this.#cells, cell)
        this.#words[head + Head.FIRST] = (slot + 1) % capacity
        this.#words[head + Head.COUNT] = count - 1
        this.#changed(head)
        return true
      }
      if (!this.#waitForTurn(head, channel)) return false
    }
  }

  #copy(from: SharedWords, at: number, to: SharedWords, target: number): void {
    for (let field = 0; field < CELL_WORDS; field++) to[target + field] = from[at + field]!
  }

  /** Counts the change, lets go of the mutex, and wakes who waits for a change. */
  #changed(head: number): void {
    Atomics.add(this.#words, head + Head.TURN, 1)
    this.#unlock(head)
    Atomics.notify(this.#words, head + Head.TURN)
  }

  /**
   * Called with the mutex held. `turn` is read under it, so a change after the caller looked makes
   * the wait return at once. The caller looks again after waking: somebody else may have been
   * quicker. False when the channel is open: the deadline has passed or the run is over.
   */
  #waitForTurn(head: number, channel: number): boolean {
    const turn = Atomics.load(this.#words, head + Head.TURN)
    this.#unlock(head)
    this.#parking.enterWait(SeatState.CHANNEL, channel)
    const state = this.#control.words
    while (
      Atomics.load(this.#words, head + Head.TURN) === turn &&
      state[ControlWord.STATE] === RunState.RUNNING
    ) {
      Atomics.wait(this.#words, head + Head.TURN, turn, SLICE_MS)
    }
    this.#parking.leaveWait()
    return state[ControlWord.STATE] === RunState.RUNNING
  }

  /** A short mutex of its own: held for a few stores, and no lock of the modelled process. */
  #lock(head: number): void {
    if (Atomics.compareExchange(this.#words, head + Head.MUTEX, 0, 1) === 0) return
    while (Atomics.exchange(this.#words, head + Head.MUTEX, 2) !== 0) {
      Atomics.wait(this.#words, head + Head.MUTEX, 2, SLICE_MS)
    }
  }

  #unlock(head: number): void {
    if (Atomics.exchange(this.#words, head + Head.MUTEX, 0) === 2) {
      Atomics.notify(this.#words, head + Head.MUTEX, 1)
    }
  }
}
