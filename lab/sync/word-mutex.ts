/**
 * The bare mutex of the lab's own structures (channels, run queue): one futex word, no row in the
 * lock table, no figures. Held for a few stores only, never across a wait; it is no lock of the
 * modelled process. The protocol is that of locks.ts.
 */
import type { SharedWords } from '../words/units.ts'
import { futexWait } from './futex.ts'
import { WAIT_SLICE_MS } from './wait-slice.ts'

const FREE = 0
const HELD = 1
const HELD_WITH_WAITERS = 2

/** Returns holding the mutex at `word`. Any isolate. */
export function lockWord(words: SharedWords, word: number): void {
  if (Atomics.compareExchange(words, word, FREE, HELD) === FREE) return
  while (Atomics.exchange(words, word, HELD_WITH_WAITERS) !== FREE) {
    // Woken by `unlockWord`; the exchange looks again, and leaves 2 so that the next one is woken.
    futexWait(words, word, HELD_WITH_WAITERS, WAIT_SLICE_MS)
  }
}

/** Only the holder calls it. */
export function unlockWord(words: SharedWords, word: number): void {
  if (Atomics.exchange(words, word, FREE) === HELD_WITH_WAITERS) Atomics.notify(words, word, 1)
}
