/**
 * A thread's cache: a list of free blocks per size class, and the budget for all of them.
 *
 *   word  0 ……………… 1023         1024    1025       1026 … 1031   1032   1036   1038
 *        ┌──────────────────────┬───────┬──────────┬────────────┬──────┬──────┬──────┐
 *        │ 128 free lists       │ bytes │ maxBytes │ (sampler)  │ tid  │ next │ prev │
 *        └──────────────────────┴───────┴──────────┴────────────┴──────┴──────┴──────┘
 *   a free list, 8 words
 *        ┌──────┬───┬────────┬──────────┬───────────┬──────────┬────────────┬───┐
 *        │ head │ – │ length │ lowWater │ maxLength │ overages │ blockBytes │ – │
 *        └──────┴───┴────────┴──────────┴───────────┴──────────┴────────────┴───┘
 *
 * 4160 bytes, as `class ThreadCache` of gperftools 2.10 (src/thread_cache.h). Its thread alone
 * uses the lists and `bytes`, plainly. `maxBytes`, `next` and `prev` are protected by the page
 * heap's lock (another thread may take budget away; the owner reads maxBytes without the lock).
 *
 * Invariants:
 *   bytes = sum over the lists of length × blockBytes
 *   length = blocks on the list; lowWater <= length; maxLength >= 1
 */

export const ThreadCacheWord = {
  BYTES: 1024,
  MAX_BYTES: 1025,
  THREAD: 1032,
  NEXT: 1036,
  PREV: 1038,
} as const
export const THREAD_CACHE_WORDS = 1040

export const FreeList = {
  HEAD: 0,
  LENGTH: 2,
  LOW_WATER: 3,
  MAX_LENGTH: 4,
  OVERAGES: 5,
  BLOCK_BYTES: 6,
} as const
export const FREE_LIST_WORDS = 8

/** Words of a thread's TLS block that tcmalloc uses. */
export const Tls = { CACHE: 0 } as const
