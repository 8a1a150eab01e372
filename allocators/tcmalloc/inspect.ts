/**
 * What tcmalloc holds, for the dashboard, the summary and the anatomy of RSS. At a safepoint.
 *
 * Three "arenas" stand for its three layers:
 * - `page heap`: blocks of their own, and free spans; `topBytes` is what ReleaseFreeMemory could
 *   give back, wherever it lies;
 * - `central lists`: spans cut into blocks, with a bin per class for what is free in them;
 * - `thread caches`: free blocks in threads' caches, with a bin per thread.
 */
import { bytesOfWords, type WordIndex, wordAt } from '../../lab/words/units.ts'
import {
  type ArenaReport,
  type BinReport,
  type HeapReport,
  type LockId,
  RegionKind,
  type RegionVisitor,
} from '../contract.ts'
import { Central, centralOf } from './central-layout.ts'
import type { Library } from './library.ts'
import { TC_PAGE_BYTES } from './size-class.ts'
import { Location, Span, TC_PAGE_WORDS } from './span-layout.ts'
import { blockStates, CachedBlocks, walkSpans } from './span-walk.ts'
import { Static, StaticArray } from './static-layout.ts'
import {
  CACHES_LIMIT,
  readStats,
  type TcmallocStats,
  threadCachesOf,
  transferBytes,
} from './stats.ts'
import { ThreadCacheWord } from './thread-cache-layout.ts'

/** Indices of `HeapReport.arenas`. */
const TcmallocArena = { PAGE_HEAP: 0, CENTRAL: 1, THREAD_CACHES: 2 } as const
const SHARED_STATE = -1
/** Most blocks a span can have: 8 KiB of 8 bytes, and longer spans of larger blocks. */
const BLOCKS_PER_SPAN_MAX = 8192

/** Region kind and arena of a block, by its state. */
const KIND_OF_STATE = [
  RegionKind.USABLE,
  RegionKind.FREE,
  RegionKind.FREE,
  RegionKind.THREAD_CACHE,
] as const
const ARENA_OF_STATE = [
  TcmallocArena.CENTRAL,
  TcmallocArena.CENTRAL,
  TcmallocArena.CENTRAL,
  TcmallocArena.THREAD_CACHES,
] as const

/** Sums over the walk of all spans. */
interface Tally {
  smallSpanBytes: number
  smallBlocks: number
  smallInUse: number
  largeBytes: number
  largeBlocks: number
  freeSpans: number
  /** Spans by length, normal and returned; the last entry counts all longer ones. */
  readonly extents: { start: WordIndex; bytes: number; reservedBytes: number }[]
  readonly freeByLength: Map<number, { normal: number; returned: number }>
  partial: boolean
}

export function inspectLibrary(library: Library, visit?: RegionVisitor): HeapReport {
  const tally: Tally = {
    smallSpanBytes: 0,
    smallBlocks: 0,
    smallInUse: 0,
    largeBytes: 0,
    largeBlocks: 0,
    freeSpans: 0,
    extents: [],
    freeByLength: new Map(),
    partial: false,
  }
  if (visit !== undefined) visitState(library, visit)
  const cached = new CachedBlocks(library)
  const states = new Uint8Array(BLOCKS_PER_SPAN_MAX)
  const walked = walkSpans(library, (span) => {
    tallySpan(library, span, tally)
    if (visit !== undefined) visitSpan(library, span, cached, states, visit, tally)
  })
  const stats = readStats(library)
  const arenas = [
    pageHeapReport(library, tally, stats.pageheap_free_bytes, stats.pageheap_unmapped_bytes),
    centralReport(library, tally, stats),
    threadCachesReport(library, stats.thread_cache_free_bytes),
  ]
  return {
    design: 'tcmalloc',
    partial: !walked || !cached.sound || tally.partial,
    arenas,
    mappedBlocks: 0,
    mappedBytes: 0,
    totals: { ...stats },
  }
}

/** The library's data segment and its metadata. */
function visitState(library: Library, visit: RegionVisitor): void {
  visit(library.process.dataStart, StaticArray.END, RegionKind.STATE, SHARED_STATE)
  library.metadata.walkChunks((start, words) => {
    visit(start, words, RegionKind.STATE, SHARED_STATE)
  })
}

function tallySpan(library: Library, span: WordIndex, tally: Tally): void {
  const words = library.process.words
  const length = words[span + Span.LENGTH]!
  const bytes = length * TC_PAGE_BYTES
  const start = library.spanStart(span)
  const last = tally.extents.at(-1)
  if (last !== undefined && wordAt(last.start, last.bytes / bytesOfWords(1)) === start) {
    last.bytes += bytes
    last.reservedBytes += bytes
  } else {
    tally.extents.push({ start, bytes, reservedBytes: bytes })
  }
  const location = words[span + Span.LOCATION]
  const sizeClass = words[span + Span.SIZE_CLASS]!
  if (location !== Location.IN_USE) {
    tally.freeSpans++
    const row = tally.freeByLength.get(length) ?? { normal: 0, returned: 0 }
    if (location === Location.NORMAL) row.normal++
    else row.returned++
    tally.freeByLength.set(length, row)
  } else if (sizeClass === 0) {
    tally.largeBlocks++
    tally.largeBytes += bytes
  } else {
    tally.smallSpanBytes += bytes
    tally.smallBlocks += library.central.blocksPerSpan(sizeClass)
    tally.smallInUse += words[span + Span.REFCOUNT]!
  }
}

function visitSpan(
  library: Library,
  span: WordIndex,
  cached: CachedBlocks,
  states: Uint8Array,
  visit: RegionVisitor,
  tally: Tally,
): void {
  const words = library.process.words
  const start = library.spanStart(span)
  const spanWords = words[span + Span.LENGTH]! * TC_PAGE_WORDS
  const location = words[span + Span.LOCATION]
  const sizeClass = words[span + Span.SIZE_CLASS]!
  if (location === Location.NORMAL) {
    visit(start, spanWords, RegionKind.TOP, TcmallocArena.PAGE_HEAP)
  } else if (location === Location.RETURNED) {
    visit(start, spanWords, RegionKind.RESERVE, TcmallocArena.PAGE_HEAP)
  } else if (sizeClass === 0) {
    visit(start, spanWords, RegionKind.USABLE, TcmallocArena.PAGE_HEAP)
  } else {
    const blocks = blockStates(library, span, cached, states)
    if (blocks === undefined) {
      tally.partial = true
      return
    }
    const blockWords = library.blockWords(sizeClass)
    for (let i = 0; i < blocks; i++) {
      const state = states[i]!
      const at = wordAt(start, i * blockWords)
      visit(at, blockWords, KIND_OF_STATE[state]!, ARENA_OF_STATE[state]!)
    }
    const rest = spanWords - blocks * blockWords
    const end = wordAt(start, blocks * blockWords)
    if (rest > 0) visit(end, rest, RegionKind.OVERHEAD, TcmallocArena.CENTRAL)
  }
}

function pageHeapReport(
  library: Library,
  tally: Tally,
  freeBytes: number,
  unmappedBytes: number,
): ArenaReport {
  const bins: BinReport[] = []
  for (const [length, row] of [...tally.freeByLength].sort((a, b) => a[0] - b[0])) {
    const bytes = length * TC_PAGE_BYTES
    const name = `${length} ${length === 1 ? 'page' : 'pages'}`
    if (row.normal > 0) bins.push({ name, chunks: row.normal, bytes: row.normal * bytes })
    if (row.returned === 0) continue
    bins.push({ name: `${name}, returned`, chunks: row.returned, bytes: row.returned * bytes })
  }
  return {
    name: 'page heap',
    lock: pageHeapLock(library),
    attachedThreads: library.process.words[library.process.dataStart + Static.THREAD_CACHE_COUNT]!,
    systemBytes: tally.largeBytes + freeBytes + unmappedBytes,
    inUseBytes: tally.largeBytes,
    freeBytes: freeBytes + unmappedBytes,
    topBytes: freeBytes,
    threadCacheBytes: 0,
    chunksInUse: tally.largeBlocks,
    chunksFree: tally.freeSpans,
    heaps: tally.extents,
    bins,
  }
}

function centralReport(library: Library, tally: Tally, stats: TcmallocStats): ArenaReport {
  const { process, sizes } = library
  const words = process.words
  const bins: BinReport[] = []
  for (let sizeClass = 1; sizeClass < sizes.classCount; sizeClass++) {
    const central = centralOf(process.dataStart, sizeClass)
    const blockBytes = sizes.classBytes[sizeClass]!
    const inTransfer = transferBytes(library, sizeClass)
    const chunks = words[central + Central.COUNTER]! + inTransfer / blockBytes
    if (chunks === 0) continue
    bins.push({ name: `class ${blockBytes}`, chunks, bytes: chunks * blockBytes })
  }
  const cachedBlocks = threadCachesOf(library, CACHES_LIMIT).reduce(
    (sum, cache) => sum + library.viewCache(cache).blocks(),
    0,
  )
  const freeBlocks = bins.reduce((sum, bin) => sum + bin.chunks, 0)
  const systemBytes = tally.smallSpanBytes - stats.thread_cache_free_bytes
  // What is lost at the ends of spans counts as free, as tcmalloc's own figure has it.
  const freeBytes = stats.central_cache_free_bytes + stats.transfer_cache_free_bytes
  return {
    name: 'central lists',
    lock: words[centralOf(process.dataStart, 1) + Central.LOCK_ID] as LockId,
    attachedThreads: 0,
    systemBytes,
    inUseBytes: systemBytes - freeBytes,
    freeBytes,
    topBytes: 0,
    threadCacheBytes: 0,
    chunksInUse: tally.smallBlocks - freeBlocks - cachedBlocks,
    chunksFree: freeBlocks,
    heaps: [],
    bins,
  }
}

function threadCachesReport(library: Library, cacheBytes: number): ArenaReport {
  const words = library.process.words
  const bins: BinReport[] = []
  for (const cache of threadCachesOf(library, CACHES_LIMIT)) {
    const thread = words[cache + ThreadCacheWord.THREAD]!
    const bytes = words[cache + ThreadCacheWord.BYTES]!
    const name = thread < 0 ? 'lost before main' : `thread ${thread}`
    bins.push({ name, chunks: library.viewCache(cache).blocks(), bytes })
  }
  return {
    name: 'thread caches',
    lock: pageHeapLock(library),
    attachedThreads: bins.length,
    systemBytes: cacheBytes,
    inUseBytes: 0,
    freeBytes: 0,
    topBytes: 0,
    threadCacheBytes: cacheBytes,
    chunksInUse: 0,
    chunksFree: bins.reduce((sum, bin) => sum + bin.chunks, 0),
    heaps: [],
    bins,
  }
}

const pageHeapLock = (library: Library): LockId => {
  const { words, dataStart } = library.process
  return words[dataStart + Static.PAGE_HEAP_LOCK + 1] as LockId
}
