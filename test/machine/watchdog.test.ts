/** The watchdog tells lab threads that can never go on from those that only wait for a core. */
import { expect, it } from 'vitest'
import { Watchdog } from '../../lab/machine/threads/watchdog.ts'
import { LockWord, lockWords, makeLockRow } from '../../lab/sync/lock-table.ts'
import {
  type Control,
  ControlWord,
  createControl,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../../lab/words/control.ts'
import { PAGE_BYTES } from '../../lab/words/units.ts'

const LOOKS = 100

const newControl = (): Control =>
  createControl({
    seats: 3,
    heapBytes: PAGE_BYTES,
    mappingsMax: 4,
    locksMax: 4,
    cellsPerSeat: 1,
    tableCells: 0,
    channelCapacities: [],
    barriers: 0,
    runQueueSlots: 2,
    logEntries: 8,
  })

function seat(control: Control, at: number, state: SeatState, waitsFor = 0): void {
  const row = at * SEAT_ROW_WORDS
  control.seats[row + SeatWord.THREAD] = at + 1
  control.seats[row + SeatWord.STATE] = state
  control.seats[row + SeatWord.WAITS_FOR] = waitsFor + 1
}

const verdictOf = (control: Control): string | undefined => {
  const watchdog = new Watchdog(control)
  for (let look = 0; look < LOOKS; look++) {
    const verdict = watchdog.look(look)
    if (verdict !== undefined) return verdict.kind
  }
  return undefined
}

it('a joiner whose lab thread lives on and waits for ever: deadlock', () => {
  const control = newControl()
  seat(control, 0, SeatState.JOIN, 1)
  seat(control, 1, SeatState.CHANNEL)
  expect(verdictOf(control)).toBe('deadlock')
})

it('a joiner whose lab thread has ended only waits for a core', () => {
  const control = newControl()
  seat(control, 0, SeatState.JOIN, 1)
  seat(control, 1, SeatState.ENDED)
  expect(verdictOf(control)).toBeUndefined()
})

it('who waits for a seat goes on once one is free', () => {
  const control = newControl()
  seat(control, 0, SeatState.CHANNEL)
  seat(control, 1, SeatState.JOIN, 0)
  expect(verdictOf(control)).toBeUndefined()
  seat(control, 2, SeatState.CHANNEL)
  expect(verdictOf(control)).toBe('deadlock')
})

it('a lock that nobody holds is about to be taken; one that is held by a waiter is not', () => {
  const control = newControl()
  const lock = makeLockRow(control, 16, 'arena 1')
  seat(control, 0, SeatState.LOCK)
  control.seats[SeatWord.WAITS_FOR_LOCK] = lock + 1
  expect(verdictOf(control)).toBeUndefined()
  control.int32[lockWords(control, lock) + LockWord.HOLDER] = 1
  expect(verdictOf(control)).toBe('deadlock')
})

it('while a safepoint is under way: who waits for the lock of a waiter never parks', () => {
  const control = newControl()
  const lock = makeLockRow(control, 16, 'arena 1')
  control.words[ControlWord.PAUSE] = 1
  seat(control, 0, SeatState.PARKED)
  seat(control, 1, SeatState.LOCK)
  control.seats[SEAT_ROW_WORDS + SeatWord.WAITS_FOR_LOCK] = lock + 1
  expect(verdictOf(control)).toBeUndefined()
  control.int32[lockWords(control, lock) + LockWord.HOLDER] = 2
  expect(verdictOf(control)).toBe('deadlock')
  seat(control, 2, SeatState.RUNNING)
  expect(verdictOf(control)).toBeUndefined()
})
