/**
 * What is counted. A seat's counter row is a run of `Float64` figures, one per name below, written
 * by that seat's lab thread alone and summed by readers; exact to 2^53.
 *
 * `Counter` figures are written by the lab itself, `Event` figures by designs through
 * `process.count(Event.X)`. Both live in one row, so that a reader needs one table.
 */
export const Counter = {
  /** Ops carried out, empty ones included. */
  OPS: 0,
  MALLOCS: 1,
  FREES: 2,
  /** Frees by another lab thread than the one that allocated. */
  REMOTE_FREES: 3,
  /** Requested bytes held: + at malloc, - at free; a seat's own figure may be negative. */
  LIVE_BYTES: 4,
  LIVE_BLOCKS: 5,
  /** Usable bytes of the blocks held (what the design reserved for them). */
  USABLE_BYTES: 6,
  /** malloc, calloc, realloc or memalign that returned NULL. */
  FAILED_ALLOCATIONS: 7,
  /** Ops on an empty cell, which did nothing. */
  EMPTY_OPS: 8,
  MINOR_FAULTS: 9,
  SYS_BRK: 10,
  SYS_MMAP: 11,
  SYS_MUNMAP: 12,
  SYS_MREMAP: 13,
  SYS_MPROTECT: 14,
  SYS_MADVISE: 15,
  /** Nanoseconds spent waiting for allocator locks. */
  LOCK_WAIT_NS: 16,
  LOCK_WAITS: 17,
  /** tryLock calls that found the lock held. */
  TRYLOCK_FAILURES: 18,
  /**
   * Nanoseconds of the run that recording took: those of a batch, ÷ the lab threads that were at
   * work meanwhile.
   */
  RECORDING_NS: 19,
  /** Bytes the workload asked for, in all (never reduced). */
  REQUESTED_BYTES: 21,
  /** Nanoseconds waiting for the mmap_lock of the modelled kernel. */
  KERNEL_WAIT_NS: 22,
  /** Of a loop role while `ControlWord.MEASURING`: nanoseconds of whole laps, and their mallocs. */
  MEASURED_NS: 23,
  MEASURED_MALLOCS: 24,
  /** Nanoseconds a malloc of the median lap: without the laps other programs ran in. */
  MEASURED_LAP_NS: 25,
} as const
export type Counter = (typeof Counter)[keyof typeof Counter]

const EVENT_BASE = 32
/** What designs report. The virtual machine turns each into a cost. */
export const Event = {
  ARENA_NEW: EVENT_BASE + 0,
  ARENA_REUSED: EVENT_BASE + 1,
  /** A thread moved to another arena after a failed allocation or a held lock. */
  ARENA_SWITCHED: EVENT_BASE + 2,
  HEAP_NEW: EVENT_BASE + 3,
  HEAP_DELETED: EVENT_BASE + 4,
  HEAP_GROWN: EVENT_BASE + 5,
  HEAP_SHRUNK: EVENT_BASE + 6,
  /** systrim gave main-arena top memory back. */
  TRIM: EVENT_BASE + 7,
  CONSOLIDATE: EVENT_BASE + 8,
  /** Chunks looked at while sorting the unsorted list; counted in one call per malloc. */
  UNSORTED_STEPS: EVENT_BASE + 9,
  /** Chunks looked at while walking one bin. */
  BIN_STEPS: EVENT_BASE + 10,
  MMAP_CHUNK: EVENT_BASE + 11,
  MUNMAP_CHUNK: EVENT_BASE + 12,
  CACHE_REFILL: EVENT_BASE + 13,
  CACHE_FLUSH: EVENT_BASE + 14,
  SPAN_NEW: EVENT_BASE + 15,
  SPAN_FREED: EVENT_BASE + 16,
  LIST_STEPS: EVENT_BASE + 17,
  BYTES_COPIED: EVENT_BASE + 18,
  THREAD_STARTED: EVENT_BASE + 19,
  THREAD_ENDED: EVENT_BASE + 20,
} as const
export type Event = (typeof Event)[keyof typeof Event]

/** Float64 figures in a counter row: a multiple of 8, so that a row fills whole cache lines. */
export const COUNTER_ROW = 64

/** Names of the figures, by their place in the row. */
export const COUNTER_NAMES: readonly (string | undefined)[] = namesByPlace()

function namesByPlace(): (string | undefined)[] {
  const names: (string | undefined)[] = new Array(COUNTER_ROW).fill(undefined)
  for (const [name, place] of [...Object.entries(Counter), ...Object.entries(Event)]) {
    names[place] = name.toLowerCase()
  }
  return names
}
