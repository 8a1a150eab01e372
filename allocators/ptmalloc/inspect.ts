/** What the dashboard and the summary see of the heap: a walk over everything it has mapped. */
import { bytesOfWords, type WordIndex, wordsOfBytes } from '../../lab/words/units.ts'
import {
  type ArenaGlance,
  type ArenaReport,
  type BinReport,
  type HeapReport,
  RegionKind,
  type RegionVisitor,
} from '../contract.ts'
import { type Arena, ArenaWord, BINS, FASTBINS, initialTop, UNSORTED_BIN } from './arena-layout.ts'
import { type CachedChunks, cachedChunks } from './cached.ts'
import {
  CHUNK_NONE,
  type Chunk,
  FIELD_WORDS,
  HEADER_WORDS,
  MIN_CHUNK_WORDS,
} from './chunk-layout.ts'
import { binFigures, fastbinFigures, mallinfo2 } from './mallinfo.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { mappedChunks } from './registry.ts'
import { arenasOf, type Segment, segmentsOf, walkIsWhole, walkSegment } from './segments.ts'
import { STATIC_BYTES, StaticWord, TlsWord } from './static-layout.ts'
import { attachedThreads } from './threads.ts'

/** Of no arena. */
const SHARED = -1

interface ArenaSums {
  inUse: number
  tcache: number
  chunksInUse: number
  chunksFree: number
}

/** A design's HeapReport; `visit` gets every mapped byte. At a safepoint. */
export function inspect(m: Ptmalloc, visit: RegionVisitor = () => {}): HeapReport {
  const arenas = arenasOf(m)
  const sums: ArenaSums[] = arenas.map(() => ({
    inUse: 0,
    tcache: 0,
    chunksInUse: 0,
    chunksFree: 0,
  }))
  const cached = cachedChunks(m)
  let partial = cached.broken
  visit(m.statics, wordsOfBytes(STATIC_BYTES), RegionKind.STATE, SHARED)
  const segments = segmentsOf(m)
  for (const segment of segments) {
    if (!visitSegment(m, segment, cached, sums[segment.arenaIndex]!, visit)) partial = true
  }
  const mapped = mappedChunks(m)
  for (const p of mapped) visitMapped(m, p, cached, visit)
  if (mapped.length !== m.static(StaticWord.N_MMAPS)) partial = true
  return {
    design: m.rules.name,
    partial,
    arenas: arenas.map((av, index) => arenaReport(m, av, index, sums[index]!, segments)),
    mappedBlocks: m.static(StaticWord.N_MMAPS),
    mappedBytes: bytesOfWords(m.static(StaticWord.MMAPPED_MEM)),
    totals: totals(m, arenas.length),
  }
}

/** A mapping: lead and header, then the block (a thread's cache, where everything is mapped). */
function visitMapped(m: Ptmalloc, p: Chunk, cached: CachedChunks, visit: RegionVisitor): void {
  const lead = m.prevSize(p)
  visit(chunkAt(p, -lead), lead + HEADER_WORDS, RegionKind.OVERHEAD, SHARED)
  const kind = cached.structs.has(p) ? RegionKind.STATE : RegionKind.USABLE
  visit(chunkAt(p, HEADER_WORDS), m.size(p) - HEADER_WORDS, kind, SHARED)
}

/**
 * Visits a segment piece by piece. A chunk's bytes are taken from its size field up to the next
 * chunk's: that is what it can use, since prev_size belongs to the chunk below while that is in
 * use.
 */
function visitSegment(
  m: Ptmalloc,
  segment: Segment,
  cached: CachedChunks,
  sums: ArenaSums,
  visit: RegionVisitor,
): boolean {
  const { arena, arenaIndex, heap, start, firstChunk, end, reservedEnd } = segment
  const top = m.top(arena)
  const kind = heap === 0 ? RegionKind.OVERHEAD : RegionKind.STATE
  const first = (firstChunk + FIELD_WORDS) as WordIndex
  visit(start, first - start, kind, arenaIndex)
  const ended = walkSegment(m, segment, (p, size) => {
    visit(chunkAt(p, FIELD_WORDS), FIELD_WORDS, RegionKind.OVERHEAD, arenaIndex)
    const body = chunkAt(p, HEADER_WORDS)
    if (p === top) {
      visit(body, size - HEADER_WORDS, RegionKind.TOP, arenaIndex)
      return
    }
    const words = Math.min(size - FIELD_WORDS, end - body)
    if (words > 0) visit(body, words, kindOf(m, p, size, cached, sums), arenaIndex)
  })
  if (ended !== end && ended + FIELD_WORDS < end) {
    const rest = (ended + FIELD_WORDS) as WordIndex
    visit(rest, end - rest, RegionKind.OVERHEAD, arenaIndex)
  }
  if (reservedEnd > end) visit(end, reservedEnd - end, RegionKind.RESERVE, arenaIndex)
  return walkIsWhole(m, segment, ended)
}

/** What a chunk below the top is; adds it to its arena's sums. */
function kindOf(
  m: Ptmalloc,
  p: Chunk,
  size: number,
  cached: CachedChunks,
  sums: ArenaSums,
): RegionKind {
  if (size < MIN_CHUNK_WORDS) return RegionKind.OVERHEAD
  if (!m.prevInuse(chunkAt(p, size)) || cached.fast.has(p)) {
    sums.chunksFree++
    return RegionKind.FREE
  }
  if (cached.tcache.has(p)) {
    sums.tcache += size
    sums.chunksFree++
    return RegionKind.THREAD_CACHE
  }
  sums.inUse += size
  sums.chunksInUse++
  return cached.structs.has(p) ? RegionKind.STATE : RegionKind.USABLE
}

function arenaReport(
  m: Ptmalloc,
  av: Arena,
  index: number,
  sums: ArenaSums,
  segments: readonly Segment[],
): ArenaReport {
  const top = m.size(m.top(av))
  const bins = binReports(m, av)
  const binned = bins.reduce((sum, bin) => sum + bin.bytes, 0)
  const own = segments.filter((segment) => segment.arenaIndex === index)
  return {
    name: arenaName(index),
    lock: m.lockId(av),
    attachedThreads: attachedCount(m, av),
    systemBytes: bytesOfWords(m.systemMem(av)),
    inUseBytes: bytesOfWords(sums.inUse),
    freeBytes: binned + bytesOfWords(top),
    topBytes: bytesOfWords(top),
    threadCacheBytes: bytesOfWords(sums.tcache),
    chunksInUse: sums.chunksInUse,
    chunksFree: sums.chunksFree,
    heaps: own.map(({ start, end, reservedEnd }) => ({
      start,
      bytes: bytesOfWords(end - start),
      reservedBytes: bytesOfWords(reservedEnd - start),
    })),
    bins,
  }
}

/** `main`, `arena 1`, `arena 2`, … in the order they were made. */
const arenaName = (index: number): string => (index === 0 ? 'main' : `arena ${index}`)

/** glibc counts them in the arena; ptmalloc2's threads merely remember one. */
function attachedCount(m: Ptmalloc, av: Arena): number {
  if (m.rules.name === 'glibc') return m.words[av + ArenaWord.ATTACHED_THREADS]!
  const threads = attachedThreads(m)
  return threads.filter(({ tls }) => m.words[tls + TlsWord.THREAD_ARENA] === av).length
}

/** The lists that are not empty. */
function binReports(m: Ptmalloc, av: Arena): BinReport[] {
  const reports: BinReport[] = []
  for (let index = 0; index < FASTBINS; index++) {
    const { chunks, words } = fastbinFigures(m, av, index)
    if (chunks > 0) {
      const size = bytesOfWords(words / chunks)
      reports.push({ name: `fast ${size}`, chunks, bytes: bytesOfWords(words) })
    }
  }
  for (let index = 1; index < BINS; index++) {
    const { chunks, words } = binFigures(m, av, index)
    if (chunks > 0) {
      reports.push({ name: binName(m, index), chunks, bytes: bytesOfWords(words) })
    }
  }
  return reports
}

/** `unsorted`, `small 48`, or `large` with the smallest size of the bin. */
export function binName(m: Ptmalloc, index: number): string {
  if (index === UNSORTED_BIN) return 'unsorted'
  const size = smallestOf(m, index)
  return `${size < m.rules.minLarge ? 'small' : 'large'} ${bytesOfWords(size)}`
}

function smallestOf(m: Ptmalloc, index: number): number {
  const { binIndex } = m.rules
  // Chunk sizes are multiples of MIN_CHUNK_WORDS / 2; bins are in order of size.
  let low = MIN_CHUNK_WORDS
  let high = 2 ** 20
  while (low < high) {
    const middle = Math.floor((low + high) / 2 / HEADER_WORDS) * HEADER_WORDS
    if (binIndex(middle) >= index) high = middle
    else low = middle + HEADER_WORDS
  }
  return low
}

function totals(m: Ptmalloc, arenas: number): Record<string, number> {
  return {
    ...mallinfo2(m),
    arenas,
    mmap_threshold: bytesOfWords(m.static(StaticWord.MMAP_THRESHOLD)),
    trim_threshold: bytesOfWords(m.static(StaticWord.TRIM_THRESHOLD)),
    max_n_mmaps: m.static(StaticWord.MAX_N_MMAPS),
    max_mmapped_mem: bytesOfWords(m.static(StaticWord.MAX_MMAPPED_MEM)),
  }
}

/** The cheap figures, without locks: a top caught in the middle of a change counts as empty. */
export function glance(m: Ptmalloc): ArenaGlance[] {
  return arenasOf(m).map((av) => {
    const system = m.systemMem(av)
    const top = m.top(av)
    const known = top !== CHUNK_NONE && top !== initialTop(av)
    const size = known ? m.size(top) : 0
    return {
      systemBytes: bytesOfWords(system),
      topBytes: size <= system ? bytesOfWords(size) : 0,
      attachedThreads: m.words[av + ArenaWord.ATTACHED_THREADS]!,
      lock: m.lockId(av),
    }
  })
}
