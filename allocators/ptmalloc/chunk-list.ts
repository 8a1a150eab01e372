/** The highest chunks of every arena, for a map of them that one can walk. At a safepoint. */
import { WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import { type ArenaTail, type ChunkEntry, type ChunkList, RegionKind } from '../contract.ts'
import { type Arena, binAt, UNSORTED_BIN } from './arena-layout.ts'
import { HEADER_WORDS, SIZE_BITS } from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { arenasOf } from './segments.ts'

/** Chunks looked at in an unsorted list, at most. */
const UNSORTED_MAX = 8192

/** The last `most` chunks of each arena, from what the walk of `inspect` saw of them. */
export function chunkLists(m: Ptmalloc, most: number, tails: readonly ArenaTail[]): ChunkList[] {
  const arenas = arenasOf(m)
  return tails.flatMap((tail) => {
    const arena = arenas[tail.arena]
    return arena === undefined ? [] : [chunkList(m, arena, tail, most)]
  })
}

function chunkList(
  m: Ptmalloc,
  arena: Arena,
  { arena: index, starts, kinds, left }: ArenaTail,
  most: number,
): ChunkList {
  const first = Math.max(0, starts.length - most)
  const unsorted = unsortedChunks(m, arena)
  const chunks: ChunkEntry[] = []
  let start = WORD_NULL as WordIndex
  let skipped = left + first
  for (let place = first; place < starts.length; place++) {
    const kind = kinds[place]!
    const body = starts[place]!
    // The headers of a heap and of its arena are no chunk.
    if (kind === RegionKind.STATE && place + left === 0) {
      skipped++
      continue
    }
    if (chunks.length === 0) start = chunkAt(body, -HEADER_WORDS)
    chunks.push(entryOf(m, body, kind, unsorted))
  }
  return { arena: index, start, left: skipped, chunks }
}

function entryOf(
  m: Ptmalloc,
  body: WordIndex,
  kind: RegionKind,
  unsorted: ReadonlySet<number>,
): ChunkEntry {
  const p = chunkAt(body, -HEADER_WORDS)
  const words = m.size(p)
  const flags = m.head(p) & SIZE_BITS
  const block = kind === RegionKind.USABLE ? body : WORD_NULL
  const state = (): string => {
    if (kind === RegionKind.USABLE) return 'in use'
    if (kind === RegionKind.THREAD_CACHE) return 'tcache'
    if (kind === RegionKind.STATE) return 'tcache struct'
    if (kind === RegionKind.TOP) return 'top'
    // Only a chunk in a fastbin is free and yet looks used to the chunk above it.
    if (m.prevInuse(chunkAt(p, words))) return 'fastbin'
    if (unsorted.has(p)) return 'unsorted'
    return words < m.rules.minLarge ? 'small bin' : 'large bin'
  }
  return { words, state: state(), flags, block }
}

function unsortedChunks(m: Ptmalloc, arena: Arena): Set<number> {
  const found = new Set<number>()
  const bin = binAt(arena, UNSORTED_BIN)
  for (let p = m.bk(bin); p !== bin && found.size < UNSORTED_MAX; p = m.bk(p)) found.add(p)
  return found
}
