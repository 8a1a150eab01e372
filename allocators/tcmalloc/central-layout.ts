/**
 * One central free list, one per size class: the spans of the class, and the transfer cache.
 *
 *   word  0      1        2       4 … 15   16 … 27    28      30
 *        ┌──────┬────────┬───────┬────────┬──────────┬───────┬─────────┐
 *        │ lock │ lockId │ class │ full   │ nonempty │ spans │ counter │
 *        └──────┴────────┴───────┴────────┴──────────┴───────┴─────────┘
 *                                  heads of lists of spans without, with free blocks
 *   word  32 … 287             288         289     290
 *        ┌────────────────────┬───────────┬───────┬──────────┐
 *        │ 64 × (head, tail)  │ usedSlots │ slots │ slotsMax │
 *        └────────────────────┴───────────┴───────┴──────────┘
 *
 * sizeof(CentralFreeListPadded) in gperftools 2.10 (src/central_freelist.h): 1216 bytes, 304 words.
 * All fields are protected by `lock`; usedSlots and slots are also read without it, as a hint.
 *
 * Invariants:
 *   counter = free blocks in the spans of `nonempty`
 *   spans = spans in `full` and `nonempty`; a span is in `full` exactly when objects = NULL
 *   usedSlots <= slots <= slotsMax <= 64; each used slot holds a chain of one batch of blocks
 */
import type { WordIndex } from '../../lab/words/units.ts'
import { CENTRAL_WORDS, StaticArray } from './static-layout.ts'

export const Central = {
  LOCK: 0,
  LOCK_ID: 1,
  SIZE_CLASS: 2,
  /** The real one calls this list `empty_`: spans without a free block. */
  FULL: 4,
  NONEMPTY: 16,
  SPANS: 28,
  COUNTER: 30,
  SLOTS: 32,
  USED_SLOTS: 288,
  SLOT_COUNT: 289,
  SLOTS_MAX: 290,
} as const

/** One slot of the transfer cache: a chain of one batch of blocks. */
export const Slot = { HEAD: 0, TAIL: 2 } as const
export const SLOT_WORDS = 4
/** kMaxNumTransferEntries */
export const SLOTS_LIMIT = 64

/** The central free list of a class. */
export const centralOf = (dataStart: WordIndex, sizeClass: number): WordIndex =>
  (dataStart + StaticArray.CENTRAL + sizeClass * CENTRAL_WORDS) as WordIndex
