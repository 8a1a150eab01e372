/**
 * What an allocator design is, and what it may ask of the process it runs in.
 *
 * A design is code over shared words. All its state lies in the words, thread caches included; what
 * an isolate holds beside them (views, a bound arena) can be rebuilt from them at any time.
 */
import type { Event } from '../lab/words/events.ts'
import { MappingKind, Protection } from '../lab/words/mapping.ts'
import type { Block, SharedWords, WordIndex } from '../lab/words/units.ts'
import type { TunableSpecs } from './tunables.ts'

/** Names one row of the lab's lock table; stored by designs beside the mutex word. */
export type LockId = number & { readonly [lockId]: true }
declare const lockId: unique symbol

// Defined beside the other shared layouts, because the modelled kernel keeps them too.
export { MappingKind, Protection }

/**
 * The modelled process, as designs see it. One implementation per isolate, so that call sites stay
 * monomorphic. System calls take and give word indices for addresses and bytes for lengths;
 * WORD_NULL is the failure value (errno ENOMEM) unless said otherwise.
 */
export interface Process {
  /** The heap. */
  readonly words: SharedWords
  /** CPUs online, as the modelled process sees them. */
  readonly cores: number
  readonly pageBytes: number
  /** Start of the design's static data (zeroed, resident only where touched). */
  readonly dataStart: WordIndex
  /** False once a second thread has ever been started (glibc: SINGLE_THREAD_P). */
  readonly singleThreaded: boolean
  /** vm.overcommit_memory is 2: allocators then give address space back too. Absent: it is not. */
  readonly strictOvercommit?: boolean

  // ── pages ──────────────────────────────────────────────────────────────────────────────────
  /** Must precede an access that may be the first to its page: makes that one page resident. */
  touch(word: WordIndex): void
  /** `touch` for every page of [word, word + words). */
  touchRange(word: WordIndex, words: number): void
  /** As `touch`, for a read: an untouched page becomes the zero page (a fault, but not RSS). */
  touchRead(word: WordIndex): void
  touchReadRange(word: WordIndex, words: number): void

  // ── system calls ───────────────────────────────────────────────────────────────────────────
  /** Moves the break; the old break, or WORD_NULL (as glibc's MORECORE failure). 0 asks only. */
  sbrk(deltaBytes: number): WordIndex
  /** As sbrk, without a system call where glibc's `__curbrk` would do (sbrk(0)). */
  currentBrk(): WordIndex
  /** Anonymous private mapping; `hint` WORD_NULL lets the kernel place it (top-down first fit). */
  mmap(hint: WordIndex, bytes: number, protection: Protection, kind: MappingKind): WordIndex
  /** MAP_FIXED over what is there: fresh pages with this protection (glibc's shrink_heap). */
  mmapFixed(at: WordIndex, bytes: number, protection: Protection, kind: MappingKind): boolean
  /** False when the range is malformed. Unmapped parts of the range are no error, as in Linux. */
  munmap(at: WordIndex, bytes: number): boolean
  /** MREMAP_MAYMOVE. */
  mremap(at: WordIndex, oldBytes: number, newBytes: number): WordIndex
  mprotect(at: WordIndex, bytes: number, protection: Protection): boolean
  madviseDontNeed(at: WordIndex, bytes: number): boolean
  madviseFree(at: WordIndex, bytes: number): boolean

  // ── locks and atomics ──────────────────────────────────────────────────────────────────────
  /** Registers the mutex at `word` under a name such as `arena 3`; any thread. */
  makeLock(word: WordIndex, name: string): LockId
  lock(word: WordIndex, id: LockId): void
  /** True when taken. */
  tryLock(word: WordIndex, id: LockId): boolean
  unlock(word: WordIndex, id: LockId): void
  atomicLoad(word: WordIndex): number
  atomicStore(word: WordIndex, value: number): void
  /** The value before. */
  atomicExchange(word: WordIndex, value: number): number
  /** The value before. */
  atomicAdd(word: WordIndex, delta: number): number
  /** True when `expected` was there and `desired` now is. */
  compareAndSwap(word: WordIndex, expected: number, desired: number): boolean

  // ── the rest ───────────────────────────────────────────────────────────────────────────────
  /** Nanoseconds: real, virtual, or the trace's. */
  now(): number
  /** Adds to the calling thread's counters. Not for every malloc: for what happens now and then. */
  count(event: Event, times?: number): void
  /** A rare event with two figures, for the event log ("arena 3 made"). */
  log(event: Event, a: number, b: number): void
  /** Ends the run as corrupted, with the real allocator's words. Never returns. */
  abort(message: string): never
}

/** Who a `ThreadHeap` is for. */
export interface ThreadInfo {
  /** Lab thread number; 0 is the process's main thread. */
  readonly thread: number
  /** Place among the threads alive at once. */
  readonly seat: number
  /** This thread's TLS block: `TLS_WORDS` words, zeroed before the thread starts. */
  readonly tls: WordIndex
}
/** Words of TLS a design has for itself, per thread. */
export const TLS_WORDS = 64

/** The malloc family of one lab thread. Only that lab thread calls it. */
export interface ThreadHeap {
  /** A block of at least `bytes`, or BLOCK_NULL. */
  malloc(bytes: number): Block
  calloc(count: number, bytes: number): Block
  /** BLOCK_NULL on failure (the old block lives on), or when `bytes` is 0 (glibc: it is freed). */
  realloc(block: Block, bytes: number): Block
  memalign(alignment: number, bytes: number): Block
  /** `free(BLOCK_NULL)` does nothing. */
  free(block: Block): void
  /** Bytes the caller may use. */
  usableSize(block: Block): number
  /** malloc_trim(pad) or the design's equivalent; true when memory went back. */
  trim(padBytes: number): boolean
  /**
   * The thread ends: caches go back, the arena is detached. Only `free` may still be called: a
   * detached thread's own DTV is freed that late (glibc: __nptl_free_tcb).
   */
  exit(): void
}

// ── what inspect tells ──────────────────────────────────────────────────────────────────────────

/** What a stretch of a design's memory is. Every mapped byte of a design has one. */
export const RegionKind = {
  /** Part of a block the workload may hold: `words` is the usable part. */
  USABLE: 0,
  /** Chunk headers, size-class padding outside `USABLE`, guard words. */
  OVERHEAD: 1,
  /** Free, in a thread's cache. */
  THREAD_CACHE: 2,
  /** Free, in a bin, list, span or slab. */
  FREE: 3,
  /** Free, at the end of its heap: what a trim could return. */
  TOP: 4,
  /** The allocator's own state: arena headers, caches' tables, page maps. */
  STATE: 5,
  /** Address space kept in reserve (PROT_NONE): never resident. */
  RESERVE: 6,
} as const
export type RegionKind = (typeof RegionKind)[keyof typeof RegionKind]

/**
 * Receives a design's memory piece by piece, in address order within a heap. `arena` is an index
 * into `HeapReport.arenas`, -1 for blocks in mappings of their own and for shared state.
 */
export type RegionVisitor = (
  start: WordIndex,
  words: number,
  kind: RegionKind,
  arena: number,
) => void

export interface BinReport {
  /** `fast 32`, `unsorted`, `small 48`, `large 1024`, `class 7`, … */
  readonly name: string
  readonly chunks: number
  readonly bytes: number
}

/** One stretch of address space an arena holds: the brk heap, a 64 MiB heap, a group of spans. */
export interface HeapExtent {
  readonly start: WordIndex
  /** Bytes in use by the design (readable and writable). */
  readonly bytes: number
  /** Bytes of address space, reserve included. */
  readonly reservedBytes: number
}

export interface ArenaReport {
  readonly name: string
  readonly lock: LockId
  readonly attachedThreads: number
  /** Bytes got from the system. */
  readonly systemBytes: number
  /** Bytes in chunks handed out (usable sizes and headers). */
  readonly inUseBytes: number
  readonly freeBytes: number
  readonly topBytes: number
  readonly threadCacheBytes: number
  readonly chunksInUse: number
  readonly chunksFree: number
  readonly heaps: readonly HeapExtent[]
  readonly bins: readonly BinReport[]
}

export interface HeapReport {
  readonly design: string
  /** True when the walk was cut: too many steps, or state caught in the middle of an op. */
  readonly partial: boolean
  readonly arenas: readonly ArenaReport[]
  /** Blocks in mappings of their own. */
  readonly mappedBlocks: number
  readonly mappedBytes: number
  /** The design's own totals, under its own names (mallinfo2's, tcmalloc's waterfall, …). */
  readonly totals: Readonly<Record<string, number>>
}

/**
 * The cheap figures of one arena: read without locks while the run goes on, so only roughly true.
 */
export interface ArenaGlance {
  readonly systemBytes: number
  readonly topBytes: number
  readonly attachedThreads: number
  readonly lock: LockId
}

/** A broken structural invariant. */
export interface Violation {
  /** The invariant, as its equation or sentence stands in the layout file. */
  readonly invariant: string
  /** Where, and what was found: `arena 2, chunk 0x1f0040: size 0, expected ≥ 32`. */
  readonly where: string
}

/** One chunk of an arena, or one span: what a design cuts its memory into. */
export interface ChunkEntry {
  readonly words: number
  /** In words: `in use`, `unsorted`, `top`, `class 512, 7 of 16 in use`. */
  readonly state: string
  /** As they stand in ptmalloc's size field: P 1, M 2, A 4; 0 elsewhere. */
  readonly flags: number
  /** What malloc returned for it, when it is in use and may be the workload's; else 0. */
  readonly block: WordIndex
}

/** The last regions of an arena's newest heap that `inspect` visited, headers left out. */
export interface ArenaTail {
  readonly arena: number
  /** First words of the regions, in address order; the last one is the top. */
  readonly starts: readonly WordIndex[]
  readonly kinds: readonly RegionKind[]
  /** Regions of the heap before them. */
  readonly left: number
}

/** The highest chunks of an arena's newest heap: each starts where the one before ends. */
export interface ChunkList {
  /** Index into `HeapReport.arenas`. */
  readonly arena: number
  readonly start: WordIndex
  /** Chunks below them that are not listed. */
  readonly left: number
  readonly chunks: readonly ChunkEntry[]
}

/** An allocator design. `T` is its tunables, all resolved to numbers. */
export interface Design<T = Readonly<Record<string, number>>> {
  readonly name: string
  readonly summary: string
  readonly tunables: TunableSpecs<T>
  /** Bytes of static data it wants between page 1 and the brk heap, for this many seats. */
  readonly dataBytes: number
  /**
   * Modules with thread-local storage in a process that runs under it, libc included; 1 when
   * absent. Starting a thread callocs a DTV of 16 + this many entries of 16 bytes.
   */
  readonly tlsModules?: number
  /** Adjusts tunables to a run before it starts (`heap_max`); says what it changed, if anything. */
  fit?(tunables: T, run: FitRequest): Fitted<T>
  /** Lays out the state in the words, once, before any thread runs. */
  boot(process: Process, tunables: T): void
  /** Any isolate: rebuilds everything from words and tunables. */
  attach(process: Process, tunables: T, thread: ThreadInfo): ThreadHeap
  /** At a safepoint: no locks, bounded walk. `visit` gets every byte the design has mapped. */
  inspect(process: Process, tunables: T, visit?: RegionVisitor): HeapReport
  /**
   * At a safepoint, after `inspect`: the last `most` chunks of every arena. `tails` are the last
   * regions of arenas that end in a top, so that no second walk is needed. Not shown when absent.
   */
  chunks?(process: Process, tunables: T, most: number, tails: readonly ArenaTail[]): ChunkList[]
  /** At a safepoint: every structural invariant of the design. */
  check(process: Process, tunables: T): Violation[]
  /** Any time, without locks: bounded, a few words per arena. Not shown when absent. */
  glance?(process: Process, tunables: T): ArenaGlance[]
}

/** What `fit` made of the tunables. */
export interface Fitted<T> {
  readonly tunables: T
  /** One line for the user when something was changed. */
  readonly notice: string | undefined
  /** VmSize of an arena heap counts this many times: nominal HEAP_MAX_SIZE ÷ the lowered one. */
  readonly arenaHeapScale: number
}

/** What `fit` may look at. */
export interface FitRequest {
  readonly heapBytes: number
  readonly cores: number
  /** Lab threads alive at once. */
  readonly threads: number
}
