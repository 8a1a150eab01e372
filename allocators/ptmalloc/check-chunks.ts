/** Invariants of chunks in the order of their addresses. */
import { byteOfWord, bytesOfWords } from '../../lab/words/units.ts'
import type { CachedChunks } from './cached.ts'
import {
  CHUNK_NONE,
  type Chunk,
  FIELD_WORDS,
  IS_MMAPPED,
  MIN_CHUNK_WORDS,
  NON_MAIN_ARENA,
} from './chunk-layout.ts'
import type { Findings } from './findings.ts'
import { HEAP_NONE, HeapWord } from './heap-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { type Segment, walkIsWhole, walkSegment } from './segments.ts'

/**
 * Walks one segment. Free chunks are struck off `binned`, where check-bins put all it saw, so that
 * what is left there in the end is no chunk at all.
 */
export function checkChunks(
  m: Ptmalloc,
  segment: Segment,
  binned: Set<number>,
  cached: CachedChunks,
  findings: Findings,
): void {
  const { arena, arenaIndex } = segment
  const top = m.top(arena)
  let below: Chunk = CHUNK_NONE
  let belowFree = false
  let sawTop = false
  const ended = walkSegment(m, segment, (p, size) => {
    if (below === CHUNK_NONE && !m.prevInuse(p)) {
      findings.add('PREV_INUSE of the first chunk of a segment is set', arenaIndex, p, 'clear')
    }
    if (belowFree && m.prevSize(p) !== p - below) {
      const found = bytesOfWords(m.prevSize(p))
      findings.add('prev_size repeats the size of a free chunk below', arenaIndex, p, found)
    }
    if ((m.head(p) & IS_MMAPPED) !== 0) {
      findings.add('IS_MMAPPED is clear within a segment', arenaIndex, p, m.head(p))
    }
    if (p === top) {
      sawTop = true
      if (belowFree) findings.add('the chunk below the top is in use', arenaIndex, p, 'free')
      return
    }
    // What lies above the last fencepost is no chunk.
    const free = size >= MIN_CHUNK_WORDS && !m.prevInuse(chunkAt(p, size))
    checkChunk(m, segment, p, size, free, belowFree, binned, cached, findings)
    below = p
    belowFree = free
  })
  if (!walkIsWhole(m, segment, ended)) {
    const found = `size ${bytesOfWords(m.size(ended))}`
    findings.add('the chunks of a segment fill it to its end', arenaIndex, ended, found)
  }
  const isLast = segment.heap !== HEAP_NONE && m.heapForPtr(top) === segment.heap
  if (isLast && !sawTop) findings.add('the top is in the newest heap', arenaIndex, top, 'not met')
  checkHeap(m, segment, findings)
}

function checkChunk(
  m: Ptmalloc,
  segment: Segment,
  p: Chunk,
  size: number,
  free: boolean,
  belowFree: boolean,
  binned: Set<number>,
  cached: CachedChunks,
  findings: Findings,
): void {
  const { arenaIndex } = segment
  const fence = size < MIN_CHUNK_WORDS
  if (free && belowFree) {
    findings.add('no two free chunks adjoin', arenaIndex, p, bytesOfWords(size))
  }
  if (free && !binned.delete(p)) {
    findings.add('every free chunk is in a bin', arenaIndex, p, `size ${bytesOfWords(size)}`)
  }
  if (free && (cached.tcache.has(p) || cached.fast.has(p))) {
    findings.add('cached and fastbin chunks count as in use', arenaIndex, p, 'free')
  }
  // The old top of a heap that had no room for a chunk ends it without the flag.
  const endsHeap = p + size + 2 * FIELD_WORDS >= segment.end
  const flag = (m.head(p) & NON_MAIN_ARENA) !== 0
  const expected = arenaIndex !== 0 && !free
  if (!fence && flag !== expected && !(expected && endsHeap)) {
    findings.add('NON_MAIN_ARENA marks chunks in use of other arenas', arenaIndex, p, String(flag))
  }
}

/** Invariants of the heap_info, for segments that are heaps. */
function checkHeap(m: Ptmalloc, segment: Segment, findings: Findings): void {
  const { heap, arena, arenaIndex } = segment
  if (heap === HEAP_NONE) return
  if (heap % m.heapMax !== 0) {
    findings.add('heaps start at multiples of heap_max', arenaIndex, heap, byteOfWord(heap))
  }
  if (m.heapArena(heap) !== arena) {
    findings.add('heap_info.ar_ptr is the arena', arenaIndex, heap, m.heapArena(heap))
  }
  const size = m.heapSize(heap)
  const mprotect = m.words[heap + HeapWord.MPROTECT_SIZE]!
  if (size > mprotect || mprotect > m.heapMax || size % m.pageWords !== 0) {
    const found = `${bytesOfWords(size)}, ${bytesOfWords(mprotect)}`
    findings.add('size ≤ mprotect_size ≤ heap_max, whole pages', arenaIndex, heap, found)
  }
}
