/**
 * The malloc of one thread, as all functions of this folder see it: the words, the process, what
 * tunables fixed, and the thread's own variables. `m` in their signatures is this object; it plays
 * the part of the file-scope and `__thread` variables of malloc.c.
 *
 * One class for both designs, so that shared code stays monomorphic.
 */

import { type SharedWords, WORD_NULL, type WordIndex, wordsOfBytes } from '../../lab/words/units.ts'
import type { LockId, Process, ThreadInfo } from '../contract.ts'
import { ARENA_NONE, type Arena, ArenaWord, NONCONTIGUOUS_BIT } from './arena-layout.ts'
import { type Chunk, ChunkWord, NON_MAIN_ARENA, PREV_INUSE, SIZE_MASK } from './chunk-layout.ts'
import { type HeapInfo, HeapWord } from './heap-layout.ts'
import type { Rules } from './rules.ts'
import type { Settings } from './settings.ts'
import { NB_HUGE } from './size-class.ts'
import { StaticWord, TlsWord } from './static-layout.ts'

/** What inspect, check and boot pass: they run for no thread. */
export const NO_THREAD: ThreadInfo = { thread: -1, seat: -1, tls: WORD_NULL }

/** Word offset in its page of the last 16 bytes of a page. */
const LAST_GRANULE = 1020
/** Chunks starting here or later in their page have fd_nextsize on the next page. */
const NEXTSIZE_CROSSES = 1016
const PAGE_WORD_MASK = 1023

export class Ptmalloc {
  readonly words: SharedWords
  readonly process: Process
  readonly rules: Rules
  readonly settings: Settings
  /** main_arena. */
  readonly main: Arena
  /** The process's static data: see static-layout.ts. */
  readonly statics: WordIndex
  readonly thread: ThreadInfo

  // ── fixed by tunables ──────────────────────────────────────────────────────────────────────
  /** Largest fastbin chunk in words: global_max_fast. */
  readonly maxFast: number
  readonly perturb: number
  readonly topPadBytes: number
  readonly topPadWords: number
  readonly mmapMax: number
  /** HEAP_MAX_SIZE in words, a power of two. */
  readonly heapMax: number
  readonly pageWords: number
  readonly tcacheBins: number
  readonly tcacheCount: number
  readonly tcacheUnsortedLimit: number
  readonly nextsizeFrom: number
  /** First word beyond the address space. */
  readonly wordsEnd: number

  // ── this thread's ──────────────────────────────────────────────────────────────────────────
  /** thread_arena: ARENA_NONE until the thread has one. Kept in its TLS too. */
  threadArena: Arena = ARENA_NONE
  /** The tcache_perthread_struct, WORD_NULL when there is none. Kept in its TLS too. */
  tcache: WordIndex = WORD_NULL
  tcacheShuttingDown = false
  /** The bytes of the request under way when its padded size is NB_HUGE. */
  hugeBytes = 0
  /** Chunks the malloc under way has sorted into bins (tcache_unsorted_count). */
  unsortedCount = 0

  constructor(process: Process, settings: Settings, rules: Rules, thread: ThreadInfo) {
    this.words = process.words
    this.process = process
    this.rules = rules
    this.settings = settings
    this.statics = process.dataStart
    this.main = (process.dataStart + StaticWord.MAIN_ARENA) as Arena
    this.thread = thread
    this.maxFast = settings.maxFast
    this.perturb = settings.perturb
    this.topPadBytes = settings.topPadBytes
    this.topPadWords = wordsOfBytes(settings.topPadBytes)
    this.mmapMax = settings.mmapMax
    this.heapMax = wordsOfBytes(settings.heapMaxBytes)
    this.pageWords = wordsOfBytes(process.pageBytes)
    this.tcacheBins = settings.tcacheBins
    this.tcacheCount = settings.tcacheCount
    this.tcacheUnsortedLimit = settings.tcacheUnsortedLimit
    this.nextsizeFrom = rules.nextsizeFrom
    this.wordsEnd = process.words.length
  }

  // ── chunks ─────────────────────────────────────────────────────────────────────────────────

  /** The size word: size and flags. */
  head(p: Chunk): number {
    return this.words[p + ChunkWord.SIZE]!
  }
  /** chunksize: in words. */
  size(p: Chunk): number {
    return (this.words[p + ChunkWord.SIZE]! >>> 1) & SIZE_MASK
  }
  setHead(p: Chunk, size: number, flags: number): void {
    this.words[p + ChunkWord.SIZE] = (size << 1) | flags
  }
  prevInuse(p: Chunk): boolean {
    return (this.words[p + ChunkWord.SIZE]! & PREV_INUSE) !== 0
  }
  setPrevInuse(p: Chunk): void {
    const { words } = this
    const at = p + ChunkWord.SIZE
    words[at] = words[at]! | PREV_INUSE
  }
  clearPrevInuse(p: Chunk): void {
    const { words } = this
    const at = p + ChunkWord.SIZE
    words[at] = words[at]! & ~PREV_INUSE
  }
  setNonMainArena(p: Chunk): void {
    const { words } = this
    const at = p + ChunkWord.SIZE
    words[at] = words[at]! | NON_MAIN_ARENA
  }
  /**
   * Size in words of the chunk below; valid only while PREV_INUSE is clear, or for mapped chunks.
   */
  prevSize(p: Chunk): number {
    return this.words[p + ChunkWord.PREV_SIZE]!
  }
  setPrevSize(p: Chunk, size: number): void {
    this.words[p + ChunkWord.PREV_SIZE] = size
  }
  fd(p: Chunk): Chunk {
    return this.words[p + ChunkWord.FD]! as Chunk
  }
  setFd(p: Chunk, to: Chunk): void {
    this.words[p + ChunkWord.FD] = to
  }
  bk(p: Chunk): Chunk {
    return this.words[p + ChunkWord.BK]! as Chunk
  }
  setBk(p: Chunk, to: Chunk): void {
    this.words[p + ChunkWord.BK] = to
  }
  fdNextsize(p: Chunk): Chunk {
    return this.words[p + ChunkWord.FD_NEXTSIZE]! as Chunk
  }
  setFdNextsize(p: Chunk, to: Chunk): void {
    this.words[p + ChunkWord.FD_NEXTSIZE] = to
  }
  bkNextsize(p: Chunk): Chunk {
    return this.words[p + ChunkWord.BK_NEXTSIZE]! as Chunk
  }
  setBkNextsize(p: Chunk, to: Chunk): void {
    this.words[p + ChunkWord.BK_NEXTSIZE] = to
  }

  // ── residency ──────────────────────────────────────────────────────────────────────────────

  /** Before the first write of a chunk's header. */
  touchHeader(p: Chunk): void {
    this.process.touch(p)
  }
  /** Before the first write of fd and bk, of a chunk whose header is resident. */
  touchLinks(p: Chunk): void {
    if ((p & PAGE_WORD_MASK) === LAST_GRANULE) this.process.touch((p + ChunkWord.FD) as WordIndex)
  }
  /** Before the first write of the nextsize links, of a chunk whose header is resident. */
  touchNextsize(p: Chunk): void {
    if ((p & PAGE_WORD_MASK) >= NEXTSIZE_CROSSES) {
      this.process.touch((p + ChunkWord.FD_NEXTSIZE) as WordIndex)
    }
  }

  // ── arenas and heaps ───────────────────────────────────────────────────────────────────────

  top(av: Arena): Chunk {
    return this.words[av + ArenaWord.TOP]! as Chunk
  }
  setTop(av: Arena, p: Chunk): void {
    this.words[av + ArenaWord.TOP] = p
  }
  /** Bytes got from the system, in words. */
  systemMem(av: Arena): number {
    return this.words[av + ArenaWord.SYSTEM_MEM]!
  }
  addSystemMem(av: Arena, words: number): void {
    const at = av + ArenaWord.SYSTEM_MEM
    this.words[at] = this.words[at]! + words
  }
  contiguous(av: Arena): boolean {
    return (this.words[av + ArenaWord.FLAGS]! & NONCONTIGUOUS_BIT) === 0
  }
  haveFastchunks(av: Arena): boolean {
    return this.words[av + ArenaWord.HAVE_FASTCHUNKS] !== 0
  }
  setHaveFastchunks(av: Arena, value: 0 | 1): void {
    this.words[av + ArenaWord.HAVE_FASTCHUNKS] = value
  }
  nextArena(av: Arena): Arena {
    return this.words[av + ArenaWord.NEXT]! as Arena
  }
  /** NON_MAIN_ARENA when the arena is not the main one: what its chunks' headers carry. */
  arenaFlag(av: Arena): number {
    return av === this.main ? 0 : NON_MAIN_ARENA
  }
  /** heap_for_ptr: the heap that holds a chunk of a non-main arena. */
  heapForPtr(p: WordIndex): HeapInfo {
    return (p & -this.heapMax) as HeapInfo
  }
  heapSize(heap: HeapInfo): number {
    return this.words[heap + HeapWord.SIZE]!
  }
  heapPrev(heap: HeapInfo): HeapInfo {
    return this.words[heap + HeapWord.PREV]! as HeapInfo
  }
  heapArena(heap: HeapInfo): Arena {
    return this.words[heap + HeapWord.AR_PTR]! as Arena
  }
  /** arena_for_chunk. */
  arenaForChunk(p: Chunk): Arena {
    if ((this.head(p) & NON_MAIN_ARENA) === 0) return this.main
    return this.heapArena(this.heapForPtr(p))
  }
  lockId(av: Arena): LockId {
    return this.words[av + ArenaWord.LOCK_ID]! as LockId
  }
  lockArena(av: Arena): void {
    this.process.lock(av, this.lockId(av))
  }
  tryLockArena(av: Arena): boolean {
    return this.process.tryLock(av, this.lockId(av))
  }
  unlockArena(av: Arena): void {
    this.process.unlock(av, this.lockId(av))
  }

  // ── static data and TLS ────────────────────────────────────────────────────────────────────

  /** A word of the static data, by its StaticWord offset. */
  static(offset: number): number {
    return this.words[this.statics + offset]!
  }
  setStatic(offset: number, value: number): void {
    this.words[this.statics + offset] = value
  }
  setThreadArena(av: Arena): void {
    this.threadArena = av
    this.words[this.thread.tls + TlsWord.THREAD_ARENA] = av
  }
  setTcache(tcache: WordIndex): void {
    this.tcache = tcache
    this.words[this.thread.tls + TlsWord.TCACHE] = tcache
  }

  // ── the rest ───────────────────────────────────────────────────────────────────────────────

  /** malloc_printerr: ends the run with glibc's own words. */
  abort(message: string): never {
    return this.process.abort(message)
  }
  /** Words of a padded request size: `nb` itself, but for NB_HUGE the request's own bytes. */
  requestWords(nb: number): number {
    return nb === NB_HUGE ? wordsOfBytes(this.hugeBytes) : nb
  }
  pagesUp(words: number): number {
    return Math.ceil(words / this.pageWords) * this.pageWords
  }
}

/** The chunk `words` above `p`. */
export const chunkAt = (p: WordIndex, words: number): Chunk => ((p + words) | 0) as Chunk
