/** Step 3 of glibc's _int_malloc: the one place where chunks are sorted into bins. */
import { Event } from '../../lab/words/events.ts'
import * as arena from './arena-layout.ts'
import { type Arena, binAt, unsortedChunks } from './arena-layout.ts'
import { linkAfter, markBin, splitLastRemainder } from './bins.ts'
import type { Chunk } from './chunk-layout.ts'
import * as chunk from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import * as sizes from './size-class.ts'
import { glibcLargeBin, glibcSmallBin, tcacheIndex } from './size-class.ts'
import { tcacheCountOf, tcachePut } from './tcache.ts'

// Bound once: the engine folds a module's own constants, but loads imported ones each time.
const { LAST_REMAINDER, SYSTEM_MEM } = arena.ArenaWord
const { CHUNK_NONE, HEADER_WORDS, MIN_CHUNK_WORDS, PREV_INUSE, SIZE_MASK } = chunk
const { BK, FD, PREV_SIZE, SIZE } = chunk.ChunkWord
const { GLIBC_MIN_LARGE } = sizes

/** What `sortUnsorted` gives when the chunk to hand out was put into the thread cache. */
export const TAKE_CACHED = -1 as Chunk
/** MAX_ITERS: chunks sorted in one go. */
const ITERATIONS_MAX = 10000

/**
 * Walks the unsorted list from its oldest chunk. An exact fit goes to the thread cache while that
 * has room for the size, else it is handed out; every other chunk goes to its bin. Gives the chunk
 * to hand out, TAKE_CACHED when exact fits lie in the cache, or CHUNK_NONE.
 */
export function sortUnsorted(m: Ptmalloc, av: Arena, nb: number): Chunk {
  const { words } = m
  const unsorted = unsortedChunks(av)
  let victim = words[unsorted + BK]! as Chunk
  if (victim === unsorted) return CHUNK_NONE

  const cacheIndex = tcacheIndex(nb)
  const caching = m.tcache !== 0 && cacheIndex < m.tcacheBins
  let cached = false
  let binned = 0
  for (; victim !== unsorted; victim = words[unsorted + BK]! as Chunk) {
    const size = (words[victim + SIZE]! >>> 1) & SIZE_MASK
    const before = words[victim + BK]! as Chunk
    checkUnsorted(m, av, victim, size, before)

    if (
      nb < GLIBC_MIN_LARGE &&
      before === unsorted &&
      victim === words[av + LAST_REMAINDER] &&
      size > nb + MIN_CHUNK_WORDS
    ) {
      splitLastRemainder(m, av, victim, size, nb)
      countSteps(m, binned + 1)
      return victim
    }

    words[unsorted + BK] = before
    words[before + FD] = unsorted

    if (size === nb) {
      m.setPrevInuse(chunkAt(victim, size))
      if (av !== m.main) m.setNonMainArena(victim)
      if (!caching || tcacheCountOf(m, cacheIndex) >= m.tcacheCount) {
        countSteps(m, binned + 1)
        return victim
      }
      tcachePut(m, victim, cacheIndex)
      cached = true
      continue
    }

    sortIntoBin(m, av, victim, size)
    binned++
    m.unsortedCount++
    if (cached && m.tcacheUnsortedLimit > 0 && m.unsortedCount > m.tcacheUnsortedLimit) break
    if (binned >= ITERATIONS_MAX) break
  }
  countSteps(m, binned)
  return cached ? TAKE_CACHED : CHUNK_NONE
}

/** A single chunk is what every malloc may have to sort; only longer walks are events. */
function countSteps(m: Ptmalloc, steps: number): void {
  if (steps > 1) m.process.count(Event.UNSORTED_STEPS, steps)
}

/** glibc's checks of an unsorted chunk against its neighbours, in their order. */
function checkUnsorted(m: Ptmalloc, av: Arena, victim: Chunk, size: number, before: Chunk): void {
  const { words } = m
  const system = words[av + SYSTEM_MEM]!
  if (size <= HEADER_WORDS || size > system) m.abort('malloc(): invalid size (unsorted)')
  const next = victim + size
  const nextHead = words[next + SIZE]!
  const nextSize = (nextHead >>> 1) & SIZE_MASK
  if (nextSize < HEADER_WORDS || nextSize > system) {
    m.abort('malloc(): invalid next size (unsorted)')
  }
  if (words[next + PREV_SIZE] !== size) {
    m.abort('malloc(): mismatching next->prev_size (unsorted)')
  }
  if (words[before + FD] !== victim || words[victim + FD] !== unsortedChunks(av)) {
    m.abort('malloc(): unsorted double linked list corrupted')
  }
  if ((nextHead & PREV_INUSE) !== 0) m.abort('malloc(): invalid next->prev_inuse (unsorted)')
}

function sortIntoBin(m: Ptmalloc, av: Arena, victim: Chunk, size: number): void {
  if (size < GLIBC_MIN_LARGE) {
    const index = glibcSmallBin(size)
    markBin(m, av, index)
    linkAfter(m, binAt(av, index), victim)
    return
  }
  const index = glibcLargeBin(size)
  const before = placeInLargeBin(m, binAt(av, index), victim, size)
  markBin(m, av, index)
  linkAfter(m, before, victim)
}

/**
 * Large bins are sorted, the largest first, and the first chunk of each size is in a ring of sizes
 * that leads from larger to smaller by fd_nextsize and closes. Enters `victim` into the ring when
 * it is the first of its size, and gives the chunk it must follow in the bin: a chunk of a size
 * already there becomes the second of it, so that the ring need not change.
 */
function placeInLargeBin(m: Ptmalloc, bin: Chunk, victim: Chunk, size: number): Chunk {
  const largest = m.fd(bin)
  if (largest === bin) {
    m.setFdNextsize(victim, victim)
    m.setBkNextsize(victim, victim)
    return bin
  }
  const last = m.bk(bin)
  if (size < m.size(last)) {
    enterRing(m, victim, largest)
    return last
  }
  let larger = largest
  let steps = 1
  while (size < m.size(larger)) {
    larger = m.fdNextsize(larger)
    steps++
  }
  if (steps > 1) m.process.count(Event.BIN_STEPS, steps)
  if (size === m.size(larger)) return larger
  if (m.fdNextsize(m.bkNextsize(larger)) !== larger) {
    m.abort('malloc(): largebin double linked list corrupted (nextsize)')
  }
  enterRing(m, victim, larger)
  const before = m.bk(larger)
  if (m.fd(before) !== larger) m.abort('malloc(): largebin double linked list corrupted (bk)')
  return before
}

/** Puts `victim` into the ring of sizes just before `next`. */
function enterRing(m: Ptmalloc, victim: Chunk, next: Chunk): void {
  const previous = m.bkNextsize(next)
  m.setFdNextsize(victim, next)
  m.setBkNextsize(victim, previous)
  m.setBkNextsize(next, victim)
  m.setFdNextsize(previous, victim)
}
