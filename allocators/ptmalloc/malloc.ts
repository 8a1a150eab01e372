/**
 * _int_malloc of glibc 2.36: where a chunk comes from, in the order tried.
 *
 *   1. the fastbin of the size (and more of the same into the thread cache)
 *   2. the small bin of the size (likewise); for large requests, fastbins are consolidated first
 *   3. the unsorted list: an exact fit, or the last remainder; the rest goes into bins
 *   4. for large requests, the smallest chunk of the request's own bin that fits
 *   5. the first chunk of a bin for larger sizes, cut to size
 *   6. the top; failing that, fastbins are consolidated and all starts over from 3
 *   7. the system (sysmalloc)
 *
 * The caller holds the arena's lock, or the process has one thread. Sizes are in words.
 */
import { Event } from '../../lab/words/events.ts'
import type { WordIndex } from '../../lab/words/units.ts'
import { ARENA_NONE, type Arena, ArenaWord, binAt, fastbinAt } from './arena-layout.ts'
import { scanBinmap, takeFromBin } from './bins.ts'
import { chunkOf } from './blocks.ts'
import { ALIGN_MASK, CHUNK_NONE, type Chunk, ChunkWord } from './chunk-layout.ts'
import { mallocConsolidate } from './consolidate.ts'
import { allocPerturb } from './perturb.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { fastbinIndex, GLIBC_MIN_LARGE, glibcBin, NB_REFUSED, requestToSize } from './size-class.ts'
import { sysmalloc } from './sysmalloc.ts'
import { tcacheGet, tcacheHasRoom, tcachePut, tcacheSlot } from './tcache.ts'
import { takeTop } from './top.ts'
import { sortUnsorted, TAKE_CACHED } from './unsorted.ts'

/** A chunk for `bytes` out of arena `av` (ARENA_NONE: from the system), or CHUNK_NONE. */
export function intMalloc(m: Ptmalloc, av: Arena, bytes: number): Chunk {
  const nb = requestToSize(bytes)
  if (nb === NB_REFUSED) return CHUNK_NONE
  m.hugeBytes = bytes
  m.unsortedCount = 0
  const victim = av === ARENA_NONE ? sysmalloc(m, nb, av) : findChunk(m, av, nb)
  if (victim === TAKE_CACHED) return chunkOf(tcacheGet(m, tcacheSlot(m, nb)))
  if (m.perturb !== 0 && victim !== CHUNK_NONE) allocPerturb(m, victim, bytes)
  return victim
}

/** The places in their order. TAKE_CACHED: the chunk is the newest of the thread's cache. */
function findChunk(m: Ptmalloc, av: Arena, nb: number): Chunk {
  if (nb <= m.maxFast) {
    const victim = takeFast(m, av, nb)
    if (victim !== CHUNK_NONE) return victim
  }
  const binIndex = glibcBin(nb)
  if (nb < GLIBC_MIN_LARGE) {
    const victim = takeSmall(m, av, nb, binIndex)
    if (victim !== CHUNK_NONE) return victim
  } else if (m.haveFastchunks(av)) {
    mallocConsolidate(m, av)
  }

  for (;;) {
    const sorted = sortUnsorted(m, av, nb)
    if (sorted !== CHUNK_NONE) return sorted

    if (nb >= GLIBC_MIN_LARGE) {
      const victim = takeBestFit(m, av, nb, binIndex)
      if (victim !== CHUNK_NONE) return victim
    }
    const larger = takeFromLargerBin(m, av, nb, binIndex)
    if (larger !== CHUNK_NONE) return larger

    const fromTop = takeTop(m, av, nb)
    if (fromTop !== CHUNK_NONE) return fromTop

    // Frees that took no lock may have filled fastbins meanwhile, whatever the size asked for.
    if (!m.haveFastchunks(av)) return sysmalloc(m, nb, av)
    mallocConsolidate(m, av)
  }
}

/** 1. The newest chunk of a fastbin; older ones of the bin fill the thread cache. */
function takeFast(m: Ptmalloc, av: Arena, nb: number): Chunk {
  const index = fastbinIndex(nb)
  const bin = fastbinAt(av, index)
  const victim = popFastbin(m, bin)
  if (victim === CHUNK_NONE) return CHUNK_NONE
  if (fastbinIndex(m.size(victim)) !== index) m.abort('malloc(): memory corruption (fast)')
  const slot = tcacheSlot(m, nb)
  while (tcacheHasRoom(m, slot)) {
    const next = popFastbin(m, bin)
    if (next === CHUNK_NONE) break
    tcachePut(m, next, slot)
  }
  return victim
}

/**
 * Takes the newest chunk off a fastbin. Other threads push without the arena's lock, so the head is
 * exchanged atomically; only holders of the lock pop, so a head that comes back unchanged has
 * unchanged successors (no ABA). Each retry means another thread's push went through.
 */
function popFastbin(m: Ptmalloc, bin: WordIndex): Chunk {
  const { words } = m
  let victim = words[bin]! as Chunk
  if (victim === CHUNK_NONE) return CHUNK_NONE
  if ((victim & ALIGN_MASK) !== 0) m.abort('malloc(): unaligned fastbin chunk detected 2')
  if (m.process.singleThreaded) {
    words[bin] = m.fd(victim)
    return victim
  }
  while (!m.process.compareAndSwap(bin, victim, m.fd(victim))) {
    victim = words[bin]! as Chunk
    if (victim === CHUNK_NONE) return CHUNK_NONE
    if ((victim & ALIGN_MASK) !== 0) m.abort('malloc(): unaligned fastbin chunk detected')
  }
  return victim
}

/** 2. The oldest chunk of a small bin; younger ones of the bin fill the thread cache. */
function takeSmall(m: Ptmalloc, av: Arena, nb: number, binIndex: number): Chunk {
  const bin = binAt(av, binIndex)
  const victim = m.bk(bin)
  if (victim === bin) return CHUNK_NONE
  if (m.fd(m.bk(victim)) !== victim) m.abort('malloc(): smallbin double linked list corrupted')
  takeLastOfSmallBin(m, av, bin, victim, nb)
  const slot = tcacheSlot(m, nb)
  while (tcacheHasRoom(m, slot)) {
    const next = m.bk(bin)
    if (next === bin) break
    takeLastOfSmallBin(m, av, bin, next, nb)
    tcachePut(m, next, slot)
  }
  return victim
}

function takeLastOfSmallBin(m: Ptmalloc, av: Arena, bin: Chunk, last: Chunk, nb: number): void {
  const { words } = m
  const before = words[last + ChunkWord.BK]!
  m.setPrevInuse(chunkAt(last, nb))
  words[bin + ChunkWord.BK] = before
  words[before + ChunkWord.FD] = bin
  if (av !== m.main) m.setNonMainArena(last)
}

/**
 * 4. The smallest chunk of the bin that fits, found along the ring of sizes, which leaves out all
 * but the first chunk of each size. The second of a size is preferred: the ring then stays as it
 * is.
 */
function takeBestFit(m: Ptmalloc, av: Arena, nb: number, binIndex: number): Chunk {
  const bin = binAt(av, binIndex)
  const largest = m.fd(bin)
  if (largest === bin || m.size(largest) < nb) return CHUNK_NONE
  let steps = 1
  let victim = m.bkNextsize(largest)
  let size = m.size(victim)
  while (size < nb) {
    victim = m.bkNextsize(victim)
    size = m.size(victim)
    steps++
  }
  if (steps > 1) m.process.count(Event.BIN_STEPS, steps)
  if (victim !== m.bk(bin) && size === m.size(m.fd(victim))) victim = m.fd(victim)
  takeFromBin(m, av, victim, nb, 'malloc(): corrupted unsorted chunks')
  return victim
}

/** 5. The last (smallest, oldest) chunk of the next larger bin that has any. */
function takeFromLargerBin(m: Ptmalloc, av: Arena, nb: number, binIndex: number): Chunk {
  const victim = scanBinmap(m, av, binIndex)
  if (victim === CHUNK_NONE) return CHUNK_NONE
  const corrupted = 'malloc(): corrupted unsorted chunks 2'
  const remainder = takeFromBin(m, av, victim, nb, corrupted)
  if (remainder !== CHUNK_NONE && nb < GLIBC_MIN_LARGE) {
    m.words[av + ArenaWord.LAST_REMAINDER] = remainder
  }
  return victim
}
