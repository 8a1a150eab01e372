/** memset and memcpy of the modelled process: they fault pages in as the real ones do. */
import type { WordIndex } from '../../lab/words/units.ts'
import type { Ptmalloc } from './ptmalloc.ts'

/** Below this a loop is faster than a call into the engine. */
const SMALL_WORDS = 64

/** Zeroes words, every page of them becoming resident. */
export function zeroWords(m: Ptmalloc, at: WordIndex, count: number): void {
  const { words } = m
  m.process.touchRange(at, count)
  if (count > SMALL_WORDS) {
    words.fill(0, at, at + count)
    return
  }
  for (let i = 0; i < count; i++) words[at + i] = 0
}

/** Copies words that do not overlap: reads fault zero pages in, writes fault in real ones. */
export function copyWords(m: Ptmalloc, to: WordIndex, from: WordIndex, count: number): void {
  const { words } = m
  m.process.touchReadRange(from, count)
  m.process.touchRange(to, count)
  if (count > SMALL_WORDS) {
    words.copyWithin(to, from, from + count)
    return
  }
  for (let i = 0; i < count; i++) words[to + i] = words[from + i]!
}
