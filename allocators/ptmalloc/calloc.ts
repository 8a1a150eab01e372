/** What calloc must clear: not what the kernel just gave as zero pages (glibc: __libc_calloc). */
import { type WordIndex, wordsOfBytes } from '../../lab/words/units.ts'
import type { Arena } from './arena-layout.ts'
import { ArenaWord } from './arena-layout.ts'
import { type Chunk, FIELD_WORDS, HEADER_WORDS, IS_MMAPPED } from './chunk-layout.ts'
import { HeapWord } from './heap-layout.ts'
import { zeroWords } from './memory-ops.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { StaticWord } from './static-layout.ts'

/**
 * How many words from the top's start on may have been used before, in glibc: the top itself, and
 * in a heap what it once had and gave back by madvise. Beyond lies memory fresh from the kernel;
 * what the break gives is fresh even where it had been before (MORECORE_CLEARS is 2 on Linux).
 */
export function glibcDirtyTop(m: Ptmalloc, av: Arena): number {
  const top = m.top(av)
  if (av === m.main) return m.size(top)
  const heap = m.heapForPtr(top)
  return Math.max(m.size(top), heap + m.words[heap + HeapWord.MPROTECT_SIZE]! - top)
}

/**
 * The same in ptmalloc2, which trusts the break less: there all that the main arena ever had counts
 * as used (MORECORE_CLEARS is 1). A heap's given-back part is always mapped anew.
 */
export function ptmalloc2DirtyTop(m: Ptmalloc, av: Arena): number {
  const top = m.top(av)
  const size = m.size(top)
  if (av !== m.main) return size
  const max = m.words[av + ArenaWord.MAX_SYSTEM_MEM]!
  return Math.max(size, m.static(StaticWord.SBRK_BASE) + max - top)
}

/**
 * Clears a new block of `bytes`. `dirtyWords` is the dirty part of the top before the malloc when
 * the chunk is the old top, else negative. A mapped chunk is zero already, unless M_PERTURB filled
 * it.
 */
export function clearBlock(m: Ptmalloc, p: Chunk, bytes: number, dirtyWords: number): void {
  const mem = (p + HEADER_WORDS) as WordIndex
  if ((m.head(p) & IS_MMAPPED) !== 0) {
    if (m.perturb !== 0) zeroWords(m, mem, wordsOfBytes(bytes))
    return
  }
  let size = m.size(p)
  if (m.perturb === 0 && dirtyWords >= 0 && size > dirtyWords) size = dirtyWords
  zeroWords(m, mem, size - FIELD_WORDS)
}
