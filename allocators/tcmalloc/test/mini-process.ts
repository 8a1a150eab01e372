/**
 * The smallest process a design can run in: one isolate, no limits, no cost. For unit tests that
 * want the algorithm alone. Locks assert that they are used as locks; residency is tracked.
 */

import {
  type ByteAddr,
  bytesOfWords,
  MIB,
  PAGE_BYTES,
  pageOfWord,
  roundUp,
  WORD_NULL,
  type WordIndex,
  wordAt,
  wordOfByte,
  wordOfPage,
  wordsOfBytes,
} from '../../../lab/words/units.ts'
import type { LockId, Process } from '../../contract.ts'

export interface MiniOptions {
  readonly heapBytes: number
  readonly dataBytes: number
  /** Bytes by which the break starts above a multiple of 1 MiB. */
  readonly brkSkew?: number
  /** brk fails beyond this many bytes. */
  readonly brkLimit?: number
}

export class MiniProcess implements Process {
  readonly words: Int32Array<SharedArrayBuffer>
  readonly cores = 2
  readonly pageBytes = PAGE_BYTES
  readonly dataStart: WordIndex
  readonly singleThreaded = false
  readonly brkStart: WordIndex
  readonly resident: Uint8Array
  readonly locks: string[] = ['']
  readonly calls = { sbrk: 0, mmap: 0, munmap: 0, madvise: 0 }
  readonly #brkLimit: number
  #brk: WordIndex
  #mapTop: WordIndex
  #faults = 0

  constructor(options: MiniOptions) {
    this.words = new Int32Array(new SharedArrayBuffer(options.heapBytes))
    this.resident = new Uint8Array(options.heapBytes / PAGE_BYTES)
    this.dataStart = wordOfPage(1 as never)
    const dataEnd = bytesOfWords(this.dataStart) + options.dataBytes
    const brk = roundUp(dataEnd, MIB) + (options.brkSkew ?? 0)
    this.brkStart = wordOfByte(brk as ByteAddr)
    this.#brk = this.brkStart
    this.#mapTop = wordOfByte(options.heapBytes as ByteAddr)
    this.#brkLimit = options.brkLimit ?? options.heapBytes
  }

  get rssBytes(): number {
    return this.resident.reduce((sum, page) => sum + page, 0) * PAGE_BYTES
  }
  get faults(): number {
    return this.#faults
  }

  touch(word: WordIndex): void {
    const page = pageOfWord(word)
    if (this.resident[page] === 0) {
      this.resident[page] = 1
      this.#faults++
    }
  }
  touchRange(word: WordIndex, words: number): void {
    if (words <= 0) return
    const last = pageOfWord(wordAt(word, words - 1))
    for (let page: number = pageOfWord(word); page <= last; page++) {
      this.touch(wordOfPage(page as never))
    }
  }
  touchRead(_word: WordIndex): void {}
  touchReadRange(_word: WordIndex, _words: number): void {}

  sbrk(deltaBytes: number): WordIndex {
    this.calls.sbrk++
    const old = this.#brk
    const next = wordAt(old, wordsOfBytes(deltaBytes))
    if (bytesOfWords(next - this.brkStart) > this.#brkLimit || next > this.#mapTop) return WORD_NULL
    this.#brk = next
    return old
  }
  currentBrk(): WordIndex {
    return this.#brk
  }
  mmap(_hint: WordIndex, bytes: number): WordIndex {
    this.calls.mmap++
    const at = wordAt(this.#mapTop, -wordsOfBytes(roundUp(bytes, PAGE_BYTES)))
    if (at <= this.#brk) return WORD_NULL
    this.#mapTop = at
    return at
  }
  mmapFixed(): boolean {
    throw new Error('not used by tcmalloc')
  }
  munmap(at: WordIndex, bytes: number): boolean {
    this.calls.munmap++
    this.#forget(at, bytes)
    if (at === this.#mapTop) this.#mapTop = wordAt(at, wordsOfBytes(bytes))
    return true
  }
  mremap(): WordIndex {
    throw new Error('not used by tcmalloc')
  }
  mprotect(): boolean {
    throw new Error('not used by tcmalloc')
  }
  madviseDontNeed(at: WordIndex, bytes: number): boolean {
    this.calls.madvise++
    this.#forget(at, bytes)
    return true
  }
  madviseFree(): boolean {
    throw new Error('not used by tcmalloc')
  }
  #forget(at: WordIndex, bytes: number): void {
    const words = wordsOfBytes(bytes)
    this.words.fill(0, at, at + words)
    this.resident.fill(0, pageOfWord(at), pageOfWord(wordAt(at, words)))
  }

  makeLock(_word: WordIndex, name: string): LockId {
    this.locks.push(name)
    return (this.locks.length - 1) as LockId
  }
  lock(word: WordIndex, id: LockId): void {
    if (this.words[word] !== 0) throw new Error(`lock ${this.locks[id]} is held already`)
    this.words[word] = 1
  }
  tryLock(word: WordIndex): boolean {
    if (this.words[word] !== 0) return false
    this.words[word] = 1
    return true
  }
  unlock(word: WordIndex, id: LockId): void {
    if (this.words[word] !== 1) throw new Error(`lock ${this.locks[id]} is not held`)
    this.words[word] = 0
  }
  atomicLoad(word: WordIndex): number {
    return Atomics.load(this.words, word)
  }
  atomicStore(word: WordIndex, value: number): void {
    Atomics.store(this.words, word, value)
  }
  atomicExchange(word: WordIndex, value: number): number {
    return Atomics.exchange(this.words, word, value)
  }
  atomicAdd(word: WordIndex, delta: number): number {
    return Atomics.add(this.words, word, delta)
  }
  compareAndSwap(word: WordIndex, expected: number, desired: number): boolean {
    return Atomics.compareExchange(this.words, word, expected, desired) === expected
  }
  now(): number {
    return 0
  }
  count(): void {}
  log(): void {}
  abort(message: string): never {
    throw new Error(message)
  }
}
