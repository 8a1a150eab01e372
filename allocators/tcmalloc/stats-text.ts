/**
 * The figures of tcmalloc's statistics as text, one a line: the byte waterfall, what is free by
 * size class, free spans by length. They are those that MallocExtension::GetStats prints
 * (gperftools 2.10, src/tcmalloc.cc, DumpStats), so that `verify` can compare the two. To be read
 * at a safepoint: no locks are taken.
 */
import { Central, centralOf } from './central-layout.ts'
import type { Library } from './library.ts'
import { TC_PAGE_BYTES } from './size-class.ts'
import { Location, Span } from './span-layout.ts'
import { walkSpans } from './span-walk.ts'
import { LISTED_PAGES_MAX } from './static-layout.ts'
import { CACHES_LIMIT, readStats, threadCachesOf, transferBytes } from './stats.ts'
import { FREE_LIST_WORDS, FreeList } from './thread-cache-layout.ts'

/** The waterfall: the first six add up to the seventh, and that and the eighth to the ninth. */
export const WATERFALL: readonly string[] = [
  'in use',
  'page heap',
  'central',
  'transfer',
  'thread caches',
  'metadata',
  'physical',
  'unmapped',
  'virtual',
  'spans in use',
  'thread heaps',
  'page bytes',
]

/** A line for each figure, as `tcmallocStatsLines` makes them from the real one's text. */
export function statsText(library: Library): string {
  const lines = waterfall(library).map((value, i) => `${WATERFALL[i]}: ${value}`)
  return `${[...lines, ...freeBlocks(library), ...freeSpans(library)].join('\n')}\n`
}

/** In the order of `WATERFALL`. */
function waterfall(library: Library): number[] {
  const stats = readStats(library)
  const parts = [
    stats.current_allocated_bytes,
    stats.pageheap_free_bytes,
    stats.central_cache_free_bytes,
    stats.transfer_cache_free_bytes,
    stats.thread_cache_free_bytes,
    stats.metadata_bytes,
  ]
  const physical = parts.reduce((sum, part) => sum + part, 0)
  const unmapped = stats.pageheap_unmapped_bytes
  const { spans_in_use: spans, thread_heaps_in_use: heaps } = stats
  return [...parts, physical, unmapped, physical + unmapped, spans, heaps, TC_PAGE_BYTES]
}

/** Free blocks of each class, wherever they wait: on spans, in transfer slots, in caches. */
function freeBlocks(library: Library): string[] {
  const { process, sizes } = library
  const { words, dataStart } = process
  const caches = threadCachesOf(library, CACHES_LIMIT)
  const lines: string[] = []
  for (let sizeClass = 1; sizeClass < sizes.classCount; sizeClass++) {
    const bytes = sizes.classBytes[sizeClass]!
    let blocks = words[centralOf(dataStart, sizeClass) + Central.COUNTER]!
    blocks += transferBytes(library, sizeClass) / bytes
    for (const cache of caches) {
      blocks += words[cache + sizeClass * FREE_LIST_WORDS + FreeList.LENGTH]!
    }
    if (blocks > 0) lines.push(`class ${sizeClass} of ${bytes} bytes: ${blocks} free`)
  }
  return lines
}

/** Free spans by length, normal and returned ones together. */
function freeSpans(library: Library): string[] {
  const { words } = library.process
  const counts = new Int32Array(LISTED_PAGES_MAX + 1)
  let longer = 0
  walkSpans(library, (span) => {
    if (words[span + Span.LOCATION] === Location.IN_USE) return
    const pages = words[span + Span.LENGTH]!
    if (pages > LISTED_PAGES_MAX) longer++
    else counts[pages]!++
  })
  const lines = [...counts.entries()]
    .filter(([, spans]) => spans > 0)
    .map(([pages, spans]) => `spans of ${pages} pages: ${spans} free`)
  return [`lengths of free spans: ${lines.length}`, ...lines, `longer spans: ${longer} free`]
}
