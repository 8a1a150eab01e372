/**
 * The library's data segment: where each static variable lies, in words from `process.dataStart`.
 *
 *   ┌──────────┬──────────┬─────────────────┬───────────────────┬────────────┬──────────────┐
 *   │ scalars  │ size map │ 128 central     │ 128 × 2 heads of  │ page cache │ page map     │
 *   │          │          │ free lists      │ free span lists   │ 512 KiB    │ root, 1 MiB  │
 *   └──────────┴──────────┴─────────────────┴───────────────────┴────────────┴──────────────┘
 *
 * Follows gperftools 2.10: src/static_vars.cc, page_heap.h, central_freelist.h. The arrays have
 * their real sizes: the library zeroes most of them when it starts, which makes some 1.7 MiB
 * resident in every process that uses it.
 */
import { bytesOfWords, PAGE_BYTES, roundUp, wordsOfBytes } from '../../lab/words/units.ts'
import { CLASSES_MAX } from './size-class.ts'
import { SPAN_WORDS } from './span-layout.ts'

/** Scalars, by word. A lock is the mutex word and, behind it, its lock id. */
export const Static = {
  PAGE_HEAP_LOCK: 0,
  METADATA_LOCK: 2,
  SYSTEM_LOCK: 4,

  // system-alloc.cc. Protected by SYSTEM_LOCK.
  SBRK_FAILED: 6,
  MMAP_FAILED: 7,
  /** TCMalloc_SystemTaken, in tcmalloc pages. */
  SYSTEM_TAKEN_PAGES: 8,
  /** 1 once the environment has been read into flags: the library's constructors have run. */
  FLAGS_READY: 9,

  // common.cc, MetaDataAlloc. Protected by METADATA_LOCK.
  METADATA_NEXT: 10,
  METADATA_LEFT_BYTES: 11,
  METADATA_BYTES: 12,
  /** Entries used of METADATA_CHUNKS. */
  METADATA_CHUNK_COUNT: 13,

  // One `Carver` each. Protected by PAGE_HEAP_LOCK.
  SPAN_CARVER: 16,
  STACK_TRACE_CARVER: 24,
  THREAD_CACHE_CARVER: 32,
  SET_NODE_CARVER: 40,

  /** Newest of the stack traces recorded when the heap grew. */
  GROWTH_STACKS: 48,

  // thread_cache.cc. Protected by PAGE_HEAP_LOCK.
  THREAD_CACHES: 50,
  THREAD_CACHE_COUNT: 51,
  /** The cache the next one in need takes budget from. */
  NEXT_STEAL: 52,
  OVERALL_CACHE_BYTES: 53,
  /** OVERALL_CACHE_BYTES less the sum of all caches' maxBytes; may be negative. */
  UNCLAIMED_CACHE_BYTES: 54,
  /** The main thread's cache, made before main: taken over by lab thread 0. */
  MAIN_THREAD_CACHE: 55,
  /** The main thread's first cache, lost when thread-local storage came into use. */
  ORPHAN_CACHE: 57,

  /** central_freelist.cc, race_counter: written without a lock, on purpose. */
  EVICT_COUNTER: 56,

  // page_heap.h, stats_ and scavenging; pages of 8 KiB. Protected by PAGE_HEAP_LOCK.
  SYSTEM_PAGES: 64,
  FREE_PAGES: 65,
  UNMAPPED_PAGES: 66,
  COMMITTED_PAGES: 67,
  SCAVENGE_COUNT: 68,
  COMMIT_COUNT: 69,
  DECOMMIT_COUNT: 70,
  RESERVE_COUNT: 71,
  SCAVENGE_COUNTER: 72,
  RELEASE_INDEX: 73,
  /** Pages committed, decommitted and reserved in the process's lifetime. */
  TOTAL_COMMIT_PAGES: 77,
  TOTAL_DECOMMIT_PAGES: 78,
  TOTAL_RESERVE_PAGES: 79,
  /** Roots of the sets of free spans longer than the lists go. */
  LARGE_NORMAL: 74,
  LARGE_RETURNED: 76,
} as const

/** kMaxPages: span lengths up to here have a list each; longer spans are in two ordered sets. */
export const LISTED_PAGES_MAX = 128

/** Entries of the page cache (PackedCache, kHashbits 16), and words of one: 8 bytes. */
export const PAGE_CACHE_ENTRIES = 65_536
export const PAGE_CACHE_ENTRY_WORDS = 2
/** Entries of the page map's root: 48-bit addresses, 13 bits of page, 18 of leaf. */
export const ROOT_ENTRIES = 131_072
export const ROOT_ENTRY_WORDS = 2

/** sizeof(CentralFreeListPadded): 1216 bytes. */
export const CENTRAL_WORDS = 304
/** sizeof(SizeMap): 2169 bytes by request, then three tables by class. */
const SIZE_MAP_WORDS = roundUp(wordsOfBytes(2169) + CLASSES_MAX * 4 + 2, 16)

/** Chunks of metadata that are remembered for `inspect`; the real one forgets where they are. */
export const METADATA_CHUNKS_MAX = 512

const METADATA_CHUNKS = 80
const SCALAR_WORDS = METADATA_CHUNKS + METADATA_CHUNKS_MAX
const SIZE_MAP = SCALAR_WORDS
const CENTRAL = roundUp(SIZE_MAP + SIZE_MAP_WORDS, 16)
const FREE_LISTS = CENTRAL + CLASSES_MAX * CENTRAL_WORDS
const PAGE_CACHE = FREE_LISTS + LISTED_PAGES_MAX * 2 * SPAN_WORDS
const ROOT = PAGE_CACHE + PAGE_CACHE_ENTRIES * PAGE_CACHE_ENTRY_WORDS
const END = ROOT + ROOT_ENTRIES * ROOT_ENTRY_WORDS

/** Where the arrays start, in words from `process.dataStart`. */
export const StaticArray = {
  METADATA_CHUNKS,
  SIZE_MAP,
  CENTRAL,
  FREE_LISTS,
  PAGE_CACHE,
  ROOT,
  END,
} as const

/** Bytes of static data, in whole pages. */
export const STATIC_BYTES = roundUp(bytesOfWords(END), PAGE_BYTES)
