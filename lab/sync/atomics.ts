/**
 * The atomic operations on shared words, under their names. Designs and the lab use these and never
 * `Atomics` itself: the explore machine switches threads here, and `Atomics` refuses its proxies.
 */
import type { SharedWords } from '../words/units.ts'

export const atomicLoad = (words: SharedWords, word: number): number => Atomics.load(words, word)

export function atomicStore(words: SharedWords, word: number, value: number): void {
  Atomics.store(words, word, value)
}

/** The value before. */
export const atomicExchange = (words: SharedWords, word: number, value: number): number =>
  Atomics.exchange(words, word, value)

/** The value before. */
export const atomicAdd = (words: SharedWords, word: number, delta: number): number =>
  Atomics.add(words, word, delta)

/** The value before: the exchange happened when it equals `expected`. */
export const atomicCompareExchange = (
  words: SharedWords,
  word: number,
  expected: number,
  desired: number,
): number => Atomics.compareExchange(words, word, expected, desired)
