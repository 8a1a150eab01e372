/**
 * _int_free of glibc 2.36: where a freed chunk goes, in the order tried.
 *
 *   1. the freeing thread's cache, whichever arena the chunk is from
 *   2. a fastbin of the chunk's arena, without its lock
 *   3. under the lock: merged with free neighbours, into the top or the unsorted list; a large
 *      result makes the arena consolidate its fastbins and try to give memory back
 *
 * Mapped chunks do not come here (see mapped.ts). Sizes are in words.
 */
import { type Arena, fastbinAt } from './arena-layout.ts'
import { ALIGN_MASK, type Chunk, HEADER_WORDS, MIN_CHUNK_WORDS } from './chunk-layout.ts'
import { freeChunk } from './free-chunk.ts'
import { freePerturb } from './perturb.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { fastbinIndex } from './size-class.ts'
import { checkTcacheDoubleFree, tcacheHasRoom, tcachePut, tcacheSlot } from './tcache.ts'
import { CachedWord, TCACHE_KEY } from './tcache-layout.ts'

/** Frees a chunk of `size`. The calling thread does not hold its arena's lock. */
export function intFree(m: Ptmalloc, p: Chunk, size: number): void {
  checkFreed(m, p, size)
  if (!tryCache(m, p, size)) freeToArena(m, m.arenaForChunk(p), p, size)
}

function freeToArena(m: Ptmalloc, av: Arena, p: Chunk, size: number): void {
  if (size <= m.maxFast) {
    checkNextOfFast(m, av, p, size, false)
    pushFastbin(m, av, p, size)
    return
  }
  if (m.process.singleThreaded) {
    freeChunk(m, av, p, size)
    return
  }
  m.lockArena(av)
  freeChunk(m, av, p, size)
  m.unlockArena(av)
}

/** The same for a caller who holds the arena's lock: remainders of realloc, memalign, sysmalloc. */
export function intFreeLocked(m: Ptmalloc, av: Arena, p: Chunk): void {
  const size = m.size(p)
  checkFreed(m, p, size)
  if (tryCache(m, p, size)) return
  if (size <= m.maxFast) {
    checkNextOfFast(m, av, p, size, true)
    const older = pushFastbin(m, av, p, size)
    if (older !== 0 && fastbinIndex(m.size(older)) !== fastbinIndex(size)) {
      m.abort('invalid fastbin entry (free)')
    }
    return
  }
  freeChunk(m, av, p, size)
}

function checkFreed(m: Ptmalloc, p: Chunk, size: number): void {
  if ((p & ALIGN_MASK) !== 0 || p + size > m.wordsEnd) m.abort('free(): invalid pointer')
  if (size < MIN_CHUNK_WORDS) m.abort('free(): invalid size')
}

/** 1. True when the thread's cache took the chunk. */
function tryCache(m: Ptmalloc, p: Chunk, size: number): boolean {
  const slot = tcacheSlot(m, size)
  if (slot === 0) return false
  if (m.words[p + CachedWord.KEY] === TCACHE_KEY) checkTcacheDoubleFree(m, p, slot)
  if (!tcacheHasRoom(m, slot)) return false
  tcachePut(m, p, slot)
  return true
}

/**
 * 2. Links a chunk into its fastbin and gives the one it was linked before. Other threads may push
 * and pop at the same time: the exchange publishes p's link, and fails when the head has changed.
 */
function pushFastbin(m: Ptmalloc, av: Arena, p: Chunk, size: number): Chunk {
  const { words } = m
  if (m.perturb !== 0) freePerturb(m, p, size)
  m.setHaveFastchunks(av, 1)
  const bin = fastbinAt(av, fastbinIndex(size))
  for (;;) {
    const older = words[bin]! as Chunk
    if (older === p) m.abort('double free or corruption (fasttop)')
    m.setFd(p, older)
    if (m.process.singleThreaded) {
      words[bin] = p
      return older
    }
    if (m.process.compareAndSwap(bin, older, p)) return older
  }
}

/** The chunk above must have a credible size; looked at again under the lock before aborting. */
function checkNextOfFast(m: Ptmalloc, av: Arena, p: Chunk, size: number, locked: boolean): void {
  if (credibleNext(m, av, p, size)) return
  if (!locked) {
    m.lockArena(av)
    const credible = credibleNext(m, av, p, size)
    m.unlockArena(av)
    if (credible) return
  }
  m.abort('free(): invalid next size (fast)')
}

function credibleNext(m: Ptmalloc, av: Arena, p: Chunk, size: number): boolean {
  const nextSize = m.size(chunkAt(p, size))
  return nextSize >= HEADER_WORDS && nextSize < m.systemMem(av)
}
