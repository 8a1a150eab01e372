/** Step 3 of sysmalloc: the main arena grows by the break, or by a mapping where it cannot. */

import { bytesOfWords, WORD_NULL, type WordIndex, wordsOfBytes } from '../../lab/words/units.ts'
import { MappingKind, Protection } from '../contract.ts'
import { type Arena, ArenaWord, NONCONTIGUOUS_BIT } from './arena-layout.ts'
import {
  ALIGN_MASK,
  ALIGN_WORDS,
  type Chunk,
  HEADER_WORDS,
  MIN_CHUNK_WORDS,
  PREV_INUSE,
} from './chunk-layout.ts'
import { morecore } from './morecore.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { addSegment } from './segments.ts'
import { StaticWord } from './static-layout.ts'

/** MMAP_AS_MORECORE_SIZE: the least that is mapped in place of the break. */
const MMAP_AS_MORECORE_BYTES = 1024 * 1024

/** Extends or replaces the top so that `nb` fits, if the system has the memory. */
export function extendMainArena(m: Ptmalloc, nb: number, av: Arena): void {
  const oldSize = m.size(m.top(av))
  const joins = m.contiguous(av)
  // Enough for `nb`, top_pad and MINSIZE, less what the old top has if they will join.
  const needed = m.requestWords(nb) + m.topPadWords + MIN_CHUNK_WORDS
  const size = m.pagesUp(joins ? needed - oldSize : needed)
  const at = morecore(m, bytesOfWords(size))
  if (at !== WORD_NULL) useGrant(m, av, at, size, WORD_NULL)
  else mapAsMorecore(m, av, joins ? m.pagesUp(size + oldSize) : size)
}

/** The break cannot move: a mapping stands in. */
function mapAsMorecore(m: Ptmalloc, av: Arena, words: number): void {
  const size = Math.max(words, wordsOfBytes(MMAP_AS_MORECORE_BYTES))
  const { READ_WRITE } = Protection
  const map = m.process.mmap(WORD_NULL, bytesOfWords(size), READ_WRITE, MappingKind.BRK_HEAP)
  if (map === WORD_NULL) return
  // From now on the brk heap may have holes: tops are never taken to join again.
  const flags = av + ArenaWord.FLAGS
  m.words[flags] = m.words[flags]! | NONCONTIGUOUS_BIT
  useGrant(m, av, map, size, (map + size) as WordIndex)
}

/** The system gave `size` words from `at` on; `end` is known only for a mapping. */
function useGrant(m: Ptmalloc, av: Arena, at: WordIndex, size: number, end: WordIndex): void {
  const oldTop = m.top(av)
  const oldSize = m.size(oldTop)
  const oldEnd = chunkAt(oldTop, oldSize)
  if (m.static(StaticWord.SBRK_BASE) === 0) m.setStatic(StaticWord.SBRK_BASE, at)
  m.addSystemMem(av, size)
  if (at === oldEnd && end === WORD_NULL) {
    m.setHead(oldTop, size + oldSize, PREV_INUSE)
    return
  }
  if (m.contiguous(av) && oldSize !== 0 && at < oldEnd) {
    m.abort('break adjusted to free malloc space')
  }
  startNewTop(m, av, at, size, end)
}

/**
 * The new memory does not join the old top: the first time, after somebody else moved the break,
 * or for a mapping. Aligns its start, asks for more so that it ends with a page, makes it the top,
 * and closes the old top with two fenceposts.
 */
function startNewTop(
  m: Ptmalloc,
  av: Arena,
  at: WordIndex,
  size: number,
  mappedEnd: WordIndex,
): void {
  const oldTop = m.top(av)
  const oldSize = m.size(oldTop)
  let start = at
  let end = mappedEnd
  let correction = 0
  if (m.contiguous(av)) {
    if (oldSize !== 0) m.addSystemMem(av, at - (oldTop + oldSize))
    const misaligned = at & ALIGN_MASK
    if (misaligned !== 0) {
      correction = ALIGN_WORDS - misaligned
      start = (start + correction) as WordIndex
    }
    correction += oldSize
    const wanted = at + size + correction
    correction += m.pagesUp(wanted) - wanted
    end = morecore(m, bytesOfWords(correction))
    if (end === WORD_NULL) {
      correction = 0
      end = morecore(m, 0)
    }
  } else if (end === WORD_NULL) {
    end = morecore(m, 0)
  }
  if (end === WORD_NULL) return

  addSegment(m, at, mappedEnd !== WORD_NULL)
  const top = start as WordIndex as Chunk
  m.setTop(av, top)
  m.touchHeader(top)
  m.setHead(top, end - start + correction, PREV_INUSE)
  m.addSystemMem(av, correction)
  if (oldSize !== 0) fenceOff(m, av, oldTop, oldSize)
}

/** Ends the old top with two chunks of 16 bytes that are never free, and frees what is before. */
function fenceOff(m: Ptmalloc, av: Arena, oldTop: Chunk, oldSize: number): void {
  const rest = (oldSize - 2 * HEADER_WORDS) & ~ALIGN_MASK
  m.setHead(oldTop, rest, PREV_INUSE)
  setFence(m, chunkAt(oldTop, rest))
  setFence(m, chunkAt(oldTop, rest + HEADER_WORDS))
  if (rest >= MIN_CHUNK_WORDS) m.rules.intFreeLocked(m, av, oldTop)
}

function setFence(m: Ptmalloc, fence: Chunk): void {
  m.touchHeader(fence)
  m.setHead(fence, HEADER_WORDS, PREV_INUSE)
}
