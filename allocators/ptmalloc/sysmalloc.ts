/**
 * sysmalloc: more memory from the system, when an arena's top is too small (both designs).
 *
 *   1. at least mmap_threshold: a mapping of its own
 *   2. a non-main arena: its heap grows, or it gets a next heap
 *   3. the main arena: the break moves up, or a mapping stands in where it cannot
 *   4. the request is cut from the new top
 *
 * The caller holds the arena's lock, or the process has one thread. Sizes are in words.
 */
import { ARENA_NONE, type Arena, ArenaWord, initialTop } from './arena-layout.ts'
import { setFoot } from './bins.ts'
import {
  ALIGN_MASK,
  CHUNK_NONE,
  type Chunk,
  HEADER_WORDS,
  MIN_CHUNK_WORDS,
  NON_MAIN_ARENA,
  PREV_INUSE,
} from './chunk-layout.ts'
import { growHeap, newHeap } from './heap.ts'
import { HEAP_NONE, type HeapInfo, HeapWord } from './heap-layout.ts'
import { sysmallocMmap } from './mapped.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { StaticWord } from './static-layout.ts'
import { extendMainArena } from './sysmalloc-main.ts'
import { splitTop } from './top.ts'

/** A chunk of `nb` words, or CHUNK_NONE. `av` may be ARENA_NONE: then only a mapping can do. */
export function sysmalloc(m: Ptmalloc, nb: number, av: Arena): Chunk {
  let triedMmap = false
  if (
    av === ARENA_NONE ||
    (nb >= m.static(StaticWord.MMAP_THRESHOLD) && m.static(StaticWord.N_MMAPS) < m.mmapMax)
  ) {
    const mapped = sysmallocMmap(m, nb)
    if (mapped !== CHUNK_NONE) return mapped
    triedMmap = true
  }
  if (av === ARENA_NONE) return CHUNK_NONE

  checkOldTop(m, nb, av)
  if (av === m.main) {
    extendMainArena(m, nb, av)
  } else if (!growLastHeap(m, nb, av)) {
    const heap = newHeap(m, m.requestWords(nb) + MIN_CHUNK_WORDS + m.rules.heapInfoWords)
    if (heap !== HEAP_NONE) {
      chainHeap(m, av, heap)
    } else if (!triedMmap && m.rules.mapsWhenHeapFails) {
      const mapped = sysmallocMmap(m, nb)
      if (mapped !== CHUNK_NONE) return mapped
    }
  }

  const max = av + ArenaWord.MAX_SYSTEM_MEM
  if (m.systemMem(av) > m.words[max]!) m.words[max] = m.systemMem(av)

  const p = m.top(av)
  const size = m.size(p)
  if (size < m.requestWords(nb) + MIN_CHUNK_WORDS) return CHUNK_NONE
  splitTop(m, av, p, size, nb)
  return p
}

/** glibc's assertions on the top it finds: never used, or whole, in use below, and page-ended. */
function checkOldTop(m: Ptmalloc, nb: number, av: Arena): void {
  const top = m.top(av)
  const size = m.size(top)
  const fresh = top === initialTop(av) && size === 0
  const whole =
    size >= MIN_CHUNK_WORDS && m.prevInuse(top) && ((top + size) & (m.pageWords - 1)) === 0
  if (!fresh && !whole) {
    m.abort(
      'malloc assertion failure in sysmalloc: (old_top == initial_top (av) && old_size == 0) || ' +
        '((unsigned long) (old_size) >= MINSIZE && prev_inuse (old_top) && ' +
        '((unsigned long) old_end & (pagesize - 1)) == 0)',
    )
  }
  if (size >= nb + MIN_CHUNK_WORDS) {
    m.abort(
      'malloc assertion failure in sysmalloc: ' +
        '(unsigned long) (old_size) < (unsigned long) (nb + MINSIZE)',
    )
  }
}

/** 2a. Grows the heap that holds the top by what the top lacks. */
function growLastHeap(m: Ptmalloc, nb: number, av: Arena): boolean {
  const top = m.top(av)
  const heap = m.heapForPtr(top)
  const before = m.heapSize(heap)
  if (!growHeap(m, heap, MIN_CHUNK_WORDS + m.requestWords(nb) - m.size(top))) return false
  m.addSystemMem(av, m.heapSize(heap) - before)
  m.setHead(top, heap + m.heapSize(heap) - top, PREV_INUSE)
  return true
}

/**
 * 2b. Chains a new heap to the arena and makes its free part the top. The old top ends in a
 * fencepost that looks like a chunk in use, and the rest of it is freed. The fencepost measures
 * MINSIZE, because heap_trim may make it top again.
 */
function chainHeap(m: Ptmalloc, av: Arena, heap: HeapInfo): void {
  const oldTop = m.top(av)
  const heapSize = m.heapSize(heap)
  m.words[heap + HeapWord.AR_PTR] = av
  m.words[heap + HeapWord.PREV] = m.heapForPtr(oldTop)
  m.addSystemMem(av, heapSize)
  const top = chunkAt(heap, m.rules.heapInfoWords)
  m.setTop(av, top)
  m.setHead(top, heapSize - m.rules.heapInfoWords, PREV_INUSE)

  const rest = (m.size(oldTop) - MIN_CHUNK_WORDS) & ~ALIGN_MASK
  const fence = chunkAt(oldTop, rest)
  const end = chunkAt(fence, HEADER_WORDS)
  m.touchHeader(end)
  m.setHead(end, 0, PREV_INUSE)
  if (rest >= MIN_CHUNK_WORDS) {
    m.touchHeader(fence)
    m.setHead(fence, HEADER_WORDS, PREV_INUSE)
    setFoot(m, fence, HEADER_WORDS)
    m.setHead(oldTop, rest, PREV_INUSE | NON_MAIN_ARENA)
    m.rules.intFreeLocked(m, av, oldTop)
  } else {
    m.setHead(oldTop, rest + HEADER_WORDS, PREV_INUSE)
    setFoot(m, oldTop, rest + HEADER_WORDS)
  }
}
