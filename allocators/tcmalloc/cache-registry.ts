/**
 * All threads' caches, and the budget they share. A cache starts with 64 KiB and grows by 64 KiB
 * whenever it overflows: from what nobody has claimed yet, and once that is used up from another
 * cache, in turns.
 *
 * Follows gperftools 2.10, src/thread_cache.cc. Everything here is protected by the page heap's
 * lock.
 */
import { WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import type { Process } from '../contract.ts'
import type { CentralFreeLists } from './central-free-list.ts'
import type { Carver } from './metadata.ts'
import { MAX_SMALL_BYTES, type SizeMap } from './size-class.ts'
import { Static } from './static-layout.ts'
import { FREE_LIST_WORDS, FreeList, ThreadCacheWord } from './thread-cache-layout.ts'

/** kStealAmount */
const STEAL_BYTES = 64 * 1024
/** kMinThreadCacheSize: caches at or below this are not taken from. */
const CACHE_BYTES_MIN = MAX_SMALL_BYTES * 2
/** Other caches looked at before giving up: bounds the time the lock is held. */
const STEAL_TRIES = 10

export class CacheRegistry {
  readonly #words: Process['words']
  readonly #static: number
  readonly #sizes: SizeMap
  readonly #carver: Carver
  readonly #central: CentralFreeLists

  constructor(process: Process, sizes: SizeMap, carver: Carver, central: CentralFreeLists) {
    this.#words = process.words
    this.#static = process.dataStart
    this.#sizes = sizes
    this.#carver = carver
    this.#central = central
  }

  /** NewHeap: a cache for a thread, at its first malloc. Takes the lock. */
  new(thread: number): WordIndex {
    this.#central.lockPageHeap()
    const words = this.#words
    const state = this.#static
    const cache = this.#carver.new()
    this.#init(cache, thread)
    const first = words[state + Static.THREAD_CACHES]!
    words[cache + ThreadCacheWord.NEXT] = first
    words[cache + ThreadCacheWord.PREV] = WORD_NULL
    if (first !== WORD_NULL) words[first + ThreadCacheWord.PREV] = cache
    else words[state + Static.NEXT_STEAL] = cache
    words[state + Static.THREAD_CACHES] = cache
    words[state + Static.THREAD_CACHE_COUNT]!++
    this.#central.unlockPageHeap()
    return cache
  }

  /** ThreadCache::Init */
  #init(cache: WordIndex, thread: number): void {
    const words = this.#words
    words[cache + ThreadCacheWord.BYTES] = 0
    words[cache + ThreadCacheWord.MAX_BYTES] = 0
    this.#increaseLimitLocked(cache)
    if (words[cache + ThreadCacheWord.MAX_BYTES] === 0) {
      // No budget is left: every cache gets the minimum all the same.
      words[cache + ThreadCacheWord.MAX_BYTES] = CACHE_BYTES_MIN
      words[this.#static + Static.UNCLAIMED_CACHE_BYTES]! -= CACHE_BYTES_MIN
    }
    words[cache + ThreadCacheWord.THREAD] = thread
    for (let sizeClass = 0; sizeClass < this.#sizes.classCount; sizeClass++) {
      const list = cache + sizeClass * FREE_LIST_WORDS
      words[list + FreeList.HEAD] = WORD_NULL
      words[list + FreeList.LENGTH] = 0
      words[list + FreeList.LOW_WATER] = 0
      words[list + FreeList.MAX_LENGTH] = 1
      words[list + FreeList.OVERAGES] = 0
      words[list + FreeList.BLOCK_BYTES] = this.#sizes.classBytes[sizeClass]!
    }
  }

  /** IncreaseCacheLimit. Takes the lock. */
  increaseLimit(cache: WordIndex): void {
    this.#central.lockPageHeap()
    this.#increaseLimitLocked(cache)
    this.#central.unlockPageHeap()
  }

  #increaseLimitLocked(cache: WordIndex): void {
    const words = this.#words
    const state = this.#static
    if (words[state + Static.UNCLAIMED_CACHE_BYTES]! > 0) {
      words[state + Static.UNCLAIMED_CACHE_BYTES]! -= STEAL_BYTES
      words[cache + ThreadCacheWord.MAX_BYTES]! += STEAL_BYTES
      return
    }
    for (let tries = 0; tries < STEAL_TRIES; tries++) {
      let victim = words[state + Static.NEXT_STEAL]!
      if (victim === WORD_NULL) victim = words[state + Static.THREAD_CACHES]!
      words[state + Static.NEXT_STEAL] = words[victim + ThreadCacheWord.NEXT]!
      if (victim === cache) continue
      if (words[victim + ThreadCacheWord.MAX_BYTES]! <= CACHE_BYTES_MIN) continue
      words[victim + ThreadCacheWord.MAX_BYTES]! -= STEAL_BYTES
      words[cache + ThreadCacheWord.MAX_BYTES]! += STEAL_BYTES
      return
    }
  }

  /** The end of DeleteCache: the cache's budget becomes unclaimed. Takes the lock. */
  delete(cache: WordIndex): void {
    this.#central.lockPageHeap()
    const words = this.#words
    const state = this.#static
    const next = words[cache + ThreadCacheWord.NEXT]!
    const previous = words[cache + ThreadCacheWord.PREV]!
    if (next !== WORD_NULL) words[next + ThreadCacheWord.PREV] = previous
    if (previous !== WORD_NULL) words[previous + ThreadCacheWord.NEXT] = next
    else words[state + Static.THREAD_CACHES] = next
    words[state + Static.THREAD_CACHE_COUNT]!--
    if (words[state + Static.NEXT_STEAL] === cache) words[state + Static.NEXT_STEAL] = next
    if (words[state + Static.NEXT_STEAL] === WORD_NULL) {
      words[state + Static.NEXT_STEAL] = words[state + Static.THREAD_CACHES]!
    }
    words[state + Static.UNCLAIMED_CACHE_BYTES]! += words[cache + ThreadCacheWord.MAX_BYTES]!
    this.#carver.delete(cache)
    this.#central.unlockPageHeap()
  }
}
