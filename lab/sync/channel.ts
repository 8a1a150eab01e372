/**
 * Bounded, blocking, many-to-many channels of cell contents: xmalloc's queues. A ring of cells
 * under one mutex. Who finds it full waits for a departure, who finds it empty waits for an
 * arrival.
 *
 *   int32  0       1       2       3           4             5           6            16 …
 *        ┌───────┬───────┬───────┬───────────┬─────────────┬───────────┬────────────┬─────────────
 *        │ mutex │ first │ count │ arrivals x│ departures x│ receivers │ senders    │ ring of cells
 *        └───────┴───────┴───────┴───────────┴─────────────┴───────────┴────────────┴─────────────
 *
 * `receivers` and `senders` are lab threads that wait and have not been woken: at least as many as
 * sleep. Everything changes under the mutex; x = waited on without it, counted up by each wake-up.
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
import { claimCell, releaseCell } from './cells.ts'
import { futexWait } from './futex.ts'
import type { Parking } from './pause.ts'
import { WAIT_SLICE_MS } from './wait-slice.ts'
import { lockWord, unlockWord } from './word-mutex.ts'

const Head = {
  MUTEX: 0,
  FIRST: 1,
  COUNT: 2,
  ARRIVALS: 3,
  DEPARTURES: 4,
  RECEIVERS: 5,
  SENDERS: 6,
} as const
const HEAD_WORDS = CHANNEL_HEAD_BYTES / 4
const LINE_WORDS = 16

/** Every channel of a run, as one isolate sees them. */
export class Channels {
  readonly #control: Control
  readonly #parking: Parking
  readonly #words: SharedWords
  readonly #cells: SharedWords
  /** Index in `control.cells` from which on cells are shared. */
  readonly #sharedFrom: number
  /** Index of each channel's head in `control.int32`. */
  readonly #heads: number[] = []

  constructor(control: Control, parking: Parking) {
    this.#control = control
    this.#parking = parking
    this.#words = control.int32
    this.#cells = control.cells
    this.#sharedFrom = control.plan.seats * control.plan.cellsPerSeat * CELL_WORDS
    let head = control.plan.at.channels / 4
    for (const capacity of control.plan.channelCapacities) {
      this.#heads.push(head)
      head += HEAD_WORDS + roundUp(capacity * CELL_WORDS, LINE_WORDS)
    }
  }

  /** Contents that lie in it now. */
  count(channel: number): number {
    return this.#words[this.#heads[channel]! + Head.COUNT]!
  }

  /**
   * Moves the content of the cell at index `cell` of `control.cells` into the channel; waits while
   * it is full. False when nothing was sent: an empty cell, or a full channel once the run ends
   * (the content then stays in the cell).
   */
  send(channel: number, cell: number): boolean {
    const capacity = this.#control.plan.channelCapacities[channel]!
    const head = this.#heads[channel]!
    const words = this.#words
    for (;;) {
      if (Atomics.load(this.#cells, cell + Cell.BLOCK) === 0) return false
      lockWord(words, head + Head.MUTEX)
      const count = words[head + Head.COUNT]!
      if (count < capacity) {
        const slot = (words[head + Head.FIRST]! + count) % capacity
        const sent = this.#take(cell, head + HEAD_WORDS + slot * CELL_WORDS)
        if (sent) {
          words[head + Head.COUNT] = count + 1
          this.#unlockAndWake(head, Head.RECEIVERS, Head.ARRIVALS)
        } else {
          // There is still room: the wake-up this one may have had goes to the next sender.
          this.#unlockAndWake(head, Head.SENDERS, Head.DEPARTURES)
        }
        return sent
      }
      if (!this.#unlockAndWait(channel, Head.SENDERS, Head.DEPARTURES)) return false
    }
  }

  /**
   * Moves a content out of the channel into the cell at index `cell` of `control.cells`, which must
   * be empty; waits while there is none. False when the channel is empty and the run ends. Should
   * others have filled a shared cell meanwhile, their content takes the free place in the channel.
   */
  receive(channel: number, cell: number): boolean {
    const capacity = this.#control.plan.channelCapacities[channel]!
    const head = this.#heads[channel]!
    const words = this.#words
    for (;;) {
      lockWord(words, head + Head.MUTEX)
      const count = words[head + Head.COUNT]!
      if (count > 0) {
        const slot = words[head + Head.FIRST]!
        if (this.#put(head + HEAD_WORDS + slot * CELL_WORDS, cell)) {
          words[head + Head.FIRST] = (slot + 1) % capacity
          words[head + Head.COUNT] = count - 1
          this.#unlockAndWake(head, Head.SENDERS, Head.DEPARTURES)
        } else {
          this.#unlockAndWake(head, Head.RECEIVERS, Head.ARRIVALS)
        }
        return true
      }
      if (!this.#unlockAndWait(channel, Head.RECEIVERS, Head.ARRIVALS)) return false
    }
  }

  /** Cell to ring. False when another lab thread has emptied the shared cell meanwhile. */
  #take(cell: number, slot: number): boolean {
    const cells = this.#cells
    const shared = cell >= this.#sharedFrom
    const block = shared ? claimCell(cells, cell) : cells[cell + Cell.BLOCK]!
    this.#words[slot + Cell.BLOCK] = block
    for (let field = Cell.REQUESTED; field <= Cell.STAMP; field++) {
      this.#words[slot + field] = cells[cell + field]!
    }
    if (shared) releaseCell(cells, cell, 0)
    else cells[cell + Cell.BLOCK] = 0
    return block !== 0
  }

  /** Ring to cell. False when the cell was not empty: its old content is in the ring now. */
  #put(slot: number, cell: number): boolean {
    const cells = this.#cells
    const shared = cell >= this.#sharedFrom
    const old = shared ? claimCell(cells, cell) : cells[cell + Cell.BLOCK]!
    const block = this.#words[slot + Cell.BLOCK]!
    for (let field = Cell.REQUESTED; field <= Cell.STAMP; field++) {
      const kept = cells[cell + field]!
      cells[cell + field] = this.#words[slot + field]!
      this.#words[slot + field] = kept
    }
    this.#words[slot + Cell.BLOCK] = old
    if (shared) releaseCell(cells, cell, block)
    else cells[cell + Cell.BLOCK] = block
    return old === 0
  }

  /** Lets go of the mutex, and wakes one of those who wait at `turn`, if any do. */
  #unlockAndWake(head: number, waiters: number, turn: number): void {
    const words = this.#words
    const waiting = words[head + waiters]!
    if (waiting === 0) {
      unlockWord(words, head + Head.MUTEX)
      return
    }
    words[head + waiters] = waiting - 1
    Atomics.add(words, head + turn, 1)
    unlockWord(words, head + Head.MUTEX)
    Atomics.notify(words, head + turn, 1)
  }

  /**
   * Called with the mutex held. The waiter is counted and `turn` read before it lets go, so whoever
   * changes the ring afterwards sees it and moves `turn` on: a wait that begins too late returns at
   * once. The caller looks again after waking, since somebody else may have been quicker. False
   * when the run ends: channels are open then.
   */
  #unlockAndWait(channel: number, waiters: number, turnWord: number): boolean {
    const words = this.#words
    const state = this.#control.words
    const head = this.#heads[channel]!
    const turn = Atomics.load(words, head + turnWord)
    words[head + waiters] = words[head + waiters]! + 1
    unlockWord(words, head + Head.MUTEX)
    this.#parking.enterWait(SeatState.CHANNEL, channel)
    while (
      Atomics.load(words, head + turnWord) === turn &&
      Atomics.load(state, ControlWord.STATE) === RunState.RUNNING
    ) {
      futexWait(words, head + turnWord, turn, WAIT_SLICE_MS)
    }
    this.#parking.leaveWait()
    return Atomics.load(state, ControlWord.STATE) === RunState.RUNNING
  }
}
