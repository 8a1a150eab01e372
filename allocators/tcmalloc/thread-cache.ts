/**
 * Threads' caches: most mallocs and frees end here, without a lock. A list that runs empty fetches
 * blocks from the central list of its class; one that grows too long gives a batch back; a cache
 * over its budget gives back half of what it did not need lately, and asks for more budget.
 *
 * How long a list may grow is learned: `maxLength` starts at 1 and rises by one per fetch up to a
 * batch, then by a batch (slow start); it sinks when the list overflows too often (max_overages).
 *
 * Follows gperftools 2.10, src/thread_cache.cc. A `ThreadCache` serves one lab thread.
 */
import { Event } from '../../lab/words/events.ts'
import { WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import type { Process } from '../contract.ts'
import type { CacheRegistry } from './cache-registry.ts'
import type { SizeMap } from './size-class.ts'
import { FREE_LIST_WORDS, FreeList, ThreadCacheWord } from './thread-cache-layout.ts'
import type { TransferCache } from './transfer-cache.ts'

/** kMaxDynamicFreeListLength */
const LIST_LENGTH_MAX = 8192

export class ThreadCache {
  readonly #process: Process
  readonly #words: Process['words']
  readonly #sizes: SizeMap
  readonly #transfer: TransferCache
  readonly #registry: CacheRegistry
  readonly #maxOverages: number
  /** Where the struct lies; WORD_NULL while the thread has none. */
  #cache: WordIndex = WORD_NULL

  constructor(
    process: Process,
    sizes: SizeMap,
    transfer: TransferCache,
    registry: CacheRegistry,
    maxOverages: number,
  ) {
    this.#process = process
    this.#words = process.words
    this.#sizes = sizes
    this.#transfer = transfer
    this.#registry = registry
    this.#maxOverages = maxOverages
  }

  /** Has the thread a cache? */
  get exists(): boolean {
    return this.#cache !== WORD_NULL
  }

  /** From now on the thread's cache is the struct at `cache`; WORD_NULL: it has none. */
  open(cache: WordIndex): void {
    this.#cache = cache
  }

  /** Allocate: a block of the class, or WORD_NULL. */
  allocate(sizeClass: number): WordIndex {
    const words = this.#words
    const list = this.#cache + sizeClass * FREE_LIST_WORDS
    const block = words[list + FreeList.HEAD] as WordIndex
    if (block === WORD_NULL) return this.#fetch(sizeClass, list)

    words[list + FreeList.HEAD] = words[block]!
    const length = words[list + FreeList.LENGTH]! - 1
    words[list + FreeList.LENGTH] = length
    if (length < words[list + FreeList.LOW_WATER]!) words[list + FreeList.LOW_WATER] = length
    words[this.#cache + ThreadCacheWord.BYTES]! -= words[list + FreeList.BLOCK_BYTES]!
    return block
  }

  /** Deallocate: takes a block of the class. */
  deallocate(block: WordIndex, sizeClass: number): void {
    const words = this.#words
    const cache = this.#cache
    const list = cache + sizeClass * FREE_LIST_WORDS
    words[block] = words[list + FreeList.HEAD]!
    words[list + FreeList.HEAD] = block
    const length = words[list + FreeList.LENGTH]! + 1
    words[list + FreeList.LENGTH] = length
    if (length > words[list + FreeList.MAX_LENGTH]!) {
      this.#listTooLong(sizeClass, list)
      return
    }
    const bytes = words[cache + ThreadCacheWord.BYTES]! + words[list + FreeList.BLOCK_BYTES]!
    words[cache + ThreadCacheWord.BYTES] = bytes
    if (bytes > words[cache + ThreadCacheWord.MAX_BYTES]!) this.#scavenge()
  }

  /** FetchFromCentralCache: fills an empty list, and returns one block beside. */
  #fetch(sizeClass: number, list: number): WordIndex {
    const words = this.#words
    const batch = this.#sizes.batchSize[sizeClass]!
    const maxLength = words[list + FreeList.MAX_LENGTH]!
    const head = this.#transfer.remove(sizeClass, Math.min(maxLength, batch))
    if (head === WORD_NULL) return WORD_NULL

    const kept = this.#transfer.removedCount - 1
    words[list + FreeList.HEAD] = words[head]!
    words[list + FreeList.LENGTH]! += kept
    words[this.#cache + ThreadCacheWord.BYTES]! += words[list + FreeList.BLOCK_BYTES]! * kept
    if (maxLength < batch) {
      words[list + FreeList.MAX_LENGTH] = maxLength + 1
    } else {
      const raised = Math.min(maxLength + batch, LIST_LENGTH_MAX)
      words[list + FreeList.MAX_LENGTH] = raised - (raised % batch)
    }
    return head
  }

  /** ListTooLong: one batch goes back, and the list's allowed length is reconsidered. */
  #listTooLong(sizeClass: number, list: number): void {
    const words = this.#words
    const batch = this.#sizes.batchSize[sizeClass]!
    words[this.#cache + ThreadCacheWord.BYTES]! += words[list + FreeList.BLOCK_BYTES]!
    this.#release(sizeClass, list, batch)

    const maxLength = words[list + FreeList.MAX_LENGTH]!
    if (maxLength < batch) {
      words[list + FreeList.MAX_LENGTH] = maxLength + 1
    } else if (maxLength > batch) {
      words[list + FreeList.OVERAGES]!++
      if (words[list + FreeList.OVERAGES]! > this.#maxOverages) {
        words[list + FreeList.MAX_LENGTH] = maxLength - batch
        words[list + FreeList.OVERAGES] = 0
      }
    }
    const bytes = words[this.#cache + ThreadCacheWord.BYTES]!
    if (bytes > words[this.#cache + ThreadCacheWord.MAX_BYTES]!) this.#scavenge()
  }

  /** ReleaseToCentralCache: up to `count` blocks go back, in batches as far as possible. */
  #release(sizeClass: number, list: number, count: number): void {
    const words = this.#words
    const batch = this.#sizes.batchSize[sizeClass]!
    const released = Math.min(count, words[list + FreeList.LENGTH]!)
    let left = released
    while (left > batch) {
      this.#releaseChain(sizeClass, list, batch)
      left -= batch
    }
    this.#releaseChain(sizeClass, list, left)
    words[this.#cache + ThreadCacheWord.BYTES]! -= released * words[list + FreeList.BLOCK_BYTES]!
  }

  /** FreeList::PopRange, and the chain goes to the transfer cache. */
  #releaseChain(sizeClass: number, list: number, count: number): void {
    const words = this.#words
    const head = words[list + FreeList.HEAD] as WordIndex
    let tail = head
    for (let i = 1; i < count; i++) tail = words[tail] as WordIndex
    words[list + FreeList.HEAD] = words[tail]!
    words[tail] = WORD_NULL
    const length = words[list + FreeList.LENGTH]! - count
    words[list + FreeList.LENGTH] = length
    if (length < words[list + FreeList.LOW_WATER]!) words[list + FreeList.LOW_WATER] = length
    this.#process.count(Event.LIST_STEPS, count)
    this.#transfer.insert(sizeClass, head, tail, count)
  }

  /**
   * Scavenge. A list's low-water mark L says that L blocks were not needed since the last time:
   * half of them go back, of every class. Then the cache asks for more budget.
   */
  #scavenge(): void {
    const words = this.#words
    for (let sizeClass = 0; sizeClass < this.#sizes.classCount; sizeClass++) {
      const list = this.#cache + sizeClass * FREE_LIST_WORDS
      const lowWater = words[list + FreeList.LOW_WATER]!
      if (lowWater > 0) {
        this.#release(sizeClass, list, lowWater > 1 ? Math.floor(lowWater / 2) : 1)
        // Not below a batch: a thread that once needed so much is likely to again.
        const batch = this.#sizes.batchSize[sizeClass]!
        const maxLength = words[list + FreeList.MAX_LENGTH]!
        if (maxLength > batch) {
          words[list + FreeList.MAX_LENGTH] = Math.max(maxLength - batch, batch)
        }
      }
      words[list + FreeList.LOW_WATER] = words[list + FreeList.LENGTH]!
    }
    this.#registry.increaseLimit(this.#cache)
  }

  /** Blocks in the cache, of all classes. */
  blocks(): number {
    let blocks = 0
    for (let sizeClass = 0; sizeClass < this.#sizes.classCount; sizeClass++) {
      blocks += this.#words[this.#cache + sizeClass * FREE_LIST_WORDS + FreeList.LENGTH]!
    }
    return blocks
  }

  /** DeleteCache, when the thread ends: all blocks go back, then the struct. */
  delete(): void {
    for (let sizeClass = 0; sizeClass < this.#sizes.classCount; sizeClass++) {
      const list = this.#cache + sizeClass * FREE_LIST_WORDS
      const length = this.#words[list + FreeList.LENGTH]!
      if (length > 0) this.#release(sizeClass, list, length)
    }
    this.#registry.delete(this.#cache)
  }
}
