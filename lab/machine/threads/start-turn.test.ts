/**
 * Goal: a started lab thread begins when a core is free, and never waits for good. Method: waits
 * are replaced by what the other lab threads and the clock do meanwhile.
 */
import { expect, it } from 'vitest'
import { replaceFutexWait } from '../../sync/futex.ts'
import {
  type Control,
  ControlWord,
  createControl,
  RunState,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../../words/control.ts'
import { takeTurn } from './start-turn.ts'

const CORES = 2
/** Of the lab thread that begins. */
const SEAT = 4
let now = 0

/** A run whose first seats are in these states. */
function runWith(...states: readonly SeatState[]): Control {
  const control = createControl({
    seats: 5,
    heapBytes: 4096,
    mappingsMax: 1,
    locksMax: 1,
    cellsPerSeat: 1,
    tableCells: 0,
    channelCapacities: [],
    barriers: 0,
    runQueueSlots: 1,
    logEntries: 1,
  })
  control.words[ControlWord.STATE] = RunState.RUNNING
  for (const [seat, state] of states.entries()) setState(control, seat, state)
  return control
}

const setState = (control: Control, seat: number, state: SeatState): void => {
  control.seats[seat * SEAT_ROW_WORDS + SeatWord.STATE] = state
}

/** Takes a turn; `meanwhile` is what happens in each wait. Gives the waits. */
function turn(control: Control, meanwhile: (ms: number) => void): number {
  let waits = 0
  replaceFutexWait((_words, at, _seen, ms) => {
    if (at !== ControlWord.WAKE) throw new Error('another word is waited for')
    if (++waits > 100) throw new Error('it waits for good')
    meanwhile(ms)
  })
  takeTurn(control, SEAT, CORES, () => now)
  expect(control.words[ControlWord.TURN_LOCK]).toBe(0)
  expect(control.seats[SEAT * SEAT_ROW_WORDS + SeatWord.STATE]).toBe(SeatState.RUNNING)
  return waits
}
const never = (): void => {
  throw new Error('there was nothing to wait for')
}

it('begins at once while a core is free, whoever waits for something', () => {
  expect(turn(runWith(SeatState.RUNNING), never)).toBe(0)
  const { RUNNING, LOCK, JOIN, PARKED } = SeatState
  expect(turn(runWith(RUNNING, LOCK, JOIN, PARKED), never)).toBe(0)
})

it('begins when one of those at work ends, and not before', () => {
  const control = runWith(SeatState.RUNNING, SeatState.RECORDING, SeatState.QUEUED)
  let woken = 0
  const waits = turn(control, () => {
    if (++woken === 3) setState(control, 1, SeatState.ENDED)
  })
  expect(waits).toBe(3)
})

it('begins after a slice at the latest, and waits no longer than is left of it', () => {
  const control = runWith(SeatState.RUNNING, SeatState.RUNNING)
  const asked: number[] = []
  turn(control, (ms) => {
    asked.push(ms)
    now += ms * 1e6 * 0.75
    if (ms < 0.01) now += 1e5
  })
  expect(asked[0]).toBeLessThanOrEqual(10)
  expect(asked).toEqual([...asked].sort((a, b) => b - a))
})

it('leaves when the run is over', () => {
  const control = runWith(SeatState.RUNNING, SeatState.RUNNING)
  control.words[ControlWord.STATE] = RunState.KILLED
  expect(turn(control, never)).toBe(0)
})
