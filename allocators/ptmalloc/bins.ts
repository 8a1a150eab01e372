/** Lists of free chunks: linking, unlinking, and splitting what was found (both designs). */
import type { WordIndex } from '../../lab/words/units.ts'
import {
  type Arena,
  ArenaWord,
  BINMAP_WORDS,
  BINS_PER_MAP_WORD,
  binAt,
  unsortedChunks,
} from './arena-layout.ts'
import {
  CHUNK_NONE,
  type Chunk,
  ChunkWord,
  headOf,
  MIN_CHUNK_WORDS,
  PREV_INUSE,
} from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'

/**
 * unlink_chunk: takes a free chunk of so many words out of whatever list it is in. Of the chunks of
 * one size in a large bin only the first is in the ring of sizes; when that one goes, the next of
 * its size takes its place there.
 */
export function unlinkChunk(m: Ptmalloc, p: Chunk, size: number): void {
  const { words } = m
  if (words[p + size + ChunkWord.PREV_SIZE] !== size) m.abort('corrupted size vs. prev_size')
  const fd = words[p + ChunkWord.FD]! as Chunk
  const bk = words[p + ChunkWord.BK]!
  if (words[fd + ChunkWord.BK] !== p || words[bk + ChunkWord.FD] !== p) {
    m.abort('corrupted double-linked list')
  }
  words[fd + ChunkWord.BK] = bk
  words[bk + ChunkWord.FD] = fd
  if (size >= m.nextsizeFrom && m.fdNextsize(p) !== CHUNK_NONE) unlinkNextsize(m, p, fd)
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
  const after = words[before + ChunkWord.FD]!
  words[p + ChunkWord.BK] = before
  words[p + ChunkWord.FD] = after
  words[after + ChunkWord.BK] = p
  words[before + ChunkWord.FD] = p
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
  const first = words[unsorted + ChunkWord.FD]!
  if (words[first + ChunkWord.BK] !== unsorted) m.abort(corrupted)
  m.touchLinks(p)
  words[p + ChunkWord.FD] = first
  words[p + ChunkWord.BK] = unsorted
  words[unsorted + ChunkWord.FD] = p
  words[first + ChunkWord.BK] = p
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
  const { words } = m
  const at = binmapWord(av, index)
  words[at] = words[at]! | (1 << (index & (BINS_PER_MAP_WORD - 1)))
}

export const binmapWord = (av: Arena, index: number): WordIndex =>
  ((av + ArenaWord.BINMAP + (index >>> 5)) | 0) as WordIndex

/**
 * Takes a chunk out of its bin and makes it the user's: as it is when what is over would be smaller
 * than a chunk, else cut to `nb`. Returns the remainder, now in the unsorted list, or CHUNK_NONE.
 */
export function takeFromBin(
  m: Ptmalloc,
  av: Arena,
  victim: Chunk,
  nb: number,
  corrupted: string,
): Chunk {
  const { words } = m
  const size = m.size(victim)
  unlinkChunk(m, victim, size)
  const remainderSize = size - nb
  if (remainderSize < MIN_CHUNK_WORDS) {
    m.setPrevInuse(chunkAt(victim, size))
    if (av !== m.main) m.setNonMainArena(victim)
    return CHUNK_NONE
  }
  const remainder = chunkAt(victim, nb)
  m.process.touch(remainder)
  insertUnsorted(m, av, remainder, remainderSize, corrupted)
  words[victim + ChunkWord.SIZE] = headOf(nb, PREV_INUSE | m.arenaFlag(av))
  words[remainder + ChunkWord.SIZE] = headOf(remainderSize, PREV_INUSE)
  words[victim + size + ChunkWord.PREV_SIZE] = remainderSize
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
  const end = av + ArenaWord.BINMAP + BINMAP_WORDS
  let map = words[at]! & (-1 << (first & (BINS_PER_MAP_WORD - 1)))
  for (;;) {
    while (map === 0) {
      if (++at >= end) return CHUNK_NONE
      map = words[at]!
    }
    const bit = map & -map
    const index = (at - av - ArenaWord.BINMAP) * BINS_PER_MAP_WORD + 31 - Math.clz32(bit)
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
  m.words[av + ArenaWord.LAST_REMAINDER] = remainder
  if (remainderSize >= m.nextsizeFrom) clearNextsize(m, remainder)
  m.setHead(victim, nb, PREV_INUSE | m.arenaFlag(av))
  m.setHead(remainder, remainderSize, PREV_INUSE)
  setFoot(m, remainder, remainderSize)
}
