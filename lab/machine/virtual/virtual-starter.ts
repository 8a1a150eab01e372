/**
 * Starting, joining and ending lab threads in simulated time: what thread-starter.ts of the threads
 * machine does with real waits, in the same order, so that heaps see the same calls.
 */
import { type ThreadHeap, TLS_WORDS } from '../../../allocators/contract.ts'
import type { QueueEntry } from '../../sync/run-queue.ts'
import { Cell } from '../../words/cells.ts'
import {
  CELL_WORDS,
  type Control,
  ControlWord,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../../words/control.ts'
import { Event } from '../../words/events.ts'
import type { SharedRun } from '../shared-run.ts'
import { ThreadLifecycle } from '../thread-lifecycle.ts'
import type { Costs } from './costs.ts'
import type { VirtualProcess } from './virtual-process.ts'

const NOBODY = 0
const CLAIMED = -1

/** What a lab thread is started with. */
export interface StartOrder {
  readonly role: number
  readonly index: number
  /** Private cells of the starter that move: the first, and how many. */
  readonly firstCell: number
  readonly cells: number
  /** Arguments as JSON. */
  readonly text: string
}

export class VirtualStarter {
  readonly #run: SharedRun
  readonly #control: Control
  readonly #process: VirtualProcess
  readonly #lifecycle: ThreadLifecycle
  readonly #stackBytes: number
  readonly #costs: Costs

  constructor(run: SharedRun, process: VirtualProcess, stackBytes: number, costs: Costs) {
    this.#run = run
    this.#control = run.control
    this.#process = process
    this.#stackBytes = stackBytes
    this.#costs = costs
    this.#lifecycle = new ThreadLifecycle(run.control, process.space, run.design.tlsModules)
  }

  /** The main thread, on seat 0: nobody starts or joins it, its stack is the kernel's. */
  placeMain(role: number): QueueEntry {
    const { seats, words } = this.#control
    words[ControlWord.THREADS_CREATED] = 1
    words[ControlWord.THREADS_ALIVE] = 1
    seats[SeatWord.THREAD] = 1
    seats[SeatWord.STARTED_BY] = CLAIMED
    seats[SeatWord.ROLE] = role + 1
    seats[SeatWord.STATE] = SeatState.QUEUED
    return { seat: 0, role, thread: 0, index: 0, handed: 0, text: '{}' }
  }

  /** A free seat, or one of an ended lab thread of its own; -1 when it has to wait for one. */
  findSeat(heap: ThreadHeap): number {
    const free = this.#freeSeatNow()
    if (free >= 0) return free
    const child = this.#child(true)
    if (child < 0) return -1
    this.reap(child, heap)
    return this.#freeSeatNow()
  }

  /**
   * What allocate_stack takes before it callocs the DTV: others run meanwhile. False when a stack
   * in the cache fits.
   */
  prepareStack(): boolean {
    if (!this.#lifecycle.needsStack(this.#stackBytes)) return false
    this.#process.chargeStack()
    return true
  }

  /** Starts a lab thread on a free seat. It may run when the op is over. */
  start(seat: number, heap: ThreadHeap, order: StartOrder): QueueEntry {
    const process = this.#process
    const { words, seats } = this.#control
    words[ControlWord.MULTI_THREADED] = 1
    process.charge(this.#costs.threadStart)
    if (!this.#lifecycle.start(seat, heap, this.#stackBytes)) {
      throw new Error('pthread_create failed: no memory for a stack or its DTV')
    }
    const thread = words[ControlWord.THREADS_CREATED]!
    words[ControlWord.THREADS_CREATED] = thread + 1
    words[ControlWord.THREADS_ALIVE]!++
    const row = seat * SEAT_ROW_WORDS
    seats[row + SeatWord.THREAD] = thread + 1
    seats[row + SeatWord.STARTED_BY] = process.self.thread + 1
    seats[row + SeatWord.ROLE] = order.role + 1
    seats[row + SeatWord.STATE] = SeatState.QUEUED
    this.#clearTls(seat)
    this.#handOver(order.firstCell, order.cells, seat)
    process.count(Event.THREAD_STARTED)
    process.log(Event.THREAD_STARTED, thread, order.role)
    const { role, index, text } = order
    return { seat, role, thread, index, handed: order.cells, text }
  }

  /** Seat of the lab thread with the lowest number among those the speaker started; -1 for none. */
  oldestChild(): number {
    return this.#child(false)
  }
  hasEnded(seat: number): boolean {
    return this.#control.seats[seat * SEAT_ROW_WORDS + SeatWord.STATE] === SeatState.ENDED
  }

  reap(seat: number, heap: ThreadHeap): void {
    this.#lifecycle.retire(seat, heap)
    this.#free(seat)
  }

  #free(seat: number): void {
    const { seats } = this.#control
    const row = seat * SEAT_ROW_WORDS
    seats[row + SeatWord.STARTED_BY] = CLAIMED
    seats[row + SeatWord.STATE] = SeatState.FREE
    seats[row + SeatWord.THREAD] = 0
  }

  /** The speaking lab thread ends: its heap has been told. Its seat is its own until `leave`. */
  end(heap: ThreadHeap, entry: QueueEntry): void {
    const { seats, plan } = this.#control
    const process = this.#process
    process.count(Event.THREAD_ENDED)
    process.log(Event.THREAD_ENDED, entry.thread, 0)
    process.charge(this.#costs.threadEnd)
    for (let seat = 0; seat < plan.seats; seat++) {
      const at = seat * SEAT_ROW_WORDS + SeatWord.STARTED_BY
      if (seats[at] !== entry.thread + 1) continue
      // Its children go on alone: those that have ended are cleaned up, the others are detached.
      seats[at] = NOBODY
      if (this.hasEnded(seat)) this.reap(seat, heap)
    }
  }

  /** Will anybody join it? */
  isOrphan(seat: number): boolean {
    return this.#control.seats[seat * SEAT_ROW_WORDS + SeatWord.STARTED_BY] === NOBODY
  }
  /** An orphan cleans up after itself. */
  retire(seat: number, heap: ThreadHeap): void {
    this.#lifecycle.retire(seat, heap)
  }

  /** The seat is free, or waits to be joined. How many lab threads are left alive. */
  leave(seat: number): number {
    const { words, seats } = this.#control
    if (this.isOrphan(seat)) this.#free(seat)
    else seats[seat * SEAT_ROW_WORDS + SeatWord.STATE] = SeatState.ENDED
    return --words[ControlWord.THREADS_ALIVE]!
  }

  #freeSeatNow(): number {
    const { seats, plan } = this.#control
    for (let seat = 0; seat < plan.seats; seat++) {
      if (seats[seat * SEAT_ROW_WORDS + SeatWord.THREAD] === 0) return seat
    }
    return -1
  }

  #child(ended: boolean): number {
    const { seats, plan } = this.#control
    const me = this.#process.self.thread + 1
    let found = -1
    let lowest = Number.POSITIVE_INFINITY
    for (let seat = 0; seat < plan.seats; seat++) {
      const row = seat * SEAT_ROW_WORDS
      const thread = seats[row + SeatWord.THREAD]!
      if (thread <= 0 || seats[row + SeatWord.STARTED_BY] !== me || thread >= lowest) continue
      if (ended && !this.hasEnded(seat)) continue
      lowest = thread
      found = seat
    }
    return found
  }

  #clearTls(seat: number): void {
    const { tls } = this.#run.threadInfo(seat, 0)
    this.#process.touchRange(tls, TLS_WORDS)
    this.#process.words.fill(0, tls, tls + TLS_WORDS)
  }

  /** Empties the new seat's private cells, then moves the handed ones there. */
  #handOver(firstCell: number, count: number, seat: number): void {
    const { cells, plan } = this.#control
    const own = (this.#process.self.seat * plan.cellsPerSeat + firstCell) * CELL_WORDS
    const target = seat * plan.cellsPerSeat * CELL_WORDS
    cells.fill(0, target, target + plan.cellsPerSeat * CELL_WORDS)
    cells.copyWithin(target, own, own + count * CELL_WORDS)
    for (let cell = 0; cell < count; cell++) cells[own + cell * CELL_WORDS + Cell.BLOCK] = 0
  }
}
