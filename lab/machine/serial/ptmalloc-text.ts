/** An arena of a modelled ptmalloc as lines of text: what a person compares with the algorithm. */
import {
  type Arena,
  ArenaWord,
  BINS,
  binAt,
  FASTBINS,
  fastbinAt,
  UNSORTED_BIN,
} from '../../../allocators/ptmalloc/arena-layout.ts'
import { CHUNK_NONE, type Chunk, HEADER_WORDS } from '../../../allocators/ptmalloc/chunk-layout.ts'
import type { Ptmalloc } from '../../../allocators/ptmalloc/ptmalloc.ts'
import { StaticWord, TlsWord } from '../../../allocators/ptmalloc/static-layout.ts'
import { TCACHE_COUNT, TCACHE_ENTRIES } from '../../../allocators/ptmalloc/tcache-layout.ts'
import { bytesOfWords, WORD_NULL, type WordIndex } from '../../words/units.ts'

/** Longer lists are cut. */
const SHOWN_MAX = 12

export function arenaLines(
  m: Ptmalloc,
  arena: Arena,
  brkStart: WordIndex,
  tls: WordIndex,
): string[] {
  const text = (p: Chunk): string => chunkText(m, arena, brkStart, p)
  const lines = [`top ${text(m.top(arena))}`]
  const last = m.words[arena + ArenaWord.LAST_REMAINDER]! as Chunk
  if (last !== CHUNK_NONE) lines.push(`last remainder ${text(last)}`)
  const threshold = bytesOfWords(m.static(StaticWord.MMAP_THRESHOLD))
  const trim = bytesOfWords(m.static(StaticWord.TRIM_THRESHOLD))
  lines.push(
    `system ${bytesOfWords(m.systemMem(arena))}, mmap threshold ${threshold}, trim ${trim}`,
  )
  lines.push(...cacheLines(m, tls))
  for (let i = 0; i < FASTBINS; i++) {
    const chunks: Chunk[] = []
    for (let p = m.words[fastbinAt(arena, i)]! as Chunk; p !== CHUNK_NONE; p = m.fd(p)) {
      chunks.push(p)
    }
    addList(lines, `fastbin ${bytesOfWords((i + 2) * HEADER_WORDS)}`, chunks, text)
  }
  for (let i = UNSORTED_BIN; i < BINS; i++) {
    const bin = binAt(arena, i)
    const chunks: Chunk[] = []
    for (let p = m.bk(bin); p !== bin; p = m.bk(p)) chunks.push(p)
    addList(lines, i === UNSORTED_BIN ? 'unsorted' : `bin ${i}`, chunks, text)
  }
  return lines
}

function addList(
  lines: string[],
  name: string,
  chunks: readonly Chunk[],
  text: (p: Chunk) => string,
): void {
  if (chunks.length === 0) return
  const more = chunks.length > SHOWN_MAX ? ` and ${chunks.length - SHOWN_MAX} more` : ''
  lines.push(`${name}: ${chunks.slice(0, SHOWN_MAX).map(text).join(' ')}${more}`)
}

/** `@offset+bytes` of the user's part, as placements count offsets. */
function chunkText(m: Ptmalloc, arena: Arena, brkStart: WordIndex, p: Chunk): string {
  const base = arena === m.main ? brkStart : m.heapForPtr(p)
  return `@${bytesOfWords(p + HEADER_WORDS - base)}+${bytesOfWords(m.size(p))}`
}

function cacheLines(m: Ptmalloc, tls: WordIndex): string[] {
  const tcache = m.words[tls + TlsWord.TCACHE]! as WordIndex
  if (tcache === WORD_NULL) return []
  const counts: string[] = []
  for (let i = 0; i < m.tcacheBins; i++) {
    const count = m.words[tcache + TCACHE_ENTRIES + 2 * i + TCACHE_COUNT]!
    if (count > 0) counts.push(`${bytesOfWords((i + 2) * HEADER_WORDS)}×${count}`)
  }
  return counts.length > 0 ? [`tcache: ${counts.join(' ')}`] : []
}
