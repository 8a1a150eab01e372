/**
 * A thread's cache: tcache_perthread_struct, 640 bytes in a chunk of 656 (0x290) that the thread
 * gets from its arena on first use.
 *
 *   byte 0                       128                                              640
 *       ┌───────────────────────┬────────────────────────────────────────────────┐
 *       │ room of counts[64]    │ entries[64]: low word newest block, high count │
 *       └───────────────────────┴────────────────────────────────────────────────┘
 *
 * The real counts are 16-bit numbers at the start; here each stands in the unused high word of its
 * entry, where one index reaches both. A cached chunk's fd word is the next entry and its bk word a
 * key that marks it as cached, so that most double frees are found.
 *
 * Invariant: count of a bin === length of its list ≤ tcache_count.
 */
import { ChunkWord, HEADER_WORDS } from './chunk-layout.ts'

export const TCACHE_BINS_MAX = 64
export const TCACHE_BYTES = 640
export const TCACHE_WORDS = 160

/** Word offset of bin 0's entry; bin i is 2 i further, its count one after it. */
export const TCACHE_ENTRIES = 32
export const TCACHE_COUNT = 1

/** In a cached chunk, seen from its chunk. */
export const CachedWord = { NEXT: ChunkWord.FD, KEY: ChunkWord.BK } as const
/** The same, seen from its user block, as tcache entries are linked. */
export const EntryWord = { NEXT: ChunkWord.FD - HEADER_WORDS, KEY: ChunkWord.BK - HEADER_WORDS }

/**
 * The mark of a cached chunk. The real one is random per process; it only has to be unlike user
 * data, because a match is confirmed by walking the list.
 */
export const TCACHE_KEY = 0x5ca1ab1e
