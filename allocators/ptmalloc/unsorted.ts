/** Step 3 of glibc's _int_malloc: the one place where chunks are sorted into bins. */
import { Event } from '../../lab/words/events.ts'
import { type Arena, ArenaWord, binAt, unsortedChunks } from './arena-layout.ts'
import { linkAfter, markBin, splitLastRemainder } from './bins.ts'
import {
  CHUNK_NONE,
  type Chunk,
  ChunkWord,
  HEADER_WORDS,
  MIN_CHUNK_WORDS,
  PREV_INUSE,
  sizeOfHead,
} from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { GLIBC_MIN_LARGE, glibcLargeBin, glibcSmallBin } from './size-class.ts'
import { tcacheHasRoom, tcachePut, tcacheSlot } from './tcache.ts'

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
  let found: Chunk = CHUNK_NONE
  let binned = 0
  for (let victim = m.bk(unsorted); victim !== unsorted; victim = m.bk(unsorted)) {
    const size = m.size(victim)
    const before = words[victim + ChunkWord.BK]! as Chunk
    const system = words[av + ArenaWord.SYSTEM_MEM]!
    const next = chunkAt(victim, size)
    const nextHead = words[next + ChunkWord.SIZE]!
    const nextSize = sizeOfHead(nextHead)
    if (
      size <= HEADER_WORDS ||
      size > system ||
      nextSize < HEADER_WORDS ||
      nextSize > system ||
      words[next + ChunkWord.PREV_SIZE] !== size ||
      words[before + ChunkWord.FD] !== victim ||
      words[victim + ChunkWord.FD] !== unsorted ||
      (nextHead & PREV_INUSE) !== 0
    ) {
      abortForUnsorted(m, av, victim, size)
    }

    if (
      nb < GLIBC_MIN_LARGE &&
      before === unsorted &&
      victim === words[av + ArenaWord.LAST_REMAINDER] &&
      size > nb + MIN_CHUNK_WORDS
    ) {
      splitLastRemainder(m, av, victim, size, nb)
      found = victim
      break
    }
    words[unsorted + ChunkWord.BK] = before
    words[before + ChunkWord.FD] = unsorted

    if (size === nb) {
      found = takeExactFit(m, av, victim, nb)
      if (found !== TAKE_CACHED) break
      continue
    }
    sortIntoBin(m, av, victim, size)
    binned++
    if (found === TAKE_CACHED && isLimitPassed(m, binned)) break
    if (binned >= ITERATIONS_MAX) break
  }
  m.unsortedCount += binned
  countSteps(m, binned + (found > 0 ? 1 : 0))
  return found
}

/** The chunk itself when the thread cache has no room for it, else TAKE_CACHED. */
function takeExactFit(m: Ptmalloc, av: Arena, victim: Chunk, nb: number): Chunk {
  m.setPrevInuse(chunkAt(victim, nb))
  if (av !== m.main) m.setNonMainArena(victim)
  const slot = tcacheSlot(m, nb)
  if (!tcacheHasRoom(m, slot)) return victim
  tcachePut(m, victim, slot)
  return TAKE_CACHED
}

/** tcache_unsorted_limit: 0 is none. `binned` chunks are not counted in `unsortedCount` yet. */
function isLimitPassed(m: Ptmalloc, binned: number): boolean {
  return m.tcacheUnsortedLimit > 0 && m.unsortedCount + binned > m.tcacheUnsortedLimit
}

/** A single chunk is what every malloc may have to sort; only longer walks are events. */
function countSteps(m: Ptmalloc, steps: number): void {
  if (steps > 1) m.process.count(Event.UNSORTED_STEPS, steps)
}

/** Ends the run with the message of the first of glibc's checks that fails; see free-chunk.ts. */
function abortForUnsorted(m: Ptmalloc, av: Arena, victim: Chunk, size: number): never {
  const system = m.systemMem(av)
  const next = chunkAt(victim, size)
  const nextSize = m.size(next)
  const unsorted = unsortedChunks(av)
  if (size <= HEADER_WORDS || size > system) m.abort('malloc(): invalid size (unsorted)')
  if (nextSize < HEADER_WORDS || nextSize > system) {
    m.abort('malloc(): invalid next size (unsorted)')
  }
  if (m.prevSize(next) !== size) m.abort('malloc(): mismatching next->prev_size (unsorted)')
  if (m.fd(m.bk(victim)) !== victim || m.fd(victim) !== unsorted) {
    m.abort('malloc(): unsorted double linked list corrupted')
  }
  m.abort('malloc(): invalid next->prev_inuse (unsorted)')
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
