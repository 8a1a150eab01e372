/**
 * The one way in which the lab's own waits put an isolate to sleep. A machine on which only one
 * lab thread runs at a time replaces it: there, who waits must let another go on.
 */
import type { SharedWords } from '../words/units.ts'

/**
 * Returns when `words[at]` is no longer `seen`, when somebody has notified the word, after `ms`, or
 * for no reason: the caller looks again.
 */
export type Wait = (words: SharedWords, at: number, seen: number, ms: number) => void

let wait: Wait = (words, at, seen, ms) => {
  Atomics.wait(words, at, seen, ms)
}

export const futexWait: Wait = (words, at, seen, ms) => wait(words, at, seen, ms)

/** From now on every wait of this isolate is this one. Before its first lab thread. */
export function replaceFutexWait(replacement: Wait): void {
  wait = replacement
}
