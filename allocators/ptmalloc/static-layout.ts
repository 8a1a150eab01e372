/**
 * What the real allocator keeps in libc's data segment: main_arena, the counters of mp_, and the
 * lists of arenas. It lies at the start of the process's static data and is never touched, since
 * the real one's pages are libc's and not the heap's.
 *
 * The tables at the end are the lab's: what the real one does not need to find again, but inspect
 * and check do. Sizes are in words of 4 bytes. What tunables fix for the whole run (top_pad,
 * mxfast, …) is not here: every isolate has it from the tunables.
 */
import { PTMALLOC2_ARENA_WORDS } from './arena-layout.ts'

const AFTER_MAIN_ARENA = PTMALLOC2_ARENA_WORDS

/** Word offsets from the process's `dataStart`. Locks' words stand alone, their ids beside them. */
export const StaticWord = {
  /** main_arena, for either design. */
  MAIN_ARENA: 0,
  /** mp_.mmap_threshold and mp_.trim_threshold: words; both may move (dynamic threshold). */
  MMAP_THRESHOLD: AFTER_MAIN_ARENA,
  TRIM_THRESHOLD: AFTER_MAIN_ARENA + 1,
  N_MMAPS: AFTER_MAIN_ARENA + 2,
  MAX_N_MMAPS: AFTER_MAIN_ARENA + 3,
  MMAPPED_MEM: AFTER_MAIN_ARENA + 4,
  MAX_MMAPPED_MEM: AFTER_MAIN_ARENA + 5,
  /** First address the brk heap gave. */
  SBRK_BASE: AFTER_MAIN_ARENA + 6,
  /** 1 once libc has asked the kernel where the break is (__curbrk). */
  BRK_KNOWN: AFTER_MAIN_ARENA + 7,
  /** Arenas, the main one included. */
  NARENAS: AFTER_MAIN_ARENA + 8,
  /** arena_get2's static limit; 0 until it is computed. */
  NARENAS_LIMIT: AFTER_MAIN_ARENA + 9,
  /** Arenas no thread is attached to, newest first, through next_free. */
  FREE_LIST: AFTER_MAIN_ARENA + 10,
  FREE_LIST_LOCK: AFTER_MAIN_ARENA + 11,
  FREE_LIST_LOCK_ID: AFTER_MAIN_ARENA + 12,
  LIST_LOCK: AFTER_MAIN_ARENA + 13,
  LIST_LOCK_ID: AFTER_MAIN_ARENA + 14,
  /** reused_arena's static next_to_use: where the round robin goes on. */
  NEXT_TO_USE: AFTER_MAIN_ARENA + 15,
  /** Where the next aligned heap may fit, 0 when unknown. */
  ALIGNED_HEAP_AREA: AFTER_MAIN_ARENA + 16,
  /** Runs of memory the main arena has had, and where each starts: see segments.ts. */
  SEGMENTS: AFTER_MAIN_ARENA + 17,
  SEGMENT_STARTS: AFTER_MAIN_ARENA + 64,
  /** ptmalloc2: the arena that any thread but the main one used last (USE_TSD_DATA_HACK). */
  SHARED_LAST_ARENA: AFTER_MAIN_ARENA + 20,
  /** 1 once lab thread 0 has been attached: main_arena starts with one thread, which is it. */
  MAIN_THREAD_SEEN: AFTER_MAIN_ARENA + 19,
  /** Where the next mapped chunk looks for a place in the table below. */
  MAPPED_CURSOR: AFTER_MAIN_ARENA + 18,
  /** TLS blocks of attached threads by seat, 0 when there is none. */
  SEATS: 2048,
  /** Mapped chunks, 0 where there is none: see registry.ts. */
  MAPPED: 8192,
} as const

/** Places in the tables of segments, seats and mapped chunks. */
export const SEGMENTS_MAX = 1024
export const SEATS_MAX = 4096
export const MAPPED_MAX = 65536
/** Bytes of static data: 288 KiB, most of it tables that cost nothing until used. */
export const STATIC_BYTES = 288 * 1024

/** Word of a thread's TLS: what glibc keeps in `__thread` variables of malloc. */
export const TlsWord = {
  THREAD_ARENA: 0,
  /** The tcache_perthread_struct, 0 before its first use. */
  TCACHE: 1,
  TCACHE_SHUTTING_DOWN: 2,
  /** 1 once a ThreadHeap has been attached to this TLS block. */
  ATTACHED: 3,
  /** Lab thread number. */
  THREAD: 4,
} as const
