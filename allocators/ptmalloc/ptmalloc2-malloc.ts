/**
 * _int_malloc and _int_free of Gloger's ptmalloc2: glibc's (malloc.ts, free.ts) before it had
 * thread caches, nextsize rings, and fastbins without locks. The caller holds the arena's lock.
 * Sizes are in words.
 */
import { Event } from '../../lab/words/events.ts'
import { type Arena, ArenaWord, binAt, fastbinAt, unsortedChunks } from './arena-layout.ts'
import { linkAfter, markBin, scanBinmap, splitLastRemainder, takeFromBin } from './bins.ts'
import { CHUNK_NONE, type Chunk, MIN_CHUNK_WORDS } from './chunk-layout.ts'
import { mallocConsolidate } from './consolidate.ts'
import { freeChunk } from './free-chunk.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import {
  fastbinIndex,
  NB_REFUSED,
  PTMALLOC2_MIN_LARGE,
  ptmalloc2Bin,
  ptmalloc2LargeBin,
  ptmalloc2RequestToSize,
  ptmalloc2SmallBin,
} from './size-class.ts'
import { sysmalloc } from './sysmalloc.ts'
import { takeTop } from './top.ts'

/** DEFAULT_MXFAST as a chunk size: what every arena but the main one keeps. */
const DEFAULT_MAX_FAST = 20
const CORRUPTED = 'corrupted unsorted chunks'

/** max_fast is a field of each arena, and M_MXFAST sets the main arena's only. */
const maxFastOf = (m: Ptmalloc, av: Arena): number => (av === m.main ? m.maxFast : DEFAULT_MAX_FAST)

/** A chunk for `bytes` out of arena `av`, or CHUNK_NONE. Tried in the order of glibc's. */
export function ptmalloc2IntMalloc(m: Ptmalloc, av: Arena, bytes: number): Chunk {
  const nb = ptmalloc2RequestToSize(bytes)
  if (nb === NB_REFUSED) return CHUNK_NONE
  m.hugeBytes = bytes

  if (nb <= maxFastOf(m, av)) {
    const victim = takeFast(m, av, nb)
    if (victim !== CHUNK_NONE) return victim
  }
  let binIndex: number
  if (nb < PTMALLOC2_MIN_LARGE) {
    binIndex = ptmalloc2SmallBin(nb)
    const victim = takeSmall(m, av, nb, binIndex)
    if (victim !== CHUNK_NONE) return victim
  } else {
    binIndex = ptmalloc2LargeBin(nb)
    if (m.haveFastchunks(av)) mallocConsolidate(m, av)
  }

  for (;;) {
    const sorted = sortUnsorted(m, av, nb)
    if (sorted !== CHUNK_NONE) return sorted

    if (nb >= PTMALLOC2_MIN_LARGE) {
      const victim = takeBestFit(m, av, nb, binIndex)
      if (victim !== CHUNK_NONE) return victim
    }
    const larger = takeFromLargerBin(m, av, nb, binIndex)
    if (larger !== CHUNK_NONE) return larger

    const fromTop = takeTop(m, av, nb)
    if (fromTop !== CHUNK_NONE) return fromTop
    if (!m.haveFastchunks(av)) return sysmalloc(m, nb, av)
    mallocConsolidate(m, av)
  }
}

function takeFast(m: Ptmalloc, av: Arena, nb: number): Chunk {
  const bin = fastbinAt(av, fastbinIndex(nb))
  const victim = m.words[bin]! as Chunk
  if (victim !== CHUNK_NONE) m.words[bin] = m.fd(victim)
  return victim
}

function takeSmall(m: Ptmalloc, av: Arena, nb: number, binIndex: number): Chunk {
  const bin = binAt(av, binIndex)
  const victim = m.bk(bin)
  if (victim === bin) return CHUNK_NONE
  const before = m.bk(victim)
  m.setPrevInuse(chunkAt(victim, nb))
  m.setBk(bin, before)
  m.setFd(before, bin)
  if (av !== m.main) m.setNonMainArena(victim)
  return victim
}

/** Sorts the whole unsorted list into bins, but for an exact fit or the last remainder. */
function sortUnsorted(m: Ptmalloc, av: Arena, nb: number): Chunk {
  const unsorted = unsortedChunks(av)
  let steps = 0
  for (let victim = m.bk(unsorted); victim !== unsorted; victim = m.bk(unsorted)) {
    const size = m.size(victim)
    const before = m.bk(victim)
    steps++
    if (
      nb < PTMALLOC2_MIN_LARGE &&
      before === unsorted &&
      victim === m.words[av + ArenaWord.LAST_REMAINDER] &&
      size > nb + MIN_CHUNK_WORDS
    ) {
      splitLastRemainder(m, av, victim, size, nb)
      countSteps(m, steps)
      return victim
    }
    m.setBk(unsorted, before)
    m.setFd(before, unsorted)
    if (size === nb) {
      m.setPrevInuse(chunkAt(victim, size))
      if (av !== m.main) m.setNonMainArena(victim)
      countSteps(m, steps)
      return victim
    }
    sortIntoBin(m, av, victim, size)
  }
  countSteps(m, steps)
  return CHUNK_NONE
}

function countSteps(m: Ptmalloc, steps: number): void {
  if (steps > 1) m.process.count(Event.UNSORTED_STEPS, steps)
}

/**
 * Large bins are sorted, the largest first, but every chunk has to be passed on the way: a chunk
 * goes before the first that is not larger, or to the end when none is smaller.
 */
function sortIntoBin(m: Ptmalloc, av: Arena, victim: Chunk, size: number): void {
  const index = ptmalloc2Bin(size)
  const bin = binAt(av, index)
  let before = bin
  if (size >= PTMALLOC2_MIN_LARGE && m.fd(bin) !== bin) {
    const last = m.bk(bin)
    if (size <= m.size(last)) {
      before = last
    } else {
      let next = m.fd(bin)
      let steps = 1
      while (size < m.size(next)) {
        next = m.fd(next)
        steps++
      }
      if (steps > 1) m.process.count(Event.BIN_STEPS, steps)
      before = m.bk(next)
    }
  }
  markBin(m, av, index)
  linkAfter(m, before, victim)
}

/** The smallest chunk of the bin that fits: from the end, one by one. */
function takeBestFit(m: Ptmalloc, av: Arena, nb: number, binIndex: number): Chunk {
  const bin = binAt(av, binIndex)
  let steps = 1
  let victim = m.bk(bin)
  while (victim !== bin && m.size(victim) < nb) {
    victim = m.bk(victim)
    steps++
  }
  if (steps > 1) m.process.count(Event.BIN_STEPS, steps)
  if (victim === bin) return CHUNK_NONE
  takeFromBin(m, av, victim, nb, CORRUPTED)
  return victim
}

function takeFromLargerBin(m: Ptmalloc, av: Arena, nb: number, binIndex: number): Chunk {
  const victim = scanBinmap(m, av, binIndex)
  if (victim === CHUNK_NONE) return CHUNK_NONE
  const remainder = takeFromBin(m, av, victim, nb, CORRUPTED)
  if (remainder !== CHUNK_NONE && nb < PTMALLOC2_MIN_LARGE) {
    m.words[av + ArenaWord.LAST_REMAINDER] = remainder
  }
  return victim
}

/** _int_free of a chunk that is not mapped. */
export function ptmalloc2IntFree(m: Ptmalloc, av: Arena, p: Chunk): void {
  const size = m.size(p)
  if (size > maxFastOf(m, av)) {
    freeChunk(m, av, p, size)
    return
  }
  const bin = fastbinAt(av, fastbinIndex(size))
  m.setHaveFastchunks(av, 1)
  m.setFd(p, m.words[bin]! as Chunk)
  m.words[bin] = p
}
