/**
 * Giving memory of free chunks back to the kernel (glibc malloc.c: systrim, mtrim, malloc_trim).
 */
import { Event } from '../../lab/words/events.ts'
import { bytesOfWords, type WordIndex } from '../../lab/words/units.ts'
import { type Arena, BINS, binAt, UNSORTED_BIN } from './arena-layout.ts'
import { CHUNK_STRUCT_WORDS, PREV_INUSE } from './chunk-layout.ts'
import { mallocConsolidate } from './consolidate.ts'
import { morecore } from './morecore.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'

/** MINSIZE in bytes. */
const MIN_CHUNK_BYTES = 32

/**
 * How much of a top of `topBytes` glibc 2.36 gives back: whole pages, leaving pad, MINSIZE and one
 * byte. The real subtraction is done in size_t and compared unsigned, so a top of just MINSIZE
 * gives a negative number of pages: systrim then *grows* the heap by that much. It is kept, since
 * the real one does it.
 */
export function glibcTrimmable(topBytes: number, padBytes: number, pageBytes: number): number {
  const area = topBytes - MIN_CHUNK_BYTES - 1
  if (area >= 0 && area <= padBytes) return 0
  return Math.floor((area - padBytes) / pageBytes) * pageBytes
}

/** How much ptmalloc2 gives back: whole pages, leaving pad, MINSIZE and at least one page. */
export function ptmalloc2Trimmable(topBytes: number, padBytes: number, pageBytes: number): number {
  const area = topBytes - padBytes - MIN_CHUNK_BYTES + (pageBytes - 1)
  return Math.max(0, (Math.trunc(area / pageBytes) - 1) * pageBytes)
}

/**
 * systrim: lowers the break by what the top can spare, when the top still ends there. True when the
 * break moved.
 */
export function systrim(m: Ptmalloc, av: Arena, padBytes: number): boolean {
  const top = m.top(av)
  const size = m.size(top)
  const extra = m.rules.trimmable(bytesOfWords(size), padBytes, m.process.pageBytes)
  if (extra === 0) return false
  const brk = morecore(m, 0)
  if (brk !== chunkAt(top, size)) return false
  morecore(m, -extra)
  const released = brk - morecore(m, 0)
  if (released === 0) return false
  m.addSystemMem(av, -released)
  m.setHead(top, size - released, PREV_INUSE)
  m.process.count(Event.TRIM)
  return true
}

/**
 * mtrim: consolidates the arena, then gives back every whole page inside its free chunks that are
 * large enough to have one; the main arena is also trimmed at its top. True when anything went.
 */
function mtrim(m: Ptmalloc, av: Arena, padBytes: number): boolean {
  mallocConsolidate(m, av)
  const firstBin = m.rules.binIndex(m.pageWords)
  let result = giveBackPagesOf(m, av, UNSORTED_BIN)
  for (let index = firstBin; index < BINS; index++) {
    if (giveBackPagesOf(m, av, index)) result = true
  }
  if (av === m.main && systrim(m, av, padBytes)) result = true
  return result
}

function giveBackPagesOf(m: Ptmalloc, av: Arena, index: number): boolean {
  const bin = binAt(av, index)
  const { pageWords } = m
  let result = false
  for (let p = m.bk(bin); p !== bin; p = m.bk(p)) {
    const size = m.size(p)
    if (size <= pageWords - 1 + CHUNK_STRUCT_WORDS) continue
    const aligned = m.pagesUp(p + CHUNK_STRUCT_WORDS) as WordIndex
    const spare = size - (aligned - p)
    if (spare < pageWords) continue
    m.process.madviseDontNeed(aligned, bytesOfWords(spare - (spare % pageWords)))
    result = true
  }
  return result
}

/** malloc_trim of glibc: every arena, the main one first, each under its lock. */
export function mallocTrim(m: Ptmalloc, padBytes: number): boolean {
  let result = false
  let av = m.main
  do {
    m.lockArena(av)
    if (mtrim(m, av, padBytes)) result = true
    m.unlockArena(av)
    av = m.nextArena(av)
  } while (av !== m.main)
  return result
}
