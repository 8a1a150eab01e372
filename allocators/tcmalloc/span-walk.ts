/**
 * Walks over all of tcmalloc's memory, for `inspect` and `check`: at a safepoint, without locks,
 * bounded. The page map names every span: each heap page belongs to one; pages between them hold
 * metadata or nothing.
 */
import { WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import { Central, centralOf, SLOT_WORDS, Slot } from './central-layout.ts'
import type { Library } from './library.ts'
import { Span } from './span-layout.ts'
import { CACHES_LIMIT, threadCachesOf } from './stats.ts'
import { FREE_LIST_WORDS, FreeList } from './thread-cache-layout.ts'

/** Calls `visit` with every span in address order; false when the page map is not sound. */
export function walkSpans(library: Library, visit: (span: WordIndex) => void): boolean {
  const { pageMap, process } = library
  const words = process.words
  const [first, end] = pageMap.mappedPages()
  let page = pageMap.nextWithSpan(first, end)
  while (page < end) {
    const span = pageMap.span(page)
    const length = words[span + Span.LENGTH]!
    if (words[span + Span.START] !== page || length <= 0 || page + length > end) return false
    visit(span)
    page = pageMap.nextWithSpan(page + length, end)
  }
  return true
}

/** Where a cached block lies: in a thread's cache or in a transfer slot. */
export const CachedIn = { TRANSFER: 0, THREAD: 1 } as const
export type CachedIn = (typeof CachedIn)[keyof typeof CachedIn]

/**
 * All free blocks that are not on their span's own list, in address order. Blocks lie on even
 * words, so the lowest bit says where each is cached (`CachedIn`).
 */
export class CachedBlocks {
  readonly #entries: Int32Array
  readonly count: number
  /** Chains longer than what their owner says are cut, and reported here. */
  readonly sound: boolean

  constructor(library: Library) {
    const { words, dataStart } = library.process
    const { sizes } = library
    const entries: number[] = []
    let sound = true
    const take = (head: number, length: number, where: CachedIn): void => {
      let block = head
      for (let i = 0; i < length; i++) {
        if (block === WORD_NULL || block % 2 !== 0 || block >= words.length) {
          sound = false
          return
        }
        entries.push(block | where)
        block = words[block]!
      }
      if (block !== WORD_NULL) sound = false
    }
    for (let sizeClass = 1; sizeClass < sizes.classCount; sizeClass++) {
      const central = centralOf(dataStart, sizeClass)
      for (let i = 0; i < words[central + Central.USED_SLOTS]!; i++) {
        const slot = central + Central.SLOTS + i * SLOT_WORDS
        take(words[slot + Slot.HEAD]!, sizes.batchSize[sizeClass]!, CachedIn.TRANSFER)
      }
    }
    for (const cache of threadCachesOf(library, CACHES_LIMIT)) {
      for (let sizeClass = 1; sizeClass < sizes.classCount; sizeClass++) {
        const list = cache + sizeClass * FREE_LIST_WORDS
        take(words[list + FreeList.HEAD]!, words[list + FreeList.LENGTH]!, CachedIn.THREAD)
      }
    }
    this.#entries = Int32Array.from(entries).sort()
    this.count = entries.length
    this.sound = sound
  }

  /** The block of entry `index`. */
  block(index: number): WordIndex {
    return (this.#entries[index]! & ~1) as WordIndex
  }

  where(index: number): CachedIn {
    return (this.#entries[index]! & 1) as CachedIn
  }

  /** The first entry at or above a word. */
  indexOf(word: WordIndex): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#entries[middle]! < word) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** What became of one block of a small span. */
export const BlockState = { IN_USE: 0, IN_SPAN: 1, IN_TRANSFER: 2, IN_THREAD: 3 } as const
export type BlockState = (typeof BlockState)[keyof typeof BlockState]

/**
 * The state of each block of a span with a size class, in `states`, by the block's number in the
 * span. Undefined when the span's own list is not sound.
 */
export function blockStates(
  library: Library,
  span: WordIndex,
  cached: CachedBlocks,
  states: Uint8Array,
): number | undefined {
  const words = library.process.words
  const sizeClass = words[span + Span.SIZE_CLASS]!
  const blocks = library.central.blocksPerSpan(sizeClass)
  const start = library.spanStart(span)
  const blockWords = library.blockWords(sizeClass)
  const end = start + blocks * blockWords
  states.fill(BlockState.IN_USE, 0, blocks)
  let block = words[span + Span.OBJECTS] as WordIndex
  for (let steps = 0; block !== WORD_NULL; steps++) {
    const number = (block - start) / blockWords
    if (!Number.isInteger(number) || block < start || block >= end || steps >= blocks) {
      return undefined
    }
    states[number] = BlockState.IN_SPAN
    block = words[block] as WordIndex
  }
  for (let i = cached.indexOf(start); i < cached.count && cached.block(i) < end; i++) {
    const number = (cached.block(i) - start) / blockWords
    if (!Number.isInteger(number)) return undefined
    const inThread = cached.where(i) === CachedIn.THREAD
    states[number] = inThread ? BlockState.IN_THREAD : BlockState.IN_TRANSFER
  }
  return blocks
}
