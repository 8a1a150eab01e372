/** The chunks in threads' caches and in fastbins, which look like chunks in use from outside. */
import type { WordIndex } from '../../lab/words/units.ts'
import { type Arena, FASTBINS, fastbinAt } from './arena-layout.ts'
import { CHUNK_NONE, type Chunk, HEADER_WORDS } from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'
import { arenasOf } from './segments.ts'
import { TlsWord } from './static-layout.ts'
import { EntryWord, TCACHE_BINS_MAX, TCACHE_COUNT, TCACHE_ENTRIES } from './tcache-layout.ts'
import { attachedThreads } from './threads.ts'

/** What the lists hold. `broken` when a list did not end where it had to. */
export interface CachedChunks {
  /** Chunks in any thread's cache. */
  readonly tcache: ReadonlySet<number>
  /** The caches' own chunks. */
  readonly structs: ReadonlySet<number>
  readonly fast: ReadonlySet<number>
  readonly broken: boolean
}

/** The chunks of one tcache bin, newest first; at most `count + 1` of them. */
export function tcacheList(m: Ptmalloc, tcache: WordIndex, index: number): Chunk[] {
  const slot = tcache + TCACHE_ENTRIES + index * 2
  const limit = m.words[slot + TCACHE_COUNT]!
  const found: Chunk[] = []
  let entry = m.words[slot]!
  for (; entry !== 0 && found.length <= limit; entry = m.words[entry + EntryWord.NEXT] ?? 0) {
    found.push(chunkAt(entry as WordIndex, -HEADER_WORDS))
  }
  return found
}

/** The chunks of a fastbin, newest first; undefined when the list is a ring or leads astray. */
export function fastbinList(m: Ptmalloc, av: Arena, index: number): Chunk[] | undefined {
  const found: Chunk[] = []
  const limit = m.systemMem(av)
  let p = m.words[fastbinAt(av, index)]! as Chunk
  for (; p !== CHUNK_NONE; p = m.fd(p)) {
    if (found.length > limit || p < 0 || p >= m.wordsEnd) return undefined
    found.push(p)
  }
  return found
}

/** Collects every cached chunk; bounded by the lists' counts and the arenas' sizes. */
export function cachedChunks(m: Ptmalloc): CachedChunks {
  const tcache = new Set<number>()
  const structs = new Set<number>()
  const fast = new Set<number>()
  let broken = false
  for (const { tls } of attachedThreads(m)) {
    const cache = m.words[tls + TlsWord.TCACHE]! as WordIndex
    if (cache === 0) continue
    structs.add(cache - HEADER_WORDS)
    for (let index = 0; index < TCACHE_BINS_MAX; index++) {
      for (const p of tcacheList(m, cache, index)) tcache.add(p)
    }
  }
  for (const av of arenasOf(m)) {
    for (let index = 0; index < FASTBINS; index++) {
      const list = fastbinList(m, av, index)
      if (list === undefined) broken = true
      for (const p of list ?? []) fast.add(p)
    }
  }
  return { tcache, structs, fast, broken }
}
