/**
 * Placements as machines give them: two 32-bit words a record, one record for each m, c, r, a and k
 * of the trace, in its order. The native replayer writes the same words.
 *
 *   word 0: kind (top 4 bits) and, for
 *     BRK      bits 32 and up of the offset         word 1: low 32 bits of the offset
 *     ARENA    arena number << 12 | hops            word 1: offset in its 64 MiB heap
 *     MAPPED                                        word 1: offset in its page
 *     FOREIGN  number of the region                 word 1: offset in the region
 *     CHECK                                         word 1: figures that follow, as Float64 each
 *     TEXT                                          word 1: bytes that follow, padded to 8
 *     DUMP                                          word 1: pairs that follow
 */
export const Placed = {
  NULL: 0,
  BRK: 1,
  ARENA: 2,
  MAPPED: 3,
  FOREIGN: 4,
  CHECK: 5,
  TEXT: 6,
  DUMP: 7,
} as const
export type Placed = (typeof Placed)[keyof typeof Placed]

export const PLACED_SHIFT = 28
const EXTRA_MASK = 0x0fff_ffff
const HOPS_BITS = 12
const HOPS_MASK = 0xfff
const TWO_32 = 2 ** 32

/** Tags that start the chunks of one heap, in the state hash and in dumps. */
export const STATE_TAG_BRK = 0xb000_0000
export const STATE_TAG_ARENA = 0xa000_0000
/** FNV-1a's offset basis and prime, of the state hash. */
export const STATE_HASH_START = 0x811c_9dc5
export const STATE_HASH_PRIME = 16_777_619

/** Figures of a CHECK record, in order. mallinfo2's nine come first, as a `k` line has them. */
export const CHECK_FIGURES = [
  'arena',
  'ordblks',
  'smblks',
  'hblks',
  'hblkhd',
  'fsmblks',
  'uordblks',
  'fordblks',
  'keepcost',
  'rss',
  'stateHash',
  'vmSize',
  'minorFaults',
  'processRss',
] as const
/** How many of them the model is held to: mallinfo2, rss and the hash of every chunk. */
export const CHECK_COMPARED = 11
/** Names of the figures after those, when the allocator is tcmalloc. */
export const TCMALLOC_FIGURES = [
  'heap_size',
  'current_allocated_bytes',
  'pageheap_free_bytes',
  'pageheap_unmapped_bytes',
  'central_cache_free_bytes',
  'transfer_cache_free_bytes',
  'thread_cache_free_bytes',
  'current_total_thread_cache_bytes',
  'max_total_thread_cache_bytes',
  'pageheap_committed_bytes',
  'pageheap_scavenge_count',
  'pageheap_total_commit_bytes',
  'pageheap_total_decommit_bytes',
  'pageheap_total_reserve_bytes',
] as const

export const placedKind = (word0: number): Placed => (word0 >>> PLACED_SHIFT) as Placed

/** One placement as DESIGN 6 writes it. Not for CHECK, TEXT and DUMP. */
export function placementText(word0: number, word1: number): string {
  const extra = word0 & EXTRA_MASK
  const low = word1 >>> 0
  switch (placedKind(word0)) {
    case Placed.BRK:
      return `M ${extra * TWO_32 + low}`
    case Placed.ARENA:
      return `H${extra >>> HOPS_BITS}.${extra & HOPS_MASK} ${low}`
    case Placed.MAPPED:
      return `P ${low}`
    case Placed.FOREIGN:
      return `F${extra} ${low}`
    default:
      return '0'
  }
}

/** A `k` line of DESIGN 6: nine figures of mallinfo2, then the resident bytes. */
const checkText = (figures: ArrayLike<number>): string =>
  `k ${Array.from({ length: 9 }, (_, i) => figures[i]).join(' ')} # rss ${figures[9]}`

/** What a replay of a whole trace gives. */
export interface ReplayRecords {
  /** Two words a record; word 1 of a CHECK is its index in `checks`. */
  readonly placements: Int32Array
  /** `CHECK_FIGURES` of each checkpoint. */
  readonly checks: readonly Float64Array[]
  /** Pairs (tag or offset, size and flags) of a dumped checkpoint. */
  readonly dumps: readonly Int32Array[]
  /** malloc_info(0)'s XML, or ''. */
  readonly mallocInfo: string
}

/** Placements as DESIGN 6 writes them, one line a record. */
export function* placementLines(records: ReplayRecords): Generator<string> {
  const { placements, checks } = records
  for (let at = 0; at < placements.length; at += 2) {
    const [word0, word1] = [placements[at]!, placements[at + 1]!]
    yield placedKind(word0) === Placed.CHECK
      ? checkText(checks[word1]!)
      : placementText(word0, word1)
  }
}
