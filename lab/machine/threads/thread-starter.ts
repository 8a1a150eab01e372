/**
 * Starting and ending lab threads: seats, the run queue, handing over cells, joining. One per
 * worker; what it changes lies in the control buffer.
 */
import { type ThreadHeap, TLS_WORDS } from '../../../allocators/contract.ts'
import { type Parking, wakeAll } from '../../sync/pause.ts'
import { pushEntry, type QueueEntry } from '../../sync/run-queue.ts'
import { Cell } from '../../words/cells.ts'
import {
  CELL_WORDS,
  type Control,
  ControlWord,
  RunState,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../../words/control.ts'
import { Event } from '../../words/events.ts'
import type { LabProcess } from '../process.ts'
import type { SharedRun } from '../shared-run.ts'
import { ThreadLifecycle } from '../thread-lifecycle.ts'

/** In a seat's STARTED_BY: nobody joins it, and: somebody is cleaning it up. */
const NOBODY = 0
const CLAIMED = -1

export interface StarterParts {
  readonly run: SharedRun
  readonly process: LabProcess
  readonly parking: Parking
  readonly roles: number
  readonly stackBytes: number
  /** Called by the lab thread that leaves the run with none alive. */
  readonly announceIdle: () => void
}

export class ThreadStarter {
  readonly #parts: StarterParts
  readonly #control: Control
  readonly #lifecycle: ThreadLifecycle
  /** Lab threads this worker's lab thread has started, by role. */
  #startedByRole: number[] = []

  constructor(parts: StarterParts) {
    this.#parts = parts
    this.#control = parts.run.control
    this.#lifecycle = new ThreadLifecycle(
      parts.run.control,
      parts.process.space,
      parts.run.design.tlsModules,
    )
  }

  /**
   * The main thread of the process, on seat 0: nobody starts or joins it, its stack is the
   * kernel's.
   */
  static placeMain(control: Control, role: number): void {
    const { seats } = control
    control.words[ControlWord.THREADS_CREATED] = 1
    control.words[ControlWord.THREADS_ALIVE] = 1
    seats[SeatWord.THREAD] = 1
    seats[SeatWord.STARTED_BY] = CLAIMED
    seats[SeatWord.ROLE] = role + 1
    seats[SeatWord.STATE] = SeatState.QUEUED
    pushEntry(control, { seat: 0, role, thread: 0, index: 0, handed: 0, text: '{}' })
  }

  /** A new lab thread speaks: it has started nobody. */
  reset(): void {
    this.#startedByRole = new Array<number>(this.#parts.roles).fill(0)
  }

  /**
   * Starts a lab thread; waits while no seat is free. `firstCell` and `cells` name private cells of
   * the starter, which become cells 0, 1, … of the new lab thread.
   */
  start(heap: ThreadHeap, role: number, firstCell: number, cells: number, text: string): void {
    const { process, stackBytes } = this.#parts
    const { words } = this.#control
    const seat = this.#claimSeat(heap)
    if (seat < 0) return
    Atomics.store(words, ControlWord.MULTI_THREADED, 1)
    if (!this.#lifecycle.start(seat, heap, stackBytes)) {
      this.#freeSeat(seat)
      throw new Error('pthread_create failed: no memory for a stack or its DTV')
    }
    const thread = Atomics.add(words, ControlWord.THREADS_CREATED, 1)
    Atomics.add(words, ControlWord.THREADS_ALIVE, 1)
    const row = seat * SEAT_ROW_WORDS
    const { seats } = this.#control
    seats[row + SeatWord.THREAD] = thread + 1
    seats[row + SeatWord.STARTED_BY] = process.self.thread + 1
    seats[row + SeatWord.ROLE] = role + 1
    seats[row + SeatWord.PROGRESS] = 0
    this.#clearTls(seat)
    this.#handOver(firstCell, cells, seat)
    process.count(Event.THREAD_STARTED)
    process.log(Event.THREAD_STARTED, thread, role)
    const index = this.#startedByRole[role]!
    this.#startedByRole[role] = index + 1
    Atomics.store(seats, row + SeatWord.STATE, SeatState.QUEUED)
    pushEntry(this.#control, { seat, role, thread, index, handed: cells, text })
  }

  /** Waits for every lab thread this one started, in the order they were started. */
  joinAll(heap: ThreadHeap): void {
    for (;;) {
      const seat = this.#oldestChild()
      if (seat < 0) return
      if (!this.#waitForEnd(seat)) return
      this.#reap(seat, heap)
    }
  }

  /** The speaking lab thread ends: its heap has been told, its seat waits for the joiner. */
  end(heap: ThreadHeap, entry: QueueEntry): void {
    const { process, parking, announceIdle } = this.#parts
    process.count(Event.THREAD_ENDED)
    process.log(Event.THREAD_ENDED, entry.thread, 0)
    this.#orphanChildren(heap)
    parking.setState(SeatState.ENDED)
    this.#reapOrphan(entry.seat, heap)
    const alive = Atomics.sub(this.#control.words, ControlWord.THREADS_ALIVE, 1) - 1
    wakeAll(this.#control)
    if (alive === 0) announceIdle()
  }

  #claimSeat(heap: ThreadHeap): number {
    const { parking } = this.#parts
    for (;;) {
      const wake = Atomics.load(this.#control.words, ControlWord.WAKE)
      const seat = this.#tryClaimSeat()
      if (seat >= 0) return seat
      if (this.#control.words[ControlWord.STATE] !== RunState.RUNNING) return -1
      // A lab thread of its own that has ended and was not joined yet may hold the seat it needs.
      const child = this.#endedChild()
      if (child >= 0) {
        this.#reap(child, heap)
        continue
      }
      parking.enterWait(SeatState.JOIN, 0)
      parking.waitForWake(wake)
      parking.leaveWait()
    }
  }

  #tryClaimSeat(): number {
    const { seats, plan } = this.#control
    for (let seat = 0; seat < plan.seats; seat++) {
      const at = seat * SEAT_ROW_WORDS + SeatWord.THREAD
      if (Atomics.compareExchange(seats, at, 0, -1) === 0) return seat
    }
    return -1
  }

  #freeSeat(seat: number): void {
    const { seats } = this.#control
    const row = seat * SEAT_ROW_WORDS
    seats[row + SeatWord.STARTED_BY] = CLAIMED
    Atomics.store(seats, row + SeatWord.STATE, SeatState.FREE)
    Atomics.store(seats, row + SeatWord.THREAD, 0)
    wakeAll(this.#control)
  }

  #reap(seat: number, heap: ThreadHeap): void {
    this.#lifecycle.retire(seat, heap)
    this.#freeSeat(seat)
  }

  /** Seat of the lab thread with the lowest number among those this one started; -1 for none. */
  #oldestChild(): number {
    return this.#findChild(() => true)
  }
  #endedChild(): number {
    return this.#findChild((state) => state === SeatState.ENDED)
  }

  #findChild(wanted: (state: number) => boolean): number {
    const { seats, plan } = this.#control
    const me = this.#parts.process.self.thread + 1
    let found = -1
    let lowest = Number.POSITIVE_INFINITY
    for (let seat = 0; seat < plan.seats; seat++) {
      const row = seat * SEAT_ROW_WORDS
      const thread = seats[row + SeatWord.THREAD]!
      if (thread <= 0 || seats[row + SeatWord.STARTED_BY] !== me || thread >= lowest) continue
      if (!wanted(Atomics.load(seats, row + SeatWord.STATE))) continue
      lowest = thread
      found = seat
    }
    return found
  }

  /** False when the run ends first. */
  #waitForEnd(seat: number): boolean {
    const { parking } = this.#parts
    const { seats, words } = this.#control
    const at = seat * SEAT_ROW_WORDS + SeatWord.STATE
    if (Atomics.load(seats, at) === SeatState.ENDED) return true
    parking.enterWait(SeatState.JOIN, seat)
    let wake = Atomics.load(words, ControlWord.WAKE)
    while (
      Atomics.load(seats, at) !== SeatState.ENDED &&
      words[ControlWord.STATE]! < RunState.KILLED
    ) {
      parking.waitForWake(wake)
      wake = Atomics.load(words, ControlWord.WAKE)
    }
    parking.leaveWait()
    return Atomics.load(seats, at) === SeatState.ENDED
  }

  /** Its children go on alone: those that have ended are cleaned up, the others become detached. */
  #orphanChildren(heap: ThreadHeap): void {
    const { seats, plan } = this.#control
    const me = this.#parts.process.self.thread + 1
    for (let seat = 0; seat < plan.seats; seat++) {
      const at = seat * SEAT_ROW_WORDS + SeatWord.STARTED_BY
      if (Atomics.compareExchange(seats, at, me, NOBODY) === me) this.#reapOrphan(seat, heap)
    }
  }

  /**
   * Cleans a seat up that nobody will join, once its lab thread has ended. Called by whoever makes
   * the second of the two facts true, lab thread or starter; both may see both, so one claims it.
   */
  #reapOrphan(seat: number, heap: ThreadHeap): void {
    const { seats } = this.#control
    const row = seat * SEAT_ROW_WORDS
    if (Atomics.load(seats, row + SeatWord.STATE) !== SeatState.ENDED) return
    const startedBy = row + SeatWord.STARTED_BY
    if (Atomics.compareExchange(seats, startedBy, NOBODY, CLAIMED) !== NOBODY) return
    // A lab thread that cleans up after itself has just said ENDED, which counts as parked.
    if (seat === this.#parts.process.self.seat) this.#parts.parking.leaveWait()
    this.#reap(seat, heap)
  }

  #clearTls(seat: number): void {
    const { tls } = this.#parts.run.threadInfo(seat, 0)
    this.#parts.process.touchRange(tls, TLS_WORDS)
    this.#parts.process.words.fill(0, tls, tls + TLS_WORDS)
  }

  /** Empties the new seat's private cells, then moves the handed ones there. */
  #handOver(firstCell: number, count: number, seat: number): void {
    const { cells, plan } = this.#control
    const own = (this.#parts.process.self.seat * plan.cellsPerSeat + firstCell) * CELL_WORDS
    const target = seat * plan.cellsPerSeat * CELL_WORDS
    cells.fill(0, target, target + plan.cellsPerSeat * CELL_WORDS)
    cells.copyWithin(target, own, own + count * CELL_WORDS)
    for (let cell = 0; cell < count; cell++) cells[own + cell * CELL_WORDS + Cell.BLOCK] = 0
  }
}
