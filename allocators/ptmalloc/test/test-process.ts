/**
 * A process for tests of one isolate: the modelled kernel in its plainest form (an array of page
 * states, a sorted list of mappings), and locks that must be free when taken.
 */
import type { Event } from '../../../lab/words/events.ts'
import { isIncore, PAGE_NOACCESS, PageState } from '../../../lab/words/page-state.ts'
import {
  byteOfWord,
  bytesOfWords,
  PAGE_WORDS,
  pageOfWord,
  pagesOfBytes,
  type SharedWords,
  WORD_NULL,
  type WordIndex,
  wordsOfBytes,
} from '../../../lab/words/units.ts'
import { type LockId, type MappingKind, type Process, Protection } from '../../contract.ts'

/** What `abort` throws. */
class Aborted extends Error {}

interface Mapping {
  start: number
  end: number
}

const MIB_WORDS = 262144

export class TestProcess implements Process {
  readonly words: SharedWords
  readonly pageBytes = 4096
  readonly dataStart = 1024 as WordIndex
  cores = 2
  singleThreaded = true
  strictOvercommit = false
  readonly pages: Uint8Array
  readonly brkStart: WordIndex
  /** Words the break may not pass. */
  brkLimit: number
  /** Minor faults, and system calls in order as `name bytes`. */
  faults = 0
  readonly calls: string[] = []
  readonly events = new Map<number, number>()
  /** Locks held: lock word → holder. */
  readonly held = new Map<number, string>()
  readonly lockNames: string[] = []
  #brk: number
  #mappings: Mapping[] = []

  constructor(bytes: number, dataBytes: number) {
    this.words = new Int32Array(new SharedArrayBuffer(bytes))
    this.pages = new Uint8Array(bytes / 4096)
    const dataEnd = this.dataStart + wordsOfBytes(dataBytes)
    this.pages.fill(PageState.ABSENT, 1, pageOfWord(dataEnd as WordIndex) + 1)
    this.brkStart = (Math.ceil(dataEnd / MIB_WORDS) * MIB_WORDS) as WordIndex
    this.#brk = this.brkStart
    this.brkLimit = this.words.length / 2
  }

  // ── pages ────────────────────────────────────────────────────────────────────────────────────

  touch(word: WordIndex): void {
    const page = pageOfWord(word)
    const state = this.pages[page]!
    if (state === PageState.RESIDENT) return
    if (state === PageState.UNMAPPED || (state & PAGE_NOACCESS) !== 0) {
      throw new Error(`segmentation fault at 0x${byteOfWord(word).toString(16)}`)
    }
    this.faults++
    if (state === PageState.STALE) this.words.fill(0, page * PAGE_WORDS, (page + 1) * PAGE_WORDS)
    this.pages[page] = PageState.RESIDENT
  }
  touchRead(word: WordIndex): void {
    const page = pageOfWord(word)
    const state = this.pages[page]!
    if (state === PageState.RESIDENT || state === PageState.ZERO) return
    if (state === PageState.UNMAPPED || (state & PAGE_NOACCESS) !== 0) {
      throw new Error(`segmentation fault at 0x${byteOfWord(word).toString(16)}`)
    }
    this.faults++
    if (state === PageState.STALE) this.words.fill(0, page * PAGE_WORDS, (page + 1) * PAGE_WORDS)
    this.pages[page] = PageState.ZERO
  }
  touchRange(word: WordIndex, words: number): void {
    if (words <= 0) return
    const last = pageOfWord((word + words - 1) as WordIndex)
    for (let page = pageOfWord(word) as number; page <= last; page++) {
      this.touch((page * PAGE_WORDS) as WordIndex)
    }
  }
  touchReadRange(word: WordIndex, words: number): void {
    if (words <= 0) return
    const last = pageOfWord((word + words - 1) as WordIndex)
    for (let page = pageOfWord(word) as number; page <= last; page++) {
      this.touchRead((page * PAGE_WORDS) as WordIndex)
    }
  }
  /** Pages of [start, start + words) that mincore would report. */
  incore(start: number, words: number): number {
    let count = 0
    for (let page = start / PAGE_WORDS; page < (start + words) / PAGE_WORDS; page++) {
      if (isIncore(this.pages[page]!)) count++
    }
    return count
  }
  /** Every page of the range has this state. */
  all(start: number, words: number, test: (state: number) => boolean): boolean {
    for (let page = start / PAGE_WORDS; page < (start + words) / PAGE_WORDS; page++) {
      if (!test(this.pages[page]!)) return false
    }
    return true
  }
  get residentPages(): number {
    return this.pages.reduce((sum, state) => sum + (state === PageState.RESIDENT ? 1 : 0), 0)
  }

  #setPages(start: number, words: number, state: number): void {
    this.pages.fill(state, start / PAGE_WORDS, (start + words) / PAGE_WORDS)
  }

  // ── system calls ─────────────────────────────────────────────────────────────────────────────

  sbrk(deltaBytes: number): WordIndex {
    const old = this.#brk as WordIndex
    this.calls.push(`brk ${deltaBytes}`)
    if (deltaBytes === 0) return old
    const brk = old + deltaBytes / 4
    if (brk > this.brkLimit || brk < this.brkStart) return WORD_NULL
    this.#brk = brk
    const up = (word: number): number => Math.ceil(word / PAGE_WORDS) * PAGE_WORDS
    if (brk > old) this.#setPages(up(old), up(brk) - up(old), PageState.STALE)
    else this.#setPages(up(brk), up(old) - up(brk), PageState.UNMAPPED)
    return old
  }
  currentBrk(): WordIndex {
    return this.#brk as WordIndex
  }
  mmap(hint: WordIndex, bytes: number, protection: Protection, _kind: MappingKind): WordIndex {
    this.calls.push(`mmap ${bytes}`)
    const words = pagesOfBytes(bytes) * PAGE_WORDS
    if (bytes > bytesOfWords(this.words.length)) return WORD_NULL
    const at = this.#free(hint, words) ? hint : this.#place(words)
    if (at === WORD_NULL) return WORD_NULL
    this.#mappings.push({ start: at, end: at + words })
    this.#mappings.sort((a, b) => b.start - a.start)
    this.#setPages(at, words, this.#fresh(protection))
    return at
  }
  #fresh(protection: Protection): number {
    return PageState.STALE | (protection === Protection.NONE ? PAGE_NOACCESS : 0)
  }
  #free(at: number, words: number): boolean {
    if (at === WORD_NULL || at + words > this.words.length) return false
    return this.#mappings.every((mapping) => mapping.end <= at || mapping.start >= at + words)
  }
  /** Top-down, first fit. */
  #place(words: number): WordIndex {
    let ceiling = this.words.length
    for (const mapping of this.#mappings) {
      if (ceiling - mapping.end >= words) break
      ceiling = mapping.start
    }
    const at = ceiling - words
    return (at >= this.brkLimit ? at : WORD_NULL) as WordIndex
  }
  mmapFixed(at: WordIndex, bytes: number, protection: Protection, _kind: MappingKind): boolean {
    this.calls.push(`mmapFixed ${bytes}`)
    this.#setPages(at, wordsOfBytes(bytes), this.#fresh(protection))
    return true
  }
  munmap(at: WordIndex, bytes: number): boolean {
    this.calls.push(`munmap ${bytes}`)
    if (bytes === 0) return false
    const end = at + pagesOfBytes(bytes) * PAGE_WORDS
    const rest: Mapping[] = []
    for (const mapping of this.#mappings) {
      if (mapping.start < at) rest.push({ start: mapping.start, end: Math.min(mapping.end, at) })
      if (mapping.end > end) rest.push({ start: Math.max(mapping.start, end), end: mapping.end })
    }
    this.#mappings = rest.sort((a, b) => b.start - a.start)
    this.#setPages(at, end - at, PageState.UNMAPPED)
    return true
  }
  mremap(at: WordIndex, oldBytes: number, newBytes: number): WordIndex {
    this.calls.push(`mremap ${oldBytes} ${newBytes}`)
    const oldWords = pagesOfBytes(oldBytes) * PAGE_WORDS
    const newWords = pagesOfBytes(newBytes) * PAGE_WORDS
    if (newBytes > bytesOfWords(this.words.length)) return WORD_NULL
    if (newWords < oldWords) {
      this.munmap((at + newWords) as WordIndex, bytesOfWords(oldWords - newWords))
      this.calls.pop()
      return at
    }
    const to = this.#place(newWords)
    if (to === WORD_NULL) return WORD_NULL
    this.#mappings.push({ start: to, end: to + newWords })
    this.#mappings.sort((a, b) => b.start - a.start)
    this.#setPages(to, newWords, PageState.STALE)
    for (let word = 0; word < oldWords; word += PAGE_WORDS) {
      const state = this.pages[(at + word) / PAGE_WORDS]!
      this.pages[(to + word) / PAGE_WORDS] = state
      this.words.copyWithin(to + word, at + word, at + word + PAGE_WORDS)
    }
    this.munmap(at, bytesOfWords(oldWords))
    this.calls.pop()
    return to
  }
  mprotect(at: WordIndex, bytes: number, protection: Protection): boolean {
    this.calls.push(`mprotect ${bytes}`)
    for (let page = at / PAGE_WORDS; page < (at + wordsOfBytes(bytes)) / PAGE_WORDS; page++) {
      const state = this.pages[page]!
      this.pages[page] =
        protection === Protection.NONE ? state | PAGE_NOACCESS : state & ~PAGE_NOACCESS
    }
    return true
  }
  madviseDontNeed(at: WordIndex, bytes: number): boolean {
    this.calls.push(`madvise ${bytes}`)
    this.#setPages(at, wordsOfBytes(bytes), PageState.STALE)
    return true
  }
  madviseFree(): boolean {
    return false
  }

  // ── locks and atomics ────────────────────────────────────────────────────────────────────────

  makeLock(_word: WordIndex, name: string): LockId {
    this.lockNames.push(name)
    return this.lockNames.length as LockId
  }
  lock(word: WordIndex, id: LockId): void {
    if (!this.tryLock(word, id)) throw new Error(`would wait for ${this.lockNames[id - 1]}`)
  }
  tryLock(word: WordIndex, id: LockId): boolean {
    if (this.words[word] !== 0) return false
    this.words[word] = 1
    this.held.set(word, this.lockNames[id - 1]!)
    return true
  }
  unlock(word: WordIndex, id: LockId): void {
    if (!this.held.delete(word)) throw new Error(`${this.lockNames[id - 1]} is not held`)
    this.words[word] = 0
  }
  atomicLoad(word: WordIndex): number {
    return this.words[word]!
  }
  atomicStore(word: WordIndex, value: number): void {
    this.words[word] = value
  }
  atomicExchange(word: WordIndex, value: number): number {
    const before = this.words[word]!
    this.words[word] = value
    return before
  }
  atomicAdd(word: WordIndex, delta: number): number {
    const before = this.words[word]!
    this.words[word] = before + delta
    return before
  }
  compareAndSwap(word: WordIndex, expected: number, desired: number): boolean {
    if (this.words[word] !== expected) return false
    this.words[word] = desired
    return true
  }

  now(): number {
    return 0
  }
  count(event: Event, times = 1): void {
    this.events.set(event, (this.events.get(event) ?? 0) + times)
  }
  log(): void {}
  abort(message: string): never {
    throw new Aborted(message)
  }
}
