/** How a thread's cache begins and ends (glibc malloc.c: tcache_init, tcache_thread_shutdown). */
import { Event } from '../../lab/words/events.ts'
import { type Block, WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import type { ThreadHeap } from '../contract.ts'
import { arenaGet, arenaGetRetry } from './arena.ts'
import { ARENA_NONE } from './arena-layout.ts'
import { ALIGN_MASK, CHUNK_NONE, HEADER_WORDS } from './chunk-layout.ts'
import { intMalloc } from './malloc.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { TlsWord } from './static-layout.ts'
import {
  EntryWord,
  TCACHE_BINS_MAX,
  TCACHE_BYTES,
  TCACHE_COUNT,
  TCACHE_ENTRIES,
  TCACHE_WORDS,
} from './tcache-layout.ts'

/**
 * Gets the thread's cache from its arena, which gives the thread an arena if it has none. Without
 * memory for it the thread goes on uncached and tries again at its next call.
 */
export function tcacheInit(m: Ptmalloc): void {
  if (m.tcacheShuttingDown) return
  let av = arenaGet(m, TCACHE_BYTES)
  let victim = intMalloc(m, av, TCACHE_BYTES)
  if (victim === CHUNK_NONE && av !== ARENA_NONE) {
    av = arenaGetRetry(m, av, TCACHE_BYTES)
    victim = intMalloc(m, av, TCACHE_BYTES)
  }
  if (av !== ARENA_NONE) m.unlockArena(av)
  if (victim === CHUNK_NONE) return
  const mem = (victim + HEADER_WORDS) as WordIndex
  m.process.touchRange(mem, TCACHE_WORDS)
  for (let i = 0; i < TCACHE_WORDS; i++) m.words[mem + i] = 0
  m.setTcache(mem)
}

/**
 * The thread ends: every cached chunk, and then the cache itself, is freed to the arena it belongs
 * to. `heap` is the thread's own, whose free no longer finds a cache.
 */
export function tcacheThreadShutdown(m: Ptmalloc, heap: ThreadHeap): void {
  const { words } = m
  const tcache = m.tcache
  m.tcacheShuttingDown = true
  words[m.thread.tls + TlsWord.TCACHE_SHUTTING_DOWN] = 1
  if (tcache === WORD_NULL) return
  m.setTcache(WORD_NULL)
  let flushed = 0
  for (let index = 0; index < TCACHE_BINS_MAX; index++) {
    const slot = tcache + TCACHE_ENTRIES + index * 2
    while (words[slot] !== 0) {
      const entry = words[slot]! as Block
      if ((entry & ALIGN_MASK) !== 0) {
        m.abort('tcache_thread_shutdown(): unaligned tcache chunk detected')
      }
      words[slot] = words[entry + EntryWord.NEXT]!
      words[slot + TCACHE_COUNT] = words[slot + TCACHE_COUNT]! - 1
      heap.free(entry)
      flushed++
    }
  }
  if (flushed > 0) m.process.count(Event.CACHE_FLUSH, flushed)
  heap.free(tcache as Block)
}
