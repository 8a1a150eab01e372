/** Lists of free chunks: linking, unlinking, and splitting what was found (both designs). */
import type { WordIndex } from '../../lab/words/units.ts'
import * as arena from './arena-layout.ts'
import { type Arena, binAt, unsortedChunks } from './arena-layout.ts'
import type { Chunk } from './chunk-layout.ts'
import * as chunk from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'

// Bound once: the engine folds a module's own constants, but loads imported ones each time.
const { BINMAP_WORDS, BINS_PER_MAP_WORD } = arena
const { BINMAP, LAST_REMAINDER } = arena.ArenaWord
const { CHUNK_NONE, MIN_CHUNK_WORDS, PREV_INUSE, SIZE_MASK } = chunk
const { BK, FD, FD_NEXTSIZE, PREV_SIZE, SIZE } = chunk.ChunkWord

/**
 * unlink_chunk: takes a free chunk out of whatever list it is in. Of the chunks of one size in a
 * large bin only the first is in the ring of sizes; when that one goes, the next of its size takes
 * its place there.
 */
export function unlinkChunk(m: Ptmalloc, p: Chunk): void {
  const { words } = m
  const size = (words[p + SIZE]! >>> 1) & SIZE_MASK
  if (words[p + size + PREV_SIZE] !== size) m.abort('corrupted size vs. prev_size')
  const fd = words[p + FD]! as Chunk
  const bk = words[p + BK]!
  if (words[fd + BK] !== p || words[bk + FD] !== p) m.abort('corrupted double-linked list')
  words[fd + BK] = bk
  words[bk + FD] = fd
  if (size >= m.nextsizeFrom && words[p + FD_NEXTSIZE] !== CHUNK_NONE) unlinkNextsize(m, p, fd)
}

/** Takes the first chunk of its size out of the ring of sizes; `fd` follows it in its bin. */
function unlinkNextsize(m: Ptmalloc, p: Chunk, fd: Chunk): void {
  const smaller = m.fdNextsize(p)
  const larger = m.bkNextsize(p)
  if (m.bkNextsize(smaller) !== p || m.fdNextsize(larger) !== p) {
    m.abort('corrupted double-linked list (not small)')
  }
  if (m.fdNextsize(fd) !== CHUNK_NONE) {
    // No other chunk of this size (or `fd` is the bin's header, whose overlaid field is never 0).
    m.setBkNextsize(smaller, larger)
    m.setFdNextsize(larger, smaller)
    return
  }
  if (smaller === p) {
    m.setFdNextsize(fd, fd)
    m.setBkNextsize(fd, fd)
    return
  }
  m.setFdNextsize(fd, smaller)
  m.setBkNextsize(fd, larger)
  m.setBkNextsize(smaller, fd)
  m.setFdNextsize(larger, fd)
}

/** Links `p` between `before` and the chunk after it. */
export function linkAfter(m: Ptmalloc, before: Chunk, p: Chunk): void {
  const { words } = m
  const after = words[before + FD]!
  words[p + BK] = before
  words[p + FD] = after
  words[after + BK] = p
  words[before + FD] = p
}

/**
 * Puts a free chunk at the front of the unsorted list, where malloc gives it one chance before it
 * goes to a bin. Its header must be resident; its links may not be.
 */
export function insertUnsorted(
  m: Ptmalloc,
  av: Arena,
  p: Chunk,
  size: number,
  corrupted: string,
): void {
  const { words } = m
  const unsorted = unsortedChunks(av)
  const first = words[unsorted + FD]!
  if (words[first + BK] !== unsorted) m.abort(corrupted)
  m.touchLinks(p)
  words[p + FD] = first
  words[p + BK] = unsorted
  words[unsorted + FD] = p
  words[first + BK] = p
  if (size >= m.nextsizeFrom) clearNextsize(m, p)
}

/** A chunk outside a sorted bin is in no ring of sizes. */
export function clearNextsize(m: Ptmalloc, p: Chunk): void {
  m.touchNextsize(p)
  m.setFdNextsize(p, CHUNK_NONE)
  m.setBkNextsize(p, CHUNK_NONE)
}

/** set_foot: a free chunk's size, in the prev_size of the chunk above. */
export function setFoot(m: Ptmalloc, p: Chunk, size: number): void {
  m.setPrevSize(chunkAt(p, size), size)
}

/** mark_bin: the bin may have chunks. */
export function markBin(m: Ptmalloc, av: Arena, index: number): void {
  const at = binmapWord(av, index)
  m.words[at] = m.words[at]! | (1 << (index & (BINS_PER_MAP_WORD - 1)))
}

export const binmapWord = (av: Arena, index: number): WordIndex =>
  (av + BINMAP + (index >>> 5)) as WordIndex

/**
 * Makes a chunk just unlinked from a bin the user's: as it is when what is over would be smaller
 * than a chunk, else cut to `nb`. Returns the remainder, now in the unsorted list, or CHUNK_NONE.
 */
export function splitFreeChunk(
  m: Ptmalloc,
  av: Arena,
  victim: Chunk,
  nb: number,
  corrupted: string,
): Chunk {
  const { words } = m
  const size = m.size(victim)
  const remainderSize = size - nb
  if (remainderSize < MIN_CHUNK_WORDS) {
    m.setPrevInuse(chunkAt(victim, size))
    if (av !== m.main) m.setNonMainArena(victim)
    return CHUNK_NONE
  }
  const remainder = chunkAt(victim, nb)
  m.process.touch(remainder)
  insertUnsorted(m, av, remainder, remainderSize, corrupted)
  words[victim + SIZE] = (nb << 1) | PREV_INUSE | m.arenaFlag(av)
  words[remainder + SIZE] = (remainderSize << 1) | PREV_INUSE
  words[victim + size + PREV_SIZE] = remainderSize
  return remainder
}

/**
 * Scans the bins above `binIndex` for the first that has a chunk, helped by binmap: a clear bit
 * means empty; a set one may be stale, and is cleared when the bin turns out to be empty. Returns
 * the bin's last chunk (every chunk there is large enough), or CHUNK_NONE.
 */
export function scanBinmap(m: Ptmalloc, av: Arena, binIndex: number): Chunk {
  const { words } = m
  const first = binIndex + 1
  let at = binmapWord(av, first)
  const end = av + BINMAP + BINMAP_WORDS
  let map = words[at]! & (-1 << (first & (BINS_PER_MAP_WORD - 1)))
  for (;;) {
    while (map === 0) {
      if (++at >= end) return CHUNK_NONE
      map = words[at]!
    }
    const bit = map & -map
    const index = (at - av - BINMAP) * BINS_PER_MAP_WORD + 31 - Math.clz32(bit)
    const bin = binAt(av, index)
    const victim = m.bk(bin)
    if (victim !== bin) return victim
    words[at] = words[at]! & ~bit
    map &= ~bit
  }
}

/**
 * A small request is cut from the last remainder while that is the only unsorted chunk, so that
 * blocks asked for one after the other lie side by side. `victim` is that chunk.
 */
export function splitLastRemainder(
  m: Ptmalloc,
  av: Arena,
  victim: Chunk,
  size: number,
  nb: number,
): void {
  const unsorted = unsortedChunks(av)
  const remainder = chunkAt(victim, nb)
  const remainderSize = size - nb
  m.touchHeader(remainder)
  m.touchLinks(remainder)
  m.setFd(unsorted, unsorted)
  m.setBk(unsorted, unsorted)
  linkAfter(m, unsorted, remainder)
  m.words[av + LAST_REMAINDER] = remainder
  if (remainderSize >= m.nextsizeFrom) clearNextsize(m, remainder)
  m.setHead(victim, nb, PREV_INUSE | m.arenaFlag(av))
  m.setHead(remainder, remainderSize, PREV_INUSE)
  setFoot(m, remainder, remainderSize)
}
