/** All spans in address order, for a map of them that one can walk. At a safepoint. */
import { WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import type { ChunkEntry, ChunkList } from '../contract.ts'
import type { Library } from './library.ts'
import { Location, Span, TC_PAGE_WORDS } from './span-layout.ts'
import { walkSpans } from './span-walk.ts'

/** The arena of `inspect` that all spans are shown under. */
const PAGE_HEAP = 0

/** The last `most` spans. What lies between spans is metadata, and shown as such. */
export function spanList(library: Library, most: number): ChunkList[] {
  const { words } = library.process
  const entries: ChunkEntry[] = []
  const starts: WordIndex[] = []
  let end = WORD_NULL as WordIndex
  walkSpans(library, (span) => {
    const start = library.spanStart(span)
    if (entries.length > 0 && start > end) {
      entries.push({ words: start - end, state: 'no span', flags: 0, block: WORD_NULL })
      starts.push(end)
    }
    const length = words[span + Span.LENGTH]! * TC_PAGE_WORDS
    entries.push({ words: length, ...stateOf(library, span, start), flags: 0 })
    starts.push(start)
    end = (start + length) as WordIndex
  })
  const first = Math.max(0, entries.length - most)
  if (entries.length === 0) return []
  return [{ arena: PAGE_HEAP, start: starts[first]!, left: first, chunks: entries.slice(first) }]
}

function stateOf(
  library: Library,
  span: WordIndex,
  start: WordIndex,
): Pick<ChunkEntry, 'state' | 'block'> {
  const { words } = library.process
  const location = words[span + Span.LOCATION]
  const sizeClass = words[span + Span.SIZE_CLASS]!
  if (location === Location.NORMAL) return { state: 'free span', block: WORD_NULL }
  if (location === Location.RETURNED) return { state: 'returned span', block: WORD_NULL }
  if (sizeClass === 0) return { state: 'in use', block: start }
  const bytes = library.sizes.classBytes[sizeClass]!
  const inUse = words[span + Span.REFCOUNT]!
  const all = library.central.blocksPerSpan(sizeClass)
  const state = inUse === 0 ? 'empty' : inUse === all ? 'full' : 'partly used'
  return { state: `${state} span of ${bytes} B`, block: WORD_NULL }
}
