/** The thread cache's lists (glibc malloc.c: tcache_put, tcache_get). */
import type { Block } from '../../lab/words/units.ts'
import { ALIGN_MASK, type Chunk, HEADER_WORDS } from './chunk-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { tcacheIndex } from './size-class.ts'
import { CachedWord, EntryWord, TCACHE_COUNT, TCACHE_ENTRIES, TCACHE_KEY } from './tcache-layout.ts'

/**
 * Word of the entry for chunks of `size` in the thread's cache: a bin's *slot*. 0 when the thread
 * has no cache, and for sizes that it does not hold.
 */
export function tcacheSlot(m: Ptmalloc, size: number): number {
  const index = tcacheIndex(size)
  if (m.tcache === 0 || index >= m.tcacheBins) return 0
  return (m.tcache + TCACHE_ENTRIES + index * 2) | 0
}

/** Is there a bin, and has it room for another chunk? */
export const tcacheHasRoom = (m: Ptmalloc, slot: number): boolean =>
  slot !== 0 && m.words[slot + TCACHE_COUNT]! < m.tcacheCount

/** Puts a chunk into a bin, which must have room. Its links must be resident. */
export function tcachePut(m: Ptmalloc, p: Chunk, slot: number): void {
  const { words } = m
  const count = slot + TCACHE_COUNT
  words[p + CachedWord.KEY] = TCACHE_KEY
  words[p + CachedWord.NEXT] = words[slot]!
  words[slot] = p + HEADER_WORDS
  words[count] = words[count]! + 1
}

/** Takes the newest chunk out of a bin, which must have one; gives its user block. */
export function tcacheGet(m: Ptmalloc, slot: number): Block {
  const { words } = m
  const count = slot + TCACHE_COUNT
  const entry = words[slot]! as Block
  if ((entry & ALIGN_MASK) !== 0) m.abort('malloc(): unaligned tcache chunk detected')
  words[slot] = words[entry + EntryWord.NEXT]!
  words[count] = words[count]! - 1
  words[entry + EntryWord.KEY] = 0
  return entry
}

/**
 * A chunk being freed carries the key: either its user wrote that value, or it is in the cache
 * already. Walks the bin to find out.
 */
export function checkTcacheDoubleFree(m: Ptmalloc, p: Chunk, slot: number): void {
  const { words } = m
  const mem = p + HEADER_WORDS
  let seen = 0
  let entry = words[slot]!
  for (; entry !== 0; entry = words[entry + EntryWord.NEXT]!) {
    if (seen >= m.tcacheCount) m.abort('free(): too many chunks detected in tcache')
    if ((entry & ALIGN_MASK) !== 0) m.abort('free(): unaligned chunk detected in tcache 2')
    if (entry === mem) m.abort('free(): double free detected in tcache 2')
    seen++
  }
}
