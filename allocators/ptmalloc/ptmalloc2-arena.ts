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

/** arena_get. */
export function ptmalloc2ArenaGet(m: Ptmalloc, bytes: number): Arena {
  const av = m.threadArena
  if (av !== ARENA_NONE && m.tryLockArena(av)) return av
  return ptmalloc2ArenaGet2(m, av, bytes)
}

/**
 * arena_get2: `last` is the arena that was busy or had no memory; ARENA_NONE when none can be made.
 */
export function ptmalloc2ArenaGet2(m: Ptmalloc, last: Arena, bytes: number): Arena {
  const start = last === ARENA_NONE ? m.main : last
  let av = last === ARENA_NONE ? m.main : m.nextArena(last)
  for (;;) {
    do {
      if (m.tryLockArena(av)) {
        if (av !== last) m.process.count(Event.ARENA_SWITCHED)
        m.setThreadArena(av)
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
  m.setThreadArena(av)
  nameArena(m, av)
  m.lockArena(av)
  enterRing(m, av)
  return av
}
