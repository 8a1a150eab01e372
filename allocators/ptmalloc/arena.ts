/**
 * Which arena a thread uses (glibc arena.c). A thread keeps the arena it is attached to and waits
 * for its lock; only a thread without one (new, or failed by its arena) looks for another:
 *
 *   1. one of the free list, whose threads have ended
 *   2. a new one, up to the limit
 *   3. past the limit, the next in the ring whose lock is free; else the next in line, after a wait
 *
 * Functions that return an arena return it locked.
 */
import { Event } from '../../lab/words/events.ts'
import { bytesOfWords, type WordIndex, wordsOfBytes } from '../../lab/words/units.ts'
import type { LockId } from '../contract.ts'
import {
  ARENA_NONE,
  type Arena,
  ArenaWord,
  BINS,
  binAt,
  initialTop,
  NONCONTIGUOUS_BIT,
} from './arena-layout.ts'
import { ALIGN_MASK, ALIGN_WORDS, type Chunk, PREV_INUSE } from './chunk-layout.ts'
import { newHeap } from './heap.ts'
import { HEAP_NONE, HeapWord } from './heap-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { StaticWord } from './static-layout.ts'

/** NARENAS_FROM_NCORES on 64 bits. */
const ARENAS_PER_CORE = 8

/** malloc_init_state: empty bins, and a top that has no memory yet. */
export function initState(m: Ptmalloc, av: Arena): void {
  for (let index = 1; index < BINS; index++) {
    const bin = binAt(av, index)
    m.setFd(bin, bin)
    m.setBk(bin, bin)
  }
  if (av !== m.main) m.words[av + ArenaWord.FLAGS] = NONCONTIGUOUS_BIT
  m.setHaveFastchunks(av, 0)
  m.setTop(av, initialTop(av))
}

/** arena_get: the thread's arena, or a first one. `bytes` hints at what a new one must hold. */
export function arenaGet(m: Ptmalloc, bytes: number): Arena {
  const av = m.threadArena
  if (av === ARENA_NONE) return arenaGet2(m, bytes, ARENA_NONE)
  m.lockArena(av)
  return av
}

/** arena_get2: ARENA_NONE when there is none to be had. */
function arenaGet2(m: Ptmalloc, bytes: number, avoid: Arena): Arena {
  const freed = getFreeList(m)
  if (freed !== ARENA_NONE) return freed
  const limit = narenasLimit(m)
  const narenas = (m.statics + StaticWord.NARENAS) as WordIndex
  for (;;) {
    const n = m.words[narenas]!
    if (limit !== 0 && n >= limit) return reusedArena(m, avoid)
    // Claims the new arena's place in the count; fails only when another thread claimed one.
    if (m.process.compareAndSwap(narenas, n, n + 1)) break
  }
  const av = intNewArena(m, bytes)
  if (av === ARENA_NONE) m.process.atomicAdd(narenas, -1)
  return av
}

/**
 * The most arenas there may be, 0 while there is no limit. Without arena_max it is computed when
 * more than arena_test arenas exist, and then stays.
 */
function narenasLimit(m: Ptmalloc): number {
  const known = m.static(StaticWord.NARENAS_LIMIT)
  if (known !== 0) return known
  const { arenaMax, arenaTest } = m.settings
  let limit = 0
  if (arenaMax !== 0) limit = arenaMax
  else if (m.static(StaticWord.NARENAS) > arenaTest) limit = ARENAS_PER_CORE * m.process.cores
  if (limit !== 0) m.setStatic(StaticWord.NARENAS_LIMIT, limit)
  return limit
}

/**
 * arena_get_retry: the arena `av` (locked) had no memory. Other arenas fall back on the main one,
 * whose break may still move; the main one on any other, which may still map.
 */
export function arenaGetRetry(m: Ptmalloc, av: Arena, bytes: number): Arena {
  m.unlockArena(av)
  m.process.count(Event.ARENA_SWITCHED)
  if (av === m.main) return arenaGet2(m, bytes, av)
  m.lockArena(m.main)
  return m.main
}

/** _int_new_arena: an arena in a heap of its own, entered into the ring, attached and locked. */
function intNewArena(m: Ptmalloc, bytes: number): Arena {
  const av = layOutArena(m, bytes)
  if (av === ARENA_NONE) return ARENA_NONE
  const replaced = m.threadArena
  m.words[av + ArenaWord.ATTACHED_THREADS] = 1
  m.setThreadArena(av)
  nameArena(m, av)
  enterRing(m, av)
  lockFreeList(m)
  detachArena(m, replaced)
  unlockFreeList(m)
  m.lockArena(av)
  return av
}

/**
 * A heap with a malloc_state behind its heap_info, and a top behind that. Shared by both designs.
 */
export function layOutArena(m: Ptmalloc, bytes: number): Arena {
  const { arenaWords, heapInfoWords } = m.rules
  const own = heapInfoWords + arenaWords + ALIGN_WORDS
  // A request too large for any heap gets a small arena, and is then mapped by itself.
  let heap = newHeap(m, wordsOfBytes(bytes) + own)
  if (heap === HEAP_NONE) heap = newHeap(m, own)
  if (heap === HEAP_NONE) return ARENA_NONE
  const av = (heap + heapInfoWords) as WordIndex as Arena
  m.words[heap + HeapWord.AR_PTR] = av
  initState(m, av)
  const size = m.heapSize(heap)
  m.words[av + ArenaWord.SYSTEM_MEM] = size
  m.words[av + ArenaWord.MAX_SYSTEM_MEM] = size
  const top = ((av + arenaWords + ALIGN_MASK) & ~ALIGN_MASK) as Chunk
  m.setTop(av, top)
  m.setHead(top, heap + size - top, PREV_INUSE)
  return av
}

/** Makes the arena's lock known, under the arena's number; NARENAS counts the arena already. */
export function nameArena(m: Ptmalloc, av: Arena): void {
  const number = m.static(StaticWord.NARENAS) - 1
  m.words[av + ArenaWord.LOCK_ID] = m.process.makeLock(av, `arena ${number}`)
  m.process.count(Event.ARENA_NEW)
  m.process.log(Event.ARENA_NEW, number, bytesOfWords(m.systemMem(av)))
}

/** Puts the arena into the ring, next after the main arena. */
export function enterRing(m: Ptmalloc, av: Arena): void {
  const { process } = m
  const listLock = (m.statics + StaticWord.LIST_LOCK) as WordIndex
  const listLockId = m.static(StaticWord.LIST_LOCK_ID) as LockId
  process.lock(listLock, listLockId)
  m.words[av + ArenaWord.NEXT] = m.nextArena(m.main)
  // Readers walk the ring without the lock: the new arena must be whole before it can be reached.
  process.atomicStore((m.main + ArenaWord.NEXT) as WordIndex, av)
  process.unlock(listLock, listLockId)
}

// ── the free list, and who is attached ──────────────────────────────────────────────────────────

function lockFreeList(m: Ptmalloc): void {
  const id = m.static(StaticWord.FREE_LIST_LOCK_ID) as LockId
  m.process.lock((m.statics + StaticWord.FREE_LIST_LOCK) as WordIndex, id)
}

function unlockFreeList(m: Ptmalloc): void {
  const id = m.static(StaticWord.FREE_LIST_LOCK_ID) as LockId
  m.process.unlock((m.statics + StaticWord.FREE_LIST_LOCK) as WordIndex, id)
}

/**
 * detach_arena: one thread less. The arena does not go to the free list even when it was the last:
 * a thread only leaves an arena that could not serve it.
 */
function detachArena(m: Ptmalloc, av: Arena): void {
  if (av !== ARENA_NONE) addAttached(m, av, -1)
}

function addAttached(m: Ptmalloc, av: Arena, delta: number): number {
  const at = av + ArenaWord.ATTACHED_THREADS
  return (m.words[at] = m.words[at]! + delta)
}

/** get_free_list: attaches the thread to the arena whose last thread ended last. */
function getFreeList(m: Ptmalloc): Arena {
  if (m.static(StaticWord.FREE_LIST) === 0) return ARENA_NONE
  lockFreeList(m)
  const av = m.static(StaticWord.FREE_LIST) as Arena
  if (av !== ARENA_NONE) {
    m.setStatic(StaticWord.FREE_LIST, m.words[av + ArenaWord.NEXT_FREE]!)
    m.words[av + ArenaWord.ATTACHED_THREADS] = 1
    detachArena(m, m.threadArena)
  }
  unlockFreeList(m)
  if (av === ARENA_NONE) return ARENA_NONE
  m.lockArena(av)
  m.setThreadArena(av)
  m.process.count(Event.ARENA_REUSED)
  return av
}

/** remove_from_free_list: an arena that is on no list is left alone. */
function removeFromFreeList(m: Ptmalloc, av: Arena): void {
  let link = (m.statics + StaticWord.FREE_LIST) as WordIndex
  for (let p = m.words[link]!; p !== 0; p = m.words[link]!) {
    if (p === av) {
      m.words[link] = m.words[p + ArenaWord.NEXT_FREE]!
      return
    }
    link = (p + ArenaWord.NEXT_FREE) as WordIndex
  }
}

/**
 * reused_arena: the first arena from next_to_use on whose lock is free, else a wait for the next in
 * line, but not for `avoid`, which the thread knows to be of no help. Arenas of the free list are
 * reached too, and leave it.
 */
function reusedArena(m: Ptmalloc, avoid: Arena): Arena {
  let start = m.static(StaticWord.NEXT_TO_USE) as Arena
  if (start === ARENA_NONE) start = m.main
  let av = start
  let locked = false
  do {
    locked = m.tryLockArena(av)
    if (locked) break
    av = m.nextArena(av)
  } while (av !== start)
  if (!locked) {
    if (av === avoid) av = m.nextArena(av)
    m.lockArena(av)
  }
  lockFreeList(m)
  detachArena(m, m.threadArena)
  removeFromFreeList(m, av)
  addAttached(m, av, 1)
  unlockFreeList(m)
  m.setThreadArena(av)
  m.setStatic(StaticWord.NEXT_TO_USE, m.nextArena(av))
  m.process.count(Event.ARENA_REUSED)
  return av
}

/**
 * __malloc_arena_thread_freeres, but for the thread cache: the thread leaves its arena, which goes
 * to the front of the free list when no thread is left.
 */
export function arenaThreadFreeres(m: Ptmalloc): void {
  const av = m.threadArena
  m.setThreadArena(ARENA_NONE)
  if (av === ARENA_NONE) return
  lockFreeList(m)
  if (addAttached(m, av, -1) === 0) {
    m.words[av + ArenaWord.NEXT_FREE] = m.static(StaticWord.FREE_LIST)
    m.setStatic(StaticWord.FREE_LIST, av)
  }
  unlockFreeList(m)
}
