/** Who waits for what, and who holds what: what a deadlock or a dead worker is explained with. */
import { lockFigures, locksMade } from '../sync/lock-table.ts'
import { type Control, SEAT_ROW_WORDS, SeatState, SeatWord } from '../words/control.ts'

/** Every lab thread waits: for what, in one line each. */
export function deadlockMessage(control: Control): string {
  const lines = ['deadlock: every lab thread waits and none can go on']
  for (const waiter of waiters(control)) lines.push(`  ${waiter}`)
  return lines.join('\n')
}

/** One line per waiting lab thread: what it waits for, and who holds that. */
function waiters(control: Control): string[] {
  const { seats, plan } = control
  const lines: string[] = []
  for (let seat = 0; seat < plan.seats; seat++) {
    const row = seat * SEAT_ROW_WORDS
    const thread = seats[row + SeatWord.THREAD]! - 1
    const state = seats[row + SeatWord.STATE]!
    const target = seats[row + SeatWord.WAITS_FOR]! - 1
    if (state === SeatState.LOCK) {
      const lock = lockFigures(control, seats[row + SeatWord.WAITS_FOR_LOCK]! - 1)
      const holder = lock.holderThread < 0 ? 'nobody' : `lab thread ${lock.holderThread}`
      lines.push(`lab thread ${thread} waits for lock "${lock.name}", held by ${holder}`)
    } else if (state === SeatState.CHANNEL) {
      lines.push(`lab thread ${thread} waits for channel ${target}`)
    } else if (state === SeatState.BARRIER) {
      lines.push(`lab thread ${thread} waits at barrier ${target}`)
    } else if (state === SeatState.JOIN) {
      lines.push(`lab thread ${thread} waits for the lab threads it started to end`)
    }
  }
  return lines
}

/** Locks held by a lab thread, by name. */
export function locksHeldBy(control: Control, thread: number): string[] {
  const names: string[] = []
  for (let id = 0; id < locksMade(control); id++) {
    const lock = lockFigures(control, id)
    if (lock.holderThread === thread) names.push(lock.name)
  }
  return names
}
