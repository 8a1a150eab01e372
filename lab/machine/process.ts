/**
 * The modelled process as designs see it: memory, locks, clock and counters behind the `Process`
 * of allocators/contract.ts. One per isolate. It speaks for one lab thread at a time: machines that
 * carry several lab threads in one isolate switch it with `speakFor`.
 */
import type { LockId, MappingKind, Process, Protection } from '../../allocators/contract.ts'
import type { AddressSpace, KernelSelf } from '../memory/address-space.ts'
import {
  atomicAdd,
  atomicCompareExchange,
  atomicExchange,
  atomicLoad,
  atomicStore,
} from '../sync/atomics.ts'
import type { Locks } from '../sync/locks.ts'
import { type Control, ControlWord, LOG_ENTRY, LogField } from '../words/control.ts'
import { COUNTER_ROW, type Event } from '../words/events.ts'
import { PageState } from '../words/page-state.ts'
import { PAGE_BYTES, pageOfWord, type SharedWords, type WordIndex } from '../words/units.ts'

/** What a design's `abort` throws: the heap is corrupted, in the real allocator's words. */
export class HeapCorrupted extends Error {
  override name = 'HeapCorrupted'
}

/** Nanoseconds on the machine's own clock. */
export type Clock = () => number

/** Which lab thread an isolate speaks for. Shared by process, address space and locks. */
export interface LabSelf extends KernelSelf {
  seat: number
  thread: number
  counterBase: number
}

/** What carries ops out needs of a machine's process. */
export interface HeapProcess extends Process {
  readonly self: LabSelf
}

export const createSelf = (seat: number, thread: number): LabSelf => ({
  seat,
  thread,
  counterBase: seat * COUNTER_ROW,
})

export interface ProcessParts {
  readonly words: SharedWords
  readonly control: Control
  readonly space: AddressSpace
  readonly locks: Locks
  readonly self: LabSelf
  readonly clock: Clock
  readonly cores: number
  readonly dataStart: WordIndex
}

export class LabProcess implements HeapProcess {
  readonly words: SharedWords
  readonly cores: number
  readonly pageBytes = PAGE_BYTES
  readonly dataStart: WordIndex
  readonly space: AddressSpace
  readonly self: LabSelf
  readonly control: Control
  readonly #controlWords: SharedWords
  readonly #pages: Uint8Array
  readonly #counters: Float64Array
  readonly #locks: Locks
  readonly #clock: Clock

  constructor(parts: ProcessParts) {
    this.words = parts.words
    this.cores = parts.cores
    this.dataStart = parts.dataStart
    this.space = parts.space
    this.self = parts.self
    this.control = parts.control
    this.#controlWords = parts.control.words
    this.#pages = parts.control.pages
    this.#counters = parts.control.counters
    this.#locks = parts.locks
    this.#clock = parts.clock
  }

  /** From now on counters, lock ownership and faults are this lab thread's. */
  speakFor(seat: number, thread: number): void {
    this.self.seat = seat
    this.self.thread = thread
    this.self.counterBase = seat * COUNTER_ROW
  }

  get singleThreaded(): boolean {
    return this.#controlWords[ControlWord.MULTI_THREADED] === 0
  }

  get strictOvercommit(): boolean {
    return this.space.strictOvercommit
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
    return this.space.sbrk(deltaBytes)
  }
  currentBrk(): WordIndex {
    return this.space.currentBrk()
  }
  mmap(hint: WordIndex, bytes: number, protection: Protection, kind: MappingKind): WordIndex {
    return this.space.mmap(hint, bytes, protection, kind)
  }
  mmapFixed(at: WordIndex, bytes: number, protection: Protection, kind: MappingKind): boolean {
    return this.space.mmapFixed(at, bytes, protection, kind)
  }
  munmap(at: WordIndex, bytes: number): boolean {
    return this.space.munmap(at, bytes)
  }
  mremap(at: WordIndex, oldBytes: number, newBytes: number): WordIndex {
    return this.space.mremap(at, oldBytes, newBytes)
  }
  mprotect(at: WordIndex, bytes: number, protection: Protection): boolean {
    return this.space.mprotect(at, bytes, protection)
  }
  madviseDontNeed(at: WordIndex, bytes: number): boolean {
    return this.space.madviseDontNeed(at, bytes)
  }
  madviseFree(at: WordIndex, bytes: number): boolean {
    return this.space.madviseFree(at, bytes)
  }

  makeLock(word: WordIndex, name: string): LockId {
    return this.#locks.make(word, name) as LockId
  }
  lock(word: WordIndex, id: LockId): void {
    this.#locks.lock(this.words, word, id)
  }
  tryLock(word: WordIndex, id: LockId): boolean {
    return this.#locks.tryLock(this.words, word, id)
  }
  unlock(word: WordIndex, id: LockId): void {
    this.#locks.unlock(this.words, word, id)
  }
  atomicLoad(word: WordIndex): number {
    return atomicLoad(this.words, word)
  }
  atomicStore(word: WordIndex, value: number): void {
    atomicStore(this.words, word, value)
  }
  atomicExchange(word: WordIndex, value: number): number {
    return atomicExchange(this.words, word, value)
  }
  atomicAdd(word: WordIndex, delta: number): number {
    return atomicAdd(this.words, word, delta)
  }
  compareAndSwap(word: WordIndex, expected: number, desired: number): boolean {
    return atomicCompareExchange(this.words, word, expected, desired) === expected
  }

  now(): number {
    return this.#clock()
  }
  count(event: Event, times = 1): void {
    const place = this.self.counterBase + event
    this.#counters[place] = this.#counters[place]! + times
  }

  log(event: Event, a: number, b: number): void {
    writeLog(this.control, this.#clock(), this.self.thread, event, a, b)
  }

  abort(message: string): never {
    throw new HeapCorrupted(message)
  }
}

/** The ring holds the newest entries; a reader checks an entry's sequence number to trust it. */
export function writeLog(
  { plan, words, float64 }: Control,
  ns: number,
  thread: number,
  event: Event,
  a: number,
  b: number,
): void {
  const sequence = atomicAdd(words, ControlWord.LOG_WRITTEN, 1)
  const entry = plan.at.log / 8 + (sequence % plan.logEntries) * LOG_ENTRY
  float64[entry + LogField.SEQUENCE] = 0
  float64[entry + LogField.TIME] = ns
  float64[entry + LogField.THREAD] = thread
  float64[entry + LogField.EVENT] = event
  float64[entry + LogField.A] = a
  float64[entry + LogField.B] = b
  float64[entry + LogField.SEQUENCE] = sequence + 1
}
