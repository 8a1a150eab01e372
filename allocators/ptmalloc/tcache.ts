/** The thread cache's lists (glibc malloc.c: tcache_put, tcache_get). */
import type { Block } from '../../lab/words/units.ts'
import type { Chunk } from './chunk-layout.ts'
import * as chunk from './chunk-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import * as cache from './tcache-layout.ts'

// Bound once: the engine folds a module's own constants, but loads imported ones each time.
const { ALIGN_MASK, HEADER_WORDS } = chunk
const { TCACHE_COUNT, TCACHE_ENTRIES, TCACHE_KEY } = cache
const { KEY: CACHED_KEY, NEXT: CACHED_NEXT } = cache.CachedWord
const { KEY: ENTRY_KEY, NEXT: ENTRY_NEXT } = cache.EntryWord

/** Chunks in bin `index` of the thread's cache; the thread must have one. */
export function tcacheCountOf(m: Ptmalloc, index: number): number {
  return m.words[m.tcache + TCACHE_ENTRIES + index * 2 + TCACHE_COUNT]!
}

/** Puts a chunk into bin `index`, which must have room. Its links must be resident. */
export function tcachePut(m: Ptmalloc, p: Chunk, index: number): void {
  const { words } = m
  const slot = m.tcache + TCACHE_ENTRIES + index * 2
  words[p + CACHED_KEY] = TCACHE_KEY
  words[p + CACHED_NEXT] = words[slot]!
  words[slot] = p + HEADER_WORDS
  words[slot + TCACHE_COUNT] = words[slot + TCACHE_COUNT]! + 1
}

/** Takes the newest chunk out of bin `index`, which must have one; gives its user block. */
export function tcacheGet(m: Ptmalloc, index: number): Block {
  const { words } = m
  const slot = m.tcache + TCACHE_ENTRIES + index * 2
  const entry = words[slot]! as Block
  if ((entry & ALIGN_MASK) !== 0) m.abort('malloc(): unaligned tcache chunk detected')
  words[slot] = words[entry + ENTRY_NEXT]!
  words[slot + TCACHE_COUNT] = words[slot + TCACHE_COUNT]! - 1
  words[entry + ENTRY_KEY] = 0
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
  for (; entry !== 0; entry = words[entry + ENTRY_NEXT]!) {
    if (seen >= m.tcacheCount) m.abort('free(): too many chunks detected in tcache')
    if ((entry & ALIGN_MASK) !== 0) m.abort('free(): unaligned chunk detected in tcache 2')
    if (entry === mem) m.abort('free(): double free detected in tcache 2')
    seen++
  }
}
