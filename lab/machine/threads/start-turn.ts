/**
 * When a started lab thread begins, while as many as there are cores are at work.
 *
 * A new pthread waits its turn: the kernel's fair scheduler (EEVDF: 0.7 ms × (1 + log2 cores)) lets
 * those before it run for a slice, so that one with half a millisecond of work is often done before
 * the next one begins, and its arena is free again. A worker is no new thread: woken, it competes
 * at once; and a lab thread takes some three times as long for its work as a native one, so that it
 * would outlast its slice. All that were started would then be at work at once, each in an arena
 * of its own, a crowd that never was there: seedservice under glibc ended at 4.25 to 4.9 × live,
 * native at 3.7 to 4.7; with turns at 4.1 to 4.3.
 */
import { futexWait } from '../../sync/futex.ts'
import { lockWord, unlockWord } from '../../sync/word-mutex.ts'
import {
  type Control,
  ControlWord,
  RunState,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../../words/control.ts'
import type { Clock } from '../process.ts'

/** A slice on two cores, times what ops of ours cost more than native ones. */
const TURN_MS = 4
const NS_PER_MS = 1e6

/**
 * Worker, before it carries out the lab thread of `seat`, taken from the run queue. Returns once a
 * core is free, after `TURN_MS` at the latest, and the seat counts as at work; several wait in the
 * order they came.
 */
export function takeTurn(control: Control, seat: number, cores: number, clock: Clock): void {
  const { words, seats } = control
  lockWord(words, ControlWord.TURN_LOCK)
  const end = clock() + TURN_MS * NS_PER_MS
  while (words[ControlWord.STATE]! < RunState.KILLED) {
    // Read before the seats are looked at, so that one that ends in between ends the wait.
    const wake = Atomics.load(words, ControlWord.WAKE)
    const left = (end - clock()) / NS_PER_MS
    if (left <= 0 || seatsAtWork(control) < cores) break
    futexWait(words, ControlWord.WAKE, wake, left)
  }
  // A safepoint that is under way from now on waits for it: it parks when it has begun.
  Atomics.store(seats, seat * SEAT_ROW_WORDS + SeatWord.STATE, SeatState.RUNNING)
  unlockWord(words, ControlWord.TURN_LOCK)
}

function seatsAtWork({ seats, plan }: Control): number {
  let count = 0
  for (let seat = 0; seat < plan.seats; seat++) {
    const state = Atomics.load(seats, seat * SEAT_ROW_WORDS + SeatWord.STATE)
    if (state === SeatState.RUNNING || state === SeatState.RECORDING) count++
  }
  return count
}
