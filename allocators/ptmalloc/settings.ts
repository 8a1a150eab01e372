import { wordsOfBytes } from '../../lab/words/units.ts'

/** What tunables fix for a whole run, in the units the code uses. */
export interface Settings {
  /** Largest fastbin chunk, in words (0 would be no chunk). */
  readonly maxFast: number
  /** M_PERTURB: 0 for none. */
  readonly perturb: number
  readonly topPadBytes: number
  readonly mmapMax: number
  /** Start values, in words; INT32_MAX stands for every larger one. */
  readonly mmapThreshold: number
  readonly trimThreshold: number
  /** True when one of the four that switch the dynamic mmap threshold off was set. */
  readonly noDynThreshold: boolean
  readonly arenaTest: number
  /** 0: 8 × cores, once more than arenaTest arenas exist. */
  readonly arenaMax: number
  readonly tcacheBins: number
  readonly tcacheCount: number
  /** 0: no limit. */
  readonly tcacheUnsortedLimit: number
  readonly heapMaxBytes: number
  /** ptmalloc2: started threads share one memory of the arena used last. */
  readonly sharesLastArena: boolean
}

/** Thresholds no size reaches. */
export const WORDS_LIMIT = 0x7fffffff

/** A threshold of `bytes` (negative: the largest size_t, as mallopt(3) takes it) in words. */
export function thresholdWords(bytes: number): number {
  if (bytes < 0) return WORDS_LIMIT
  return Math.min(wordsOfBytes(bytes), WORDS_LIMIT)
}
