/**
 * What the workers of the sync tests do: one task each, over the shared words they are given. It is
 * compiled apart from the package, so that a test can plant a bug in the compiled code.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Barriers, readyAndWait } from '../../lab/sync/barrier.ts'
import { claimCell, releaseCell } from '../../lab/sync/cells.ts'
import { Channels } from '../../lab/sync/channel.ts'
import { Locks, RunEnded, type SyncSelf } from '../../lab/sync/locks.ts'
import { Parking, setRunState } from '../../lab/sync/pause.ts'
import { pushEntry, takeEntryBlocking } from '../../lab/sync/run-queue.ts'
import { Cell } from '../../lab/words/cells.ts'
import {
  CELL_WORDS,
  type Control,
  ControlWord,
  RunState,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
  viewControl,
} from '../../lab/words/control.ts'
import { COUNTER_ROW } from '../../lab/words/events.ts'
import { Scratch, type TaskData } from './tasks.ts'

const data = workerData as TaskData
const { seat, scratch, amount } = data
const control: Control = viewControl({ buffer: data.buffer, start: 0 }, data.plan)
const self: SyncSelf = { seat, thread: seat, counterBase: seat * COUNTER_ROW }
const clock = (): number => Number(process.hrtime.bigint())
const locks = new Locks(control, self, clock)
const parking = new Parking(control, self)
const channels = new Channels(control, parking)
const barriers = new Barriers(control, parking)
const row = seat * SEAT_ROW_WORDS
const myCell = seat * data.plan.cellsPerSeat * CELL_WORDS
const tables = data.plan.seats * data.plan.cellsPerSeat * CELL_WORDS
const asleep = new Int32Array(new SharedArrayBuffer(4))

const { MUTEX, PROTECTED, HOLDER_IN, GO } = Scratch

const isOver = (): boolean => control.words[ControlWord.STATE]! >= RunState.ENDING
/** A small generator: the tests only need workers to differ. */
let randomState = (seat + 1) * 0x9e3779b1
function random(below: number): number {
  randomState ^= randomState << 13
  randomState ^= randomState >>> 17
  randomState ^= randomState << 5
  return (randomState >>> 0) % below
}
const progress = (done: number): void => {
  control.seats[row + SeatWord.PROGRESS] = done
}
function pauseNowAndThen(done: number): void {
  // A holder or sender that loses its CPU is what makes the others wait.
  if (done % 1000 === 999) Atomics.wait(asleep, 0, 0, 0.05)
}

function fillCell(cell: number, token: number): void {
  control.cells[cell + Cell.REQUESTED] = token * 3
  control.cells[cell + Cell.ALLOCATED_BY] = token * 5
  control.cells[cell + Cell.STAMP] = token * 7
  control.cells[cell + Cell.BLOCK] = token
}
function checkCell(cell: number, token: number): void {
  const { cells } = control
  const whole =
    cells[cell + Cell.REQUESTED] === ((token * 3) | 0) &&
    cells[cell + Cell.ALLOCATED_BY] === ((token * 5) | 0) &&
    cells[cell + Cell.STAMP] === ((token * 7) | 0)
  if (!whole) throw new Error('a cell holds the parts of two contents')
}

const tasks: Record<string, () => void> = {
  /** Counts under the lock with plain adds. */
  count() {
    for (let done = 0; done < amount; done++) {
      if (done % 8 === 7) {
        if (!locks.tryLock(scratch, MUTEX, 1)) locks.lock(scratch, MUTEX, 1)
      } else {
        locks.lock(scratch, MUTEX, 1)
      }
      const before = scratch[PROTECTED]!
      pauseNowAndThen(done)
      scratch[PROTECTED] = before + 1
      locks.unlock(scratch, MUTEX, 1)
      progress(done)
    }
  },

  /** Holds the lock until told to go on. */
  hold() {
    locks.lock(scratch, MUTEX, 1)
    Atomics.store(scratch, HOLDER_IN, 1)
    Atomics.wait(scratch, GO, 0)
    locks.unlock(scratch, MUTEX, 1)
  },
  once() {
    locks.lock(scratch, MUTEX, 1)
    locks.unlock(scratch, MUTEX, 1)
  },
  /** Dies with the lock held. */
  die() {
    locks.lock(scratch, MUTEX, 1)
    Atomics.store(scratch, HOLDER_IN, 1)
    process.exit(3)
  },

  /** Sends `amount` tokens of its own; every other one through a shared cell. */
  produce() {
    for (let done = 0; done < amount; done++) {
      const cell = done % 2 === 0 ? myCell : tables + seat * CELL_WORDS
      fillCell(cell, 1 + seat * amount + done)
      if (!channels.send(0, cell)) throw new Error('a content was not sent')
      if (control.cells[cell + Cell.BLOCK] !== 0) throw new Error('a sent content is still there')
      pauseNowAndThen(done)
      progress(done)
    }
  },
  /** Counts in `scratch` how often each token came. */
  consume() {
    for (let done = 0; ; done++) {
      const cell = done % 2 === 0 ? myCell : tables + seat * CELL_WORDS
      if (!channels.receive(0, cell)) return
      const token = control.cells[cell + Cell.BLOCK]!
      checkCell(cell, token)
      control.cells[cell + Cell.BLOCK] = 0
      Atomics.add(scratch, token, 1)
      Atomics.add(scratch, 0, 1)
      pauseNowAndThen(done)
      progress(done)
    }
  },
  /** Hands one token to the next and waits for it to come round. */
  relay() {
    const next = (seat + 1) % data.plan.seats
    if (seat === 0) {
      fillCell(myCell, 1)
      channels.send(next, myCell)
    }
    for (let done = 0; done < amount; done++) {
      if (!channels.receive(seat, myCell)) return
      Atomics.add(scratch, 0, 1)
      progress(done)
      if (!channels.send(next, myCell)) return
    }
  },

  /** Meets the others `amount` times; nobody may be a round ahead or behind. */
  meet() {
    for (let round = 1; round <= amount; round++) {
      scratch[16 * seat] = round
      barriers.wait(0, data.plan.seats)
      for (let other = 0; other < data.plan.seats; other++) {
        const at = Atomics.load(scratch, 16 * other)
        if (at !== round) throw new Error(`round ${round}: lab thread ${other} is in ${at}`)
      }
      barriers.wait(0, data.plan.seats)
      progress(round)
    }
  },
  /** More lab threads than parties: each meeting takes the next ones to come. */
  meetInPairs() {
    for (let round = 0; round < amount; round++) {
      barriers.wait(0, 2)
      if (isOver()) break
      Atomics.add(scratch, 0, 1)
      progress(round)
    }
    parking.setState(SeatState.ENDED)
  },

  /** Swaps contents between random shared cells, and its own with a shared one. */
  swap() {
    const shared = data.plan.tableCells
    for (let done = 0; done < amount; done++) {
      const a = tables + random(shared) * CELL_WORDS
      const b = done % 3 === 0 ? myCell : tables + random(shared) * CELL_WORDS
      if (a !== b) swapCells(a, b)
      pauseNowAndThen(done)
      progress(done)
    }
  },

  /** Ops that count, waits that count as parked: runs until the run ends. */
  runOps() {
    const mine = 16 * seat
    // The first waits often, so that pauses meet waits; the others are met between ops.
    const waitEvery = seat === 0 ? 8 : 4096
    parking.leaveWait()
    for (let done = 0; !isOver(); done++) {
      if (control.words[ControlWord.PAUSE] !== 0) parking.park()
      scratch[mine] = scratch[mine]! + 1
      if (done % waitEvery === 0) {
        parking.enterWait(SeatState.SLEEPING, 0)
        if (done % 64 === 0) Atomics.wait(asleep, 0, 0, 0.02)
        parking.leaveWait()
        scratch[mine] = scratch[mine]! + 1
      }
      progress(done)
    }
    parking.setState(SeatState.ENDED)
  },

  /** Takes lab threads until the run is over; counts each in `scratch`. */
  takeEntries() {
    for (let done = 0; ; done++) {
      const entry = takeEntryBlocking(control)
      if (entry === undefined) return
      const whole = entry.text === `{"token":${entry.thread}}` && entry.role === entry.thread % 7
      if (!whole) throw new Error(`entry ${entry.thread} came as ${entry.text}`)
      Atomics.add(scratch, entry.thread, 1)
      Atomics.add(scratch, 0, 1)
      Atomics.notify(scratch, 0)
      progress(done)
    }
  },

  /** Pushes lab threads 1 to `amount`: sometimes one by one, sometimes several at once. */
  pushEntries() {
    for (let thread = 1; thread <= amount; thread++) {
      const text = `{"token":${thread}}`
      pushEntry(control, { seat: 0, role: thread % 7, thread, index: 0, handed: 0, text })
      const mayLag = thread % 4
      for (let taken = Atomics.load(scratch, 0); taken < thread - mayLag; ) {
        Atomics.wait(scratch, 0, taken)
        taken = Atomics.load(scratch, 0)
      }
      progress(thread)
    }
    setRunState(control, RunState.STOPPED)
  },

  startBarrier() {
    Atomics.add(scratch, 0, readyAndWait(control) ? 1 : 100)
  },
}

/** As the machine does it: two shared cells are claimed in index order. */
function swapCells(a: number, b: number): void {
  const first = Math.min(a, b)
  const second = Math.max(a, b)
  const { cells } = control
  const x = first >= tables ? claimCell(cells, first) : cells[first]!
  const y = second >= tables ? claimCell(cells, second) : cells[second]!
  if (x !== 0) checkCell(first, x)
  for (let field = Cell.REQUESTED; field <= Cell.STAMP; field++) {
    const kept = cells[first + field]!
    cells[first + field] = cells[second + field]!
    cells[second + field] = kept
  }
  if (first >= tables) releaseCell(cells, first, y)
  else cells[first] = y
  if (second >= tables) releaseCell(cells, second, x)
  else cells[second] = x
}

try {
  tasks[data.task]!()
  parentPort!.postMessage({ ok: true, message: '' })
} catch (error) {
  const message = error instanceof RunEnded ? 'RunEnded' : String(error)
  parentPort!.postMessage({ ok: false, message })
}
