/**
 * A heap: a mapping of heap_max bytes at a multiple of heap_max, of which a growing part at its
 * start is usable (glibc arena.c, struct _heap_info). Non-main arenas live in chains of them.
 *
 *   byte 0        8      16     24              32         40        48
 *       ┌────────┬──────┬──────┬───────────────┬──────────┬─────────┬─────────────────────────┐
 *       │ ar_ptr │ prev │ size │ mprotect_size │ pagesize │ padding │ first heap: the arena … │
 *       └────────┴──────┴──────┴───────────────┴──────────┴─────────┴─────────────────────────┘
 *
 * Sizes are in words. size ≤ mprotect_size ≤ heap_max; [0, size) is in use, [size, mprotect_size)
 * is writable but given back by madvise, the rest has no access. ptmalloc2's heap_info ends at byte
 * 32: it has no mprotect_size of its own, and keeps it equal to size.
 */
import type { WordIndex } from '../../lab/words/units.ts'

/** Word index of a heap_info, which is the start of its heap. */
export type HeapInfo = WordIndex & { readonly [heapInfo]: true }
declare const heapInfo: unique symbol
export const HEAP_NONE = 0 as HeapInfo

export const HeapWord = {
  AR_PTR: 0,
  PREV: 2,
  SIZE: 4,
  MPROTECT_SIZE: 6,
} as const
/** sizeof (heap_info): 48 bytes. */
export const GLIBC_HEAP_INFO_WORDS = 12
/** Gloger's: 32 bytes. */
export const PTMALLOC2_HEAP_INFO_WORDS = 8

/** HEAP_MIN_SIZE: what a new heap makes usable at least. */
export const HEAP_MIN_BYTES = 32 * 1024
/** HEAP_MAX_SIZE of glibc on 64 bits: twice DEFAULT_MMAP_THRESHOLD_MAX. */
export const HEAP_MAX_BYTES = 64 * 1024 * 1024
