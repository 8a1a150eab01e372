/**
 * Where chunks lie: the runs of memory of every arena, for walks over all chunks (inspect, check,
 * verify). A non-main arena's are its heaps. The main arena's are the runs its sysmalloc got that
 * did not join the one before; the real allocator forgets where those start, so a table keeps it.
 */
import { byteOfWord, type WordIndex } from '../../lab/words/units.ts'
import { ARENA_NONE, type Arena, initialTop } from './arena-layout.ts'
import {
  ALIGN_MASK,
  type Chunk,
  FIELD_WORDS,
  HEADER_WORDS,
  MIN_CHUNK_WORDS,
  NON_MAIN_ARENA,
  PREV_INUSE,
} from './chunk-layout.ts'
import { HEAP_NONE, type HeapInfo, HeapWord } from './heap-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { SEGMENTS_MAX, StaticWord } from './static-layout.ts'

/** In a table entry: the run was mapped, because the break could not move. */
const MAPPED_BIT = 1

export interface Segment {
  readonly arena: Arena
  /** Index of the arena in creation order; 0 is the main one. */
  readonly arenaIndex: number
  /** The heap, for non-main arenas; HEAP_NONE in the main arena. */
  readonly heap: HeapInfo
  /** First word: of the heap_info, or of the run. */
  readonly start: WordIndex
  readonly firstChunk: Chunk
  /** One past the last usable word. */
  readonly end: WordIndex
  /** One past the last reserved word. */
  readonly reservedEnd: WordIndex
  /** In place of the break (DESIGN 6's F regions). */
  readonly mapped: boolean
}

/** Notes that the main arena goes on in another run of memory. */
export function addSegment(m: Ptmalloc, start: WordIndex, mapped: boolean): void {
  const count = m.static(StaticWord.SEGMENTS)
  m.setStatic(StaticWord.SEGMENTS, count + 1)
  if (count >= SEGMENTS_MAX) return
  m.setStatic(StaticWord.SEGMENT_STARTS + count, start | (mapped ? MAPPED_BIT : 0))
}

/** Arenas in creation order, the main one first. Bounded by the number of arenas made. */
export function arenasOf(m: Ptmalloc): Arena[] {
  const newestFirst: Arena[] = []
  const limit = m.static(StaticWord.NARENAS)
  let av = m.nextArena(m.main)
  while (av !== m.main && av !== ARENA_NONE && newestFirst.length <= limit) {
    newestFirst.push(av)
    av = m.nextArena(av)
  }
  return [m.main, ...newestFirst.reverse()]
}

/** Heaps of a non-main arena, oldest first. */
export function heapsOf(m: Ptmalloc, av: Arena): HeapInfo[] {
  const heaps: HeapInfo[] = []
  const limit = m.words.length / m.heapMax
  for (
    let heap = m.heapForPtr(m.top(av));
    heap !== HEAP_NONE && heaps.length <= limit;
    heap = m.heapPrev(heap)
  ) {
    heaps.push(heap)
  }
  return heaps.reverse()
}

/** Every segment of every arena, those of one arena in the order they were got. */
export function segmentsOf(m: Ptmalloc): Segment[] {
  return arenasOf(m).flatMap((av, index) =>
    av === m.main ? mainSegments(m) : heapSegments(m, av, index),
  )
}

function mainSegments(m: Ptmalloc): Segment[] {
  const { main } = m
  if (m.top(main) === initialTop(main)) return []
  const count = Math.min(m.static(StaticWord.SEGMENTS), SEGMENTS_MAX)
  const entries = Array.from({ length: count }, (_, i) => m.static(StaticWord.SEGMENT_STARTS + i))
  const starts = entries.map((entry) => (entry & ~MAPPED_BIT) as WordIndex)
  return entries.map((entry, i) => {
    const start = starts[i]!
    const firstChunk = ((start + ALIGN_MASK) & ~ALIGN_MASK) as Chunk
    const end = mainSegmentEnd(m, firstChunk, starts)
    const mapped = (entry & MAPPED_BIT) !== 0
    const whole = { arena: main, arenaIndex: 0, heap: HEAP_NONE, mapped }
    return { ...whole, start, firstChunk, end, reservedEnd: end }
  })
}

/** A run of the main arena ends with the top, or with two fenceposts where another run followed. */
function mainSegmentEnd(m: Ptmalloc, first: Chunk, starts: readonly WordIndex[]): WordIndex {
  const top = m.top(m.main)
  const holdsTop = first <= top && !starts.some((start) => start > first && start <= top)
  if (holdsTop) return chunkAt(top, m.size(top))
  let p = first
  while (p < m.wordsEnd && m.size(p) >= MIN_CHUNK_WORDS) p = chunkAt(p, m.size(p))
  // A broken size ends the run too early: the walk then does not end where the run does.
  return chunkAt(p, m.size(p) === HEADER_WORDS ? 2 * HEADER_WORDS : FIELD_WORDS)
}

function heapSegments(m: Ptmalloc, av: Arena, arenaIndex: number): Segment[] {
  const { heapInfoWords, arenaWords } = m.rules
  return heapsOf(m, av).map((heap) => {
    const own = heap + heapInfoWords === av ? arenaWords : 0
    return {
      arena: av,
      arenaIndex,
      heap,
      start: heap,
      firstChunk: ((heap + heapInfoWords + own + ALIGN_MASK) & ~ALIGN_MASK) as Chunk,
      end: (heap + m.words[heap + HeapWord.SIZE]!) as WordIndex,
      reservedEnd: (heap + m.heapMax) as WordIndex,
      mapped: false,
    }
  })
}

/** Called for each chunk, fenceposts and the top included. */
export type ChunkVisitor = (p: Chunk, size: number, segment: Segment) => void

/**
 * Visits the chunks of a segment from its start, by their sizes. Gives where the walk ended, which
 * is the segment's end (or the last fencepost of a heap, of size 0) unless a size is broken.
 */
export function walkSegment(m: Ptmalloc, segment: Segment, visit: ChunkVisitor): Chunk {
  const top = m.top(segment.arena)
  let p = segment.firstChunk
  while (p < segment.end) {
    const size = m.size(p)
    if (size < HEADER_WORDS || p + size > segment.end) return p
    visit(p, size, segment)
    if (p === top) return chunkAt(p, size)
    p = chunkAt(p, size)
  }
  return p
}

/** The walk of `walkSegment` ended where it should. */
export function walkIsWhole(m: Ptmalloc, segment: Segment, ended: Chunk): boolean {
  if (ended === (segment.end as WordIndex)) return true
  const lastFence = chunkAt(segment.end, -HEADER_WORDS)
  return segment.heap !== HEAP_NONE && ended === lastFence && m.head(ended) === PREV_INUSE
}

/** One chunk, as `verify` hashes and prints it. Offsets and sizes are bytes. */
export interface WalkedChunk {
  /** From the segment's start. */
  readonly offset: number
  readonly size: number
  readonly prevInuse: boolean
  readonly nonMainArena: boolean
}

/** The chunks of a segment, the top included, the size-0 fencepost of a heap not. */
export function* chunkWalk(m: Ptmalloc, segment: Segment): Generator<WalkedChunk> {
  const top = m.top(segment.arena)
  let p = segment.firstChunk
  while (p < segment.end) {
    const head = m.head(p)
    const size = m.size(p)
    if (size < HEADER_WORDS) return
    yield {
      offset: byteOfWord(p) - byteOfWord(segment.start),
      size: byteOfWord(size as WordIndex),
      prevInuse: (head & PREV_INUSE) !== 0,
      nonMainArena: (head & NON_MAIN_ARENA) !== 0,
    }
    if (p === top) return
    p = chunkAt(p, size)
  }
}
