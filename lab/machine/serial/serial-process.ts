/**
 * The modelled process for one isolate that carries all lab threads, one op at a time. Nothing can
 * happen between two steps of an op, so locks are plain flags (a lock that is taken twice is a bug
 * of the design, and said so) and atomics are plain accesses.
 */
import type { LockId, Process } from '../../../allocators/contract.ts'
import type { AddressSpace } from '../../memory/address-space.ts'
import type { Control } from '../../words/control.ts'
import type { Event } from '../../words/events.ts'
import type { MappingKind, Protection } from '../../words/mapping.ts'
import { PageState } from '../../words/page-state.ts'
import {
  bytesOfWords,
  PAGE_BYTES,
  pageOfWord,
  type SharedWords,
  type WordIndex,
} from '../../words/units.ts'
import { HeapCorrupted } from '../process.ts'
import type { KernelCall, KernelLog } from './kernel-log.ts'

const FREE = 0
const HELD = 1

export class SerialProcess implements Process {
  readonly words: SharedWords
  readonly cores: number
  readonly pageBytes = PAGE_BYTES
  readonly dataStart: WordIndex
  readonly strictOvercommit = false
  readonly space: AddressSpace
  /** False once a second thread has been started. */
  singleThreaded = true
  /** Where system calls are written down, when somebody wants them. */
  kernelLog: KernelLog | undefined
  readonly #pages: Uint8Array
  readonly #counters: Float64Array
  #locksMade = 0
  #time = 0

  constructor(
    words: SharedWords,
    control: Control,
    space: AddressSpace,
    cores: number,
    dataStart: WordIndex,
  ) {
    this.words = words
    this.space = space
    this.cores = cores
    this.dataStart = dataStart
    this.#pages = control.pages
    this.#counters = control.counters
  }

  touch(word: WordIndex): void {
    if (this.#pages[pageOfWord(word)] !== PageState.RESIDENT) this.space.fault(word)
  }
  touchRange(word: WordIndex, words: number): void {
    this.space.touchRange(word, words)
  }
  touchRead(word: WordIndex): void {
    if (this.#pages[pageOfWord(word)] !== PageState.RESIDENT) this.space.faultRead(word)
  }
  touchReadRange(word: WordIndex, words: number): void {
    this.space.touchReadRange(word, words)
  }

  sbrk(deltaBytes: number): WordIndex {
    if (deltaBytes !== 0) this.#call('brk', deltaBytes)
    return this.space.sbrk(deltaBytes)
  }
  currentBrk(): WordIndex {
    return this.space.currentBrk()
  }
  mmap(hint: WordIndex, bytes: number, protection: Protection, kind: MappingKind): WordIndex {
    this.#call('mmap', bytes)
    return this.space.mmap(hint, bytes, protection, kind)
  }
  mmapFixed(at: WordIndex, bytes: number, protection: Protection, kind: MappingKind): boolean {
    this.#call('mmap', bytes)
    return this.space.mmapFixed(at, bytes, protection, kind)
  }
  munmap(at: WordIndex, bytes: number): boolean {
    this.#call('munmap', bytes)
    return this.space.munmap(at, bytes)
  }
  mremap(at: WordIndex, oldBytes: number, newBytes: number): WordIndex {
    this.#call('mremap', oldBytes, newBytes)
    return this.space.mremap(at, oldBytes, newBytes)
  }
  mprotect(at: WordIndex, bytes: number, protection: Protection): boolean {
    this.#call('mprotect', bytes)
    return this.space.mprotect(at, bytes, protection)
  }
  madviseDontNeed(at: WordIndex, bytes: number): boolean {
    this.#call('madvise', bytes)
    return this.space.madviseDontNeed(at, bytes)
  }
  madviseFree(at: WordIndex, bytes: number): boolean {
    this.#call('madvise', bytes)
    return this.space.madviseFree(at, bytes)
  }

  makeLock(_word: WordIndex, _name: string): LockId {
    return this.#locksMade++ as LockId
  }
  lock(word: WordIndex, _id: LockId): void {
    if (this.words[word] !== FREE) lockedTwice(word)
    this.words[word] = HELD
  }
  tryLock(word: WordIndex, _id: LockId): boolean {
    if (this.words[word] !== FREE) return false
    this.words[word] = HELD
    return true
  }
  unlock(word: WordIndex, _id: LockId): void {
    this.words[word] = FREE
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

  /** A trace has no time: each question is one nanosecond later than the last. */
  now(): number {
    return this.#time++
  }
  count(event: Event, times = 1): void {
    this.#counters[event] = this.#counters[event]! + times
  }
  log(_event: Event, _a: number, _b: number): void {}

  abort(message: string): never {
    throw new HeapCorrupted(message)
  }

  #call(call: KernelCall, bytes: number, newBytes?: number): void {
    this.kernelLog?.add(call, bytes, newBytes)
  }
}

function lockedTwice(word: WordIndex): never {
  throw new Error(`deadlock: the lock at byte ${bytesOfWords(word)} is taken twice by one thread`)
}
