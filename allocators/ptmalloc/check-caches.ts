/** Invariants of threads' caches and of fastbins. */
import { bytesOfWords, type WordIndex } from '../../lab/words/units.ts'
import { type Arena, FASTBINS } from './arena-layout.ts'
import { type CachedChunks, fastbinList, tcacheList } from './cached.ts'
import { type Chunk, HEADER_WORDS } from './chunk-layout.ts'
import type { Findings } from './findings.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { fastbinIndex, tcacheIndex } from './size-class.ts'
import { TlsWord } from './static-layout.ts'
import {
  CachedWord,
  TCACHE_BINS_MAX,
  TCACHE_COUNT,
  TCACHE_ENTRIES,
  TCACHE_KEY,
} from './tcache-layout.ts'
import { attachedThreads } from './threads.ts'

/** Checks every cache and fastbin, and gives what they hold. */
export function checkCaches(
  m: Ptmalloc,
  arenas: readonly Arena[],
  findings: Findings,
): CachedChunks {
  const tcache = new Set<number>()
  const structs = new Set<number>()
  const fast = new Set<number>()
  for (const { tls } of attachedThreads(m)) {
    const cache = m.words[tls + TlsWord.TCACHE]! as WordIndex
    if (cache === 0) continue
    structs.add(cache - HEADER_WORDS)
    for (let index = 0; index < TCACHE_BINS_MAX; index++) {
      checkTcacheBin(m, cache, index, tcache, findings)
    }
  }
  for (const [arenaIndex, av] of arenas.entries()) {
    for (let index = 0; index < FASTBINS; index++) {
      const list = fastbinList(m, av, index)
      if (list === undefined) {
        findings.add('a fastbin ends', arenaIndex, av, `fastbin ${index}`)
        continue
      }
      for (const p of list) {
        enter(p, fast, tcache, findings)
        if (m.arenaForChunk(p) !== av) {
          findings.add('a fastbin holds chunks of its arena', arenaIndex, p, m.arenaForChunk(p))
        }
        checkCached(m, p, fastbinIndex(m.size(p)) === index, 'a fastbin', findings)
      }
    }
  }
  return { tcache, structs, fast, broken: false }
}

/** Invariant of tcache-layout.ts: count of a bin === length of its list ≤ tcache_count. */
function checkTcacheBin(
  m: Ptmalloc,
  cache: WordIndex,
  index: number,
  tcache: Set<number>,
  findings: Findings,
): void {
  const count = m.words[cache + TCACHE_ENTRIES + index * 2 + TCACHE_COUNT]!
  const list = tcacheList(m, cache, index)
  if (list.length !== count || count > m.tcacheCount || (count > 0 && index >= m.tcacheBins)) {
    const found = `bin ${index}: count ${count}, length ${list.length}`
    findings.add('count of a tcache bin = length of its list ≤ tcache_count', -1, cache, found)
  }
  for (const p of list) {
    enter(p, tcache, tcache, findings)
    if (m.words[p + CachedWord.KEY] !== TCACHE_KEY) {
      findings.add('a cached chunk carries the key', -1, p, m.words[p + CachedWord.KEY]!)
    }
    checkCached(m, p, tcacheIndex(m.size(p)) === index, 'a tcache bin', findings)
  }
}

function enter(p: Chunk, into: Set<number>, other: Set<number>, findings: Findings): void {
  if (into.has(p) || other.has(p)) {
    findings.add('a chunk is in one cache or fastbin, once', -1, p, 'twice')
  }
  into.add(p)
}

function checkCached(
  m: Ptmalloc,
  p: Chunk,
  sizeFits: boolean,
  list: string,
  findings: Findings,
): void {
  const size = m.size(p)
  if (!sizeFits) {
    findings.add(`${list} holds chunks of one size`, -1, p, `size ${bytesOfWords(size)}`)
  } else if (!m.prevInuse(chunkAt(p, size))) {
    findings.add('cached and fastbin chunks count as in use', -1, p, 'free')
  }
}
