/**
 * tcmalloc's own figures: what MallocExtension's numeric properties say, and the byte waterfall of
 * its statistics. Follows gperftools 2.10, src/tcmalloc.cc (ExtractStats, DumpStats).
 * To be read at a safepoint: no locks are taken.
 */
import { WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import { Central, centralOf } from './central-layout.ts'
import type { Library } from './library.ts'
import { CarverWord } from './metadata.ts'
import { TC_PAGE_BYTES } from './size-class.ts'
import { Static } from './static-layout.ts'
import { ThreadCacheWord } from './thread-cache-layout.ts'

/** Bytes, but for what is called a count or "in use". Names as MallocExtension has them. */
export interface TcmallocStats {
  /** Bytes got from the system for spans: generic.heap_size. */
  readonly heap_size: number
  readonly current_allocated_bytes: number
  readonly pageheap_free_bytes: number
  readonly pageheap_unmapped_bytes: number
  readonly central_cache_free_bytes: number
  readonly transfer_cache_free_bytes: number
  readonly thread_cache_free_bytes: number
  /** Heap and metadata, less what was given back: "actual memory used". */
  readonly total_physical_bytes: number
  readonly current_total_thread_cache_bytes: number
  readonly pageheap_committed_bytes: number
  readonly metadata_bytes: number
  readonly max_total_thread_cache_bytes: number
  readonly pageheap_scavenge_count: number
  readonly pageheap_commit_count: number
  readonly pageheap_decommit_count: number
  readonly pageheap_reserve_count: number
  readonly pageheap_total_commit_bytes: number
  readonly pageheap_total_decommit_bytes: number
  readonly pageheap_total_reserve_bytes: number
  readonly spans_in_use: number
  readonly thread_heaps_in_use: number
}

/** Free bytes in the central lists and transfer slots of one class; the spans' lost ends count. */
function centralBytes(library: Library, sizeClass: number): number {
  const { process, sizes, central } = library
  const base = centralOf(process.dataStart, sizeClass)
  const bytes = sizes.classBytes[sizeClass]!
  const spanBytes = sizes.classPages[sizeClass]! * TC_PAGE_BYTES
  const lostPerSpan = spanBytes - central.blocksPerSpan(sizeClass) * bytes
  const words = process.words
  return words[base + Central.COUNTER]! * bytes + words[base + Central.SPANS]! * lostPerSpan
}

/** Bytes in the transfer slots of one class. */
export function transferBytes(library: Library, sizeClass: number): number {
  const { process, sizes } = library
  const used = process.words[centralOf(process.dataStart, sizeClass) + Central.USED_SLOTS]!
  return used * sizes.batchSize[sizeClass]! * sizes.classBytes[sizeClass]!
}

/** All threads' caches, newest first; at most `limit`, so that a broken list ends. */
export function threadCachesOf(library: Library, limit: number): WordIndex[] {
  const { words, dataStart } = library.process
  const caches: WordIndex[] = []
  let cache = words[dataStart + Static.THREAD_CACHES] as WordIndex
  while (cache !== WORD_NULL && caches.length < limit) {
    caches.push(cache)
    cache = words[cache + ThreadCacheWord.NEXT] as WordIndex
  }
  return caches
}

/** Caches looked at before a walk gives up. */
export const CACHES_LIMIT = 65_536

export function readStats(library: Library): TcmallocStats {
  const { process, sizes } = library
  const figure = (place: number): number => process.words[process.dataStart + place]!
  const pageBytes = (place: number): number => figure(place) * TC_PAGE_BYTES
  let central = 0
  let transfer = 0
  for (let sizeClass = 1; sizeClass < sizes.classCount; sizeClass++) {
    central += centralBytes(library, sizeClass)
    transfer += transferBytes(library, sizeClass)
  }
  let threads = 0
  for (const cache of threadCachesOf(library, CACHES_LIMIT)) {
    threads += process.words[cache + ThreadCacheWord.BYTES]!
  }
  const system = pageBytes(Static.SYSTEM_PAGES)
  const free = pageBytes(Static.FREE_PAGES)
  const unmapped = pageBytes(Static.UNMAPPED_PAGES)
  const metadata = figure(Static.METADATA_BYTES)
  return {
    heap_size: system,
    current_allocated_bytes: system - threads - central - transfer - free - unmapped,
    pageheap_free_bytes: free,
    pageheap_unmapped_bytes: unmapped,
    central_cache_free_bytes: central,
    transfer_cache_free_bytes: transfer,
    thread_cache_free_bytes: threads,
    total_physical_bytes: system + metadata - unmapped,
    current_total_thread_cache_bytes: threads,
    pageheap_committed_bytes: pageBytes(Static.COMMITTED_PAGES),
    metadata_bytes: metadata,
    max_total_thread_cache_bytes: figure(Static.OVERALL_CACHE_BYTES),
    pageheap_scavenge_count: figure(Static.SCAVENGE_COUNT),
    pageheap_commit_count: figure(Static.COMMIT_COUNT),
    pageheap_decommit_count: figure(Static.DECOMMIT_COUNT),
    pageheap_reserve_count: figure(Static.RESERVE_COUNT),
    pageheap_total_commit_bytes: pageBytes(Static.TOTAL_COMMIT_PAGES),
    pageheap_total_decommit_bytes: pageBytes(Static.TOTAL_DECOMMIT_PAGES),
    pageheap_total_reserve_bytes: pageBytes(Static.TOTAL_RESERVE_PAGES),
    spans_in_use: figure(Static.SPAN_CARVER + CarverWord.IN_USE),
    thread_heaps_in_use: figure(Static.THREAD_CACHE_CARVER + CarverWord.IN_USE),
  }
}
