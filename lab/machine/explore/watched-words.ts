/**
 * The heap as a design on the explore machine gets it: every access is told to the scheduler first,
 * which may let others run before it happens. What a design may use of an `Int32Array` is here:
 * indices, `length`, `fill`, `copyWithin`, `subarray` (a copy, as a snapshot). `Atomics` refuses a
 * proxy: designs have theirs from the process.
 */
import { SegmentationFault } from '../../memory/errors.ts'
import { PAGE_NOACCESS, PAGE_STATE_MASK, PageState } from '../../words/page-state.ts'
import {
  PAGE_WORDS,
  type PageNumber,
  pageOfWord,
  type SharedWords,
  type WordIndex,
  wordOfPage,
} from '../../words/units.ts'
import { Access } from './access.ts'

export interface Watcher {
  /** Before an access to `word`. */
  step(access: Access, word: number): void
}

/**
 * A view of `heap` that tells `watcher`. `pages` is the page table: an access to a page that is not
 * mapped or that is closed throws `SegmentationFault`, as the hardware would. `dirtied` gets a 1
 * for pages that a design writes without having touched them.
 */
export function watchWords(
  heap: SharedWords,
  pages: Uint8Array,
  dirtied: Uint8Array,
  watcher: Watcher,
): SharedWords {
  const watched = new WatchedWords(heap, pages, dirtied, watcher)
  return new Proxy(heap, {
    get(target, key) {
      if (typeof key === 'string') {
        const index = +key
        if (!Number.isNaN(index)) {
          watched.beforeRead(index)
          return target[index]
        }
      }
      return watched.member(key)
    },
    set(target, key, value: number) {
      const index = Number(key)
      watched.beforeWrite(index)
      target[index] = value
      return true
    },
  })
}

class WatchedWords {
  readonly #heap: SharedWords
  readonly #pages: Uint8Array
  readonly #dirtied: Uint8Array
  readonly #watcher: Watcher
  readonly #members: ReadonlyMap<PropertyKey, unknown>

  constructor(heap: SharedWords, pages: Uint8Array, dirtied: Uint8Array, watcher: Watcher) {
    this.#heap = heap
    this.#pages = pages
    this.#dirtied = dirtied
    this.#watcher = watcher
    this.#members = new Map<PropertyKey, unknown>([
      ['length', heap.length],
      ['byteLength', heap.byteLength],
      ['BYTES_PER_ELEMENT', heap.BYTES_PER_ELEMENT],
      ['fill', (value: number, start: number, end: number) => this.#fill(value, start, end)],
      ['copyWithin', (to: number, from: number, end: number) => this.#copy(to, from, end)],
      ['subarray', (start: number, end: number) => this.#snapshot(start, end)],
      ['slice', (start: number, end: number) => this.#snapshot(start, end)],
    ])
  }

  beforeRead(word: number): void {
    this.#watcher.step(Access.READ, word)
    if (this.#pages[pageOfWord(word as WordIndex)] !== PageState.RESIDENT) this.#mapped(word)
  }

  beforeWrite(word: number): void {
    this.#watcher.step(Access.WRITE, word)
    const page = pageOfWord(word as WordIndex)
    if (this.#pages[page] === PageState.RESIDENT) return
    this.#mapped(word)
    this.#dirtied[page] = 1
  }

  member(key: PropertyKey): unknown {
    const member = this.#members.get(key)
    if (member === undefined) {
      throw new TypeError(
        `a design may not use ${String(key)} of the words: see lab/machine/explore`,
      )
    }
    return member
  }

  #fill(value: number, start: number, end: number): void {
    this.#watcher.step(Access.FILL, start)
    this.#beforeRange(start, end, true)
    this.#heap.fill(value, start, end)
  }

  #copy(to: number, from: number, end: number): void {
    this.#watcher.step(Access.COPY, from)
    this.#beforeRange(from, end, false)
    this.#beforeRange(to, to + end - from, true)
    this.#heap.copyWithin(to, from, end)
  }

  #snapshot(start: number, end: number): Int32Array {
    this.#watcher.step(Access.COPY, start)
    this.#beforeRange(start, end, false)
    return this.#heap.slice(start, end)
  }

  #beforeRange(start: number, end: number, writes: boolean): void {
    let word = start
    while (word < end) {
      const page = pageOfWord(word as WordIndex)
      if (this.#pages[page] !== PageState.RESIDENT) {
        this.#mapped(word)
        if (writes) this.#dirtied[page] = 1
      }
      word = wordOfPage((page + 1) as PageNumber)
    }
  }

  #mapped(word: number): void {
    const byte = this.#pages[pageOfWord(word as WordIndex)] ?? PageState.UNMAPPED
    if ((byte & PAGE_STATE_MASK) === PageState.UNMAPPED) {
      throw new SegmentationFault(word as WordIndex, 'not mapped')
    }
    if ((byte & PAGE_NOACCESS) !== 0) {
      throw new SegmentationFault(word as WordIndex, 'access not permitted')
    }
  }
}

/** Pages of a heap: the length of `dirtied`. */
export const pagesOf = (heap: SharedWords): number => Math.ceil(heap.length / PAGE_WORDS)
