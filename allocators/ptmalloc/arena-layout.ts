/**
 * An arena: struct malloc_state, at its real size and with glibc 2.36's field offsets.
 *
 *   byte 0       4       8                 12        16              96    104
 *       ┌───────┬───────┬─────────────────┬─────────┬───────────────┬─────┬────────────────┐
 *       │ mutex │ flags │ have_fastchunks │ lock id │ fastbinsY[10] │ top │ last_remainder │
 *       └───────┴───────┴─────────────────┴─────────┴───────────────┴─────┴────────────────┘
 *   byte 112               2144        2160   2168        2176               2184         2192
 *       ┌─────────────────┬───────────┬──────┬───────────┬──────────────────┬────────────┬─────
 *       │ bins[254]       │ binmap[4] │ next │ next_free │ attached_threads │ system_mem │ max_
 *       └─────────────────┴───────────┴──────┴───────────┴──────────────────┴────────────┴─────
 *
 * The word after have_fastchunks is padding in the real struct; here it names the arena's row of
 * the lab's lock table. system_mem and max_system_mem are in words. ptmalloc2's arenas keep the
 * same offsets but have Gloger's sizeof (2240 bytes), so that their chunks start where his do.
 *
 * A bin is a circular list whose header is only an fd and a bk. `binAt` returns the place of the
 * chunk that would have its fd and bk there, so that a header can be linked like any chunk
 * (glibc's "repositioning trick"). Bin 1 is the unsorted list; there is no bin 0. Because bin 1's
 * header starts at `top`, its size field is last_remainder: 0 until first used, which makes it a
 * legal empty top before the arena has any memory (initial_top).
 */
import type { WordIndex } from '../../lab/words/units.ts'
import { type Chunk, ChunkWord } from './chunk-layout.ts'

/** Word index of a malloc_state. */
export type Arena = WordIndex & { readonly [arena]: true }
declare const arena: unique symbol
export const ARENA_NONE = 0 as Arena

/** Word offsets of the fields. */
export const ArenaWord = {
  MUTEX: 0,
  FLAGS: 1,
  HAVE_FASTCHUNKS: 2,
  LOCK_ID: 3,
  FASTBINS: 4,
  TOP: 24,
  LAST_REMAINDER: 26,
  BINS: 28,
  BINMAP: 536,
  NEXT: 540,
  NEXT_FREE: 542,
  ATTACHED_THREADS: 544,
  SYSTEM_MEM: 546,
  MAX_SYSTEM_MEM: 548,
} as const
/** sizeof (struct malloc_state): 2200 bytes. */
export const GLIBC_ARENA_WORDS = 550
/** sizeof (struct malloc_state) of Gloger's ptmalloc2 on 64 bits: 2240 bytes. */
export const PTMALLOC2_ARENA_WORDS = 560

/** In FLAGS: the brk heap may no longer be taken for one contiguous run. */
export const NONCONTIGUOUS_BIT = 2

export const FASTBINS = 10
export const BINS = 128
export const UNSORTED_BIN = 1
/** Words of binmap, 32 bins each. */
export const BINMAP_WORDS = 4
export const BINS_PER_MAP_WORD = 32

const BIN_WORDS = 4
const UNSORTED = ArenaWord.BINS - ChunkWord.FD
const FIRST_BIN = UNSORTED - BIN_WORDS

/** Header of bin `index` (1..127), as the chunk whose links it is. */
export const binAt = (av: Arena, index: number): Chunk =>
  ((av + index * BIN_WORDS + FIRST_BIN) | 0) as Chunk
export const unsortedChunks = (av: Arena): Chunk => ((av + UNSORTED) | 0) as Chunk
/** What top is before the arena has memory: an empty chunk made of the unsorted bin's header. */
export const initialTop = (av: Arena): Chunk => unsortedChunks(av)
/** Word of fastbin `index` (0..9): its newest chunk. */
export const fastbinAt = (av: Arena, index: number): WordIndex =>
  ((av + ArenaWord.FASTBINS + index * 2) | 0) as WordIndex
