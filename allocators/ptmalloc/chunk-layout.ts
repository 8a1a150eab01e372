/**
 * A chunk: what ptmalloc cuts memory into (glibc malloc.c, struct malloc_chunk). Every field is 8
 * bytes wide, as in the real struct; the model uses its low word.
 *
 *   byte  0            8               16        24        32            40          48
 *        ┌────────────┬───────────────┬─────────┬─────────┬─────────────┬─────────────┬───
 *   free │ prev_size  │ size    A M P │ fd      │ bk      │ fd_nextsize │ bk_nextsize │ …
 *        └────────────┴───────────────┴─────────┴─────────┴─────────────┴─────────────┴───
 *        ┌────────────┬───────────────┬────────────────────────────────────────────────── ─
 *   used │ prev_size  │ size    A M P │ the user's bytes, on into the next chunk's prev_size
 *        └────────────┴───────────────┴────────────────────────────────────────────────── ─
 *   word  0            2               4         6         8             10          12
 *
 * Sizes are counted in words of 4 bytes. A size word holds `words * 2 | flags` (half the real
 * bytes), so that its low three bits are the real flags and 8 GiB fit 32 bits:
 *   P  PREV_INUSE      the chunk below is in use; only when clear is prev_size valid
 *   M  IS_MMAPPED      a mapping of its own; prev_size is then its distance from the mapping
 *   A  NON_MAIN_ARENA  belongs to the arena named by the heap_info at the heap's aligned start
 *
 * Chunks are multiples of 16 bytes at multiples of 16 bytes, so prev_size and size always share a
 * page, and so do fd and bk, and fd_nextsize and bk_nextsize; but each pair may be on a page of its
 * own, which is why code here touches pairs and never whole headers. The links of a chunk of up to
 * a page need no touch: when they are not on the page of its own header, they are on that of the
 * chunk above, and headers are always resident.
 */
import type { WordIndex } from '../../lab/words/units.ts'

/** Word index of a chunk: of its prev_size field. */
export type Chunk = WordIndex & { readonly [chunk]: true }
declare const chunk: unique symbol
export const CHUNK_NONE = 0 as Chunk

/** Word offsets of the fields. */
export const ChunkWord = {
  PREV_SIZE: 0,
  SIZE: 2,
  FD: 4,
  BK: 6,
  FD_NEXTSIZE: 8,
  BK_NEXTSIZE: 10,
} as const

export const PREV_INUSE = 1
export const IS_MMAPPED = 2
export const NON_MAIN_ARENA = 4
export const SIZE_BITS = PREV_INUSE | IS_MMAPPED | NON_MAIN_ARENA

/** One field, 8 bytes: SIZE_SZ. */
export const FIELD_WORDS = 2
/** prev_size and size: CHUNK_HDR_SZ. Also the distance from a chunk to its user block. */
export const HEADER_WORDS = 4
/** sizeof (struct malloc_chunk). */
export const CHUNK_STRUCT_WORDS = 12
/** MALLOC_ALIGNMENT: chunks are multiples of this, at multiples of this. */
export const ALIGN_WORDS = 4
export const ALIGN_MASK = ALIGN_WORDS - 1
/** MINSIZE: the smallest chunk, prev_size to bk. */
export const MIN_CHUNK_WORDS = 8

/** A size word halved and masked with this is the size in words. */
export const SIZE_MASK = ~ALIGN_MASK
/** Size in words of a size word (`words * 2 | flags`). */
export const sizeOfHead = (head: number): number => (head >>> 1) & SIZE_MASK
/** The size word of a chunk. */
export const headOf = (words: number, flags: number): number => (words << 1) | flags
