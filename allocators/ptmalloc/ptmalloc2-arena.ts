/**
 * Which arena a thread of ptmalloc2 uses (Gloger's arena.c): the one it used last if that is free
 * at the moment, else the first free one round the ring, else a new one. Nobody ever waits for an
 * arena to allocate in, and nothing limits how many are made.
 *
 * Functions that return an arena return it locked.
 */
import { Event } from '../../lab/words/events.ts'
import type { WordIndex } from '../../lab/words/units.ts'
import type { LockId } from '../contract.ts'
import { enterRing, layOutArena, nameArena } from './arena.ts'
import { ARENA_NONE, type Arena } from './arena-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { StaticWord } from './static-layout.ts'

/**
 * The arena a thread used last. Gloger's Makefile keeps it in a table indexed by pthread_self() %
 * 256 (USE_TSD_DATA_HACK). Threads lie a stack apart, a multiple of 256, so all that were started
 * find the same entry: what one of them used last is tried first by all. It outlives its threads.
 */
function lastArena(m: Ptmalloc): Arena {
  if (!sharesLast(m)) return m.threadArena
  return m.static(StaticWord.SHARED_LAST_ARENA) as Arena
}

/** The next allocation tries this arena first. */
export function setLastArena(m: Ptmalloc, av: Arena): void {
  m.setThreadArena(av)
  if (sharesLast(m)) m.setStatic(StaticWord.SHARED_LAST_ARENA, av)
}

/** The main thread's pthread_self() is not like the others': it keeps its own. */
const sharesLast = (m: Ptmalloc): boolean => m.settings.sharesLastArena && m.thread.thread !== 0

/** arena_get. */
export function ptmalloc2ArenaGet(m: Ptmalloc, bytes: number): Arena {
  const av = lastArena(m)
  if (av !== ARENA_NONE && m.tryLockArena(av)) return av
  return ptmalloc2ArenaGet2(m, av, bytes)
}

/**
 * arena_get2: `last` is the arena that was busy or had no memory; ARENA_NONE when none can be made.
 */
export function ptmalloc2ArenaGet2(m: Ptmalloc, last: Arena, bytes: number): Arena {
  const start = last === ARENA_NONE ? m.main : last
  let av = last === ARENA_NONE ? m.main : m.nextArena(last)
  if (av === ARENA_NONE) {
    // The last arena is so new that it is not in the ring yet: its maker is about to enter it.
    m.lockArena(m.main)
    return m.main
  }
  for (;;) {
    do {
      if (m.tryLockArena(av)) {
        if (av !== last) m.process.count(Event.ARENA_SWITCHED)
        setLastArena(m, av)
        return av
      }
      av = m.nextArena(av)
    } while (av !== start)
    if (listIsFree(m)) return newArena(m, bytes)
    // Somebody is entering an arena into the ring just now: it may be free by the time we look.
    av = start
  }
}

function listIsFree(m: Ptmalloc): boolean {
  const lock = (m.statics + StaticWord.LIST_LOCK) as WordIndex
  const id = m.static(StaticWord.LIST_LOCK_ID) as LockId
  if (!m.process.tryLock(lock, id)) return false
  m.process.unlock(lock, id)
  return true
}

/** Makes an arena, and locks it before others can reach it. */
function newArena(m: Ptmalloc, bytes: number): Arena {
  const av = layOutArena(m, bytes)
  if (av === ARENA_NONE) return ARENA_NONE
  m.process.atomicAdd((m.statics + StaticWord.NARENAS) as WordIndex, 1)
  nameArena(m, av)
  m.lockArena(av)
  // Gloger tells others of it first, and then resets a lock that they may hold already.
  setLastArena(m, av)
  enterRing(m, av)
  return av
}
