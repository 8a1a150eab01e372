/** The thread cache's lists (glibc malloc.c: tcache_put, tcache_get). */
import type { Block } from '../../lab/words/units.ts'
import { ALIGN_MASK, type Chunk, HEADER_WORDS } from './chunk-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { CachedWord, EntryWord, TCACHE_COUNT, TCACHE_ENTRIES, TCACHE_KEY } from './tcache-layout.ts'

/** Chunks in bin `index` of the thread's cache; the thread must have one. */
export function tcacheCountOf(m: Ptmalloc, index: number): number {
  return m.words[m.tcache + TCACHE_ENTRIES + index * 2 + TCACHE_COUNT]!
}

/** Puts a chunk into bin `index`, which must have room. Its links must be resident. */
export function tcachePut(m: Ptmalloc, p: Chunk, index: number): void {
  const { words } = m
  const slot = m.tcache + TCACHE_ENTRIES + index * 2
  words[p + CachedWord.KEY] = TCACHE_KEY
  words[p + CachedWord.NEXT] = words[slot]!
  words[slot] = p + HEADER_WORDS
  words[slot + TCACHE_COUNT] = words[slot + TCACHE_COUNT]! + 1
}

/** Takes the newest chunk out of bin `index`, which must have one; gives its user block. */
export function tcacheGet(m: Ptmalloc, index: number): Block {
  const { words } = m
  const slot = m.tcache + TCACHE_ENTRIES + index * 2
  const entry = words[slot]! as Block
  if ((entry & ALIGN_MASK) !== 0) m.abort('malloc(): unaligned tcache chunk detected')
  words[slot] = words[entry + EntryWord.NEXT]!
  words[slot + TCACHE_COUNT] = words[slot + TCACHE_COUNT]! - 1
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
