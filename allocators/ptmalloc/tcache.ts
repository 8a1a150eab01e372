/** The thread cache's lists (glibc malloc.c: tcache_put, tcache_get). */
import type { Block } from '../../lab/words/units.ts'
import { ALIGN_MASK, type Chunk, HEADER_WORDS } from './chunk-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { tcacheIndex } from './size-class.ts'
import { CachedWord, EntryWord, TCACHE_COUNT, TCACHE_ENTRIES, TCACHE_KEY } from './tcache-layout.ts'

/** Word of bin `index`'s entry in the thread's cache. */
const slotOf = (m: Ptmalloc, index: number): number => (m.tcache + TCACHE_ENTRIES + index * 2) | 0

/** Chunks in bin `index` of the thread's cache; the thread must have one. */
export function tcacheCountOf(m: Ptmalloc, index: number): number {
  return m.words[slotOf(m, index) + TCACHE_COUNT]!
}

/** Has the thread a cache with room for another chunk of `size`? */
export function tcacheHasRoom(m: Ptmalloc, size: number): boolean {
  const index = tcacheIndex(size)
  return m.tcache !== 0 && index < m.tcacheBins && tcacheCountOf(m, index) < m.tcacheCount
}

/** Puts a chunk into bin `index`, which must have room. Its links must be resident. */
export function tcachePut(m: Ptmalloc, p: Chunk, index: number): void {
  const { words } = m
  const slot = slotOf(m, index)
  const count = slot + TCACHE_COUNT
  words[p + CachedWord.KEY] = TCACHE_KEY
  words[p + CachedWord.NEXT] = words[slot]!
  words[slot] = p + HEADER_WORDS
  words[count] = words[count]! + 1
}

/** Takes the newest chunk out of bin `index`, which must have one; gives its user block. */
export function tcacheGet(m: Ptmalloc, index: number): Block {
  const { words } = m
  const slot = slotOf(m, index)
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
export function checkTcacheDoubleFree(m: Ptmalloc, p: Chunk, index: number): void {
  const { words } = m
  const mem = p + HEADER_WORDS
  let seen = 0
  let entry = words[m.tcache + TCACHE_ENTRIES + index * 2]!
  for (; entry !== 0; entry = words[entry + EntryWord.NEXT]!) {
    if (seen >= m.tcacheCount) m.abort('free(): too many chunks detected in tcache')
    if ((entry & ALIGN_MASK) !== 0) m.abort('free(): unaligned chunk detected in tcache 2')
    if (entry === mem) m.abort('free(): double free detected in tcache 2')
    seen++
  }
}
