/**
 * The modelled process for one isolate that carries all lab threads in simulated time. An op's code
 * runs at once, so locks and atomics always succeed; what they cost, and in which order, goes into
 * the timeline of the lab thread it speaks for, which the engine plays afterwards.
 */
import type { LockId, MappingKind, Protection } from '../../../allocators/contract.ts'
import { AddressSpace, type KernelLock } from '../../memory/address-space.ts'
import { SpaceWord, spaceWords } from '../../memory/space-layout.ts'
import { makeLockRow } from '../../sync/lock-table.ts'
import { MMAP_LOCK_ID } from '../../sync/locks.ts'
import { type Control, ControlWord } from '../../words/control.ts'
import { COUNTER_ROW, Counter, type Event } from '../../words/events.ts'
import { PageState } from '../../words/page-state.ts'
import { PAGE_BYTES, pageOfWord, type SharedWords, type WordIndex } from '../../words/units.ts'
import { HeapCorrupted, type HeapProcess, type LabSelf, writeLog } from '../process.ts'
import type { Costs } from './costs.ts'
import { type Lines, lineOfWord } from './lines.ts'
import type { SimLocks } from './sim-locks.ts'
import type { Timeline } from './timeline.ts'
import { Walk } from './walk.ts'

const FREE = 0
const HELD = 1
const NO_LOCK = -1

/** For whom the isolate speaks, and what it has cost so far. One object, changed for every op. */
export interface Speaker {
  timeline: Timeline
  /** Core the lab thread runs on. */
  core: number
  /** Simulated ns at which the op started. */
  startNs: number
}

/** The mmap_lock in simulated time: held for what the system call costs. */
class SimKernelLock implements KernelLock {
  readonly #speaker: Speaker
  readonly #costs: Costs
  readonly #int32: SharedWords
  readonly #rssAt: number
  #rssBefore = 0
  /** What the call under way costs beside the pages it gives back. */
  callNs: number

  constructor(control: Control, speaker: Speaker, costs: Costs) {
    this.#speaker = speaker
    this.#costs = costs
    this.#int32 = control.int32
    this.#rssAt = spaceWords(control) + SpaceWord.RSS
    this.callNs = costs.mmap
  }

  lock(): void {
    this.#speaker.timeline.acquire(MMAP_LOCK_ID)
    this.#rssBefore = this.#int32[this.#rssAt]!
  }
  unlock(): void {
    const pagesFreed = Math.max(0, this.#rssBefore - this.#int32[this.#rssAt]!)
    const { timeline } = this.#speaker
    timeline.cpu(this.callNs + pagesFreed * this.#costs.pageFreed)
    timeline.release(MMAP_LOCK_ID)
    // Stacks come and go without passing through the process: they are mappings.
    this.callNs = this.#costs.mmap
  }
}

export interface VirtualParts {
  readonly words: SharedWords
  readonly control: Control
  readonly self: LabSelf
  readonly cores: number
  readonly dataStart: WordIndex
  readonly costs: Costs
  readonly lines: Lines
  readonly locks: SimLocks
  readonly speaker: Speaker
}

export class VirtualProcess implements HeapProcess {
  readonly words: SharedWords
  readonly cores: number
  readonly pageBytes = PAGE_BYTES
  readonly dataStart: WordIndex
  readonly space: AddressSpace
  readonly self: LabSelf
  readonly control: Control
  readonly #pages: Uint8Array
  readonly #anonymous = new Set<number>()
  readonly #counters: Float64Array
  readonly #costs: Costs
  readonly #lines: Lines
  readonly #holder: Int32Array
  readonly #promised: Uint8Array
  readonly #lockCore: Int32Array
  readonly walk: Walk
  #madeNow = NO_LOCK
  readonly #kernelLock: SimKernelLock
  readonly #speaker: Speaker

  constructor(parts: VirtualParts) {
    const { words, control, self, costs, speaker } = parts
    this.words = words
    this.cores = parts.cores
    this.dataStart = parts.dataStart
    this.self = self
    this.control = control
    this.#pages = control.pages
    this.#counters = control.counters
    this.#costs = costs
    this.#lines = parts.lines
    this.#holder = parts.locks.holder
    this.#promised = parts.locks.promised
    this.#lockCore = parts.locks.core
    this.walk = new Walk(control.plan.seats, costs.design.tries > 0)
    this.#speaker = speaker
    this.#kernelLock = new SimKernelLock(control, speaker, costs)
    this.space = new AddressSpace(words, control, self, this.#kernelLock)
  }

  // ── for whom it speaks ─────────────────────────────────────────────────────────────────────

  /** From now on counters, faults and costs are those of this lab thread's next op. */
  speakFor(seat: number, thread: number, timeline: Timeline, core: number, startNs: number): void {
    const { self } = this
    const speaker = this.#speaker
    self.seat = seat
    self.thread = thread
    self.counterBase = seat * COUNTER_ROW
    speaker.timeline = timeline
    speaker.core = core
    speaker.startNs = startNs
  }
  /** So many ns of CPU time. */
  charge(ns: number): void {
    this.#speaker.timeline.cpu(ns)
  }
  /** A line is about to be written: fetched when another core has it. */
  needLine(timeline: Timeline, line: number, core: number): void {
    if (this.#lines.isAway(line, core)) timeline.line(line)
  }

  get singleThreaded(): boolean {
    return this.control.words[ControlWord.MULTI_THREADED] === 0
  }

  // ── pages ──────────────────────────────────────────────────────────────────────────────────

  touch(word: WordIndex): void {
    if (this.#pages[pageOfWord(word)] === PageState.RESIDENT) return
    const before = this.#faults()
    this.space.fault(word)
    this.#chargeFaults(word, before)
  }
  touchRange(word: WordIndex, words: number): void {
    const before = this.#faults()
    this.space.touchRange(word, words)
    this.#chargeFaults(word, before)
  }
  touchRead(word: WordIndex): void {
    if (this.#pages[pageOfWord(word)] === PageState.RESIDENT) return
    const before = this.#faults()
    this.space.faultRead(word)
    this.#chargeFaults(word, before)
  }
  touchReadRange(word: WordIndex, words: number): void {
    const before = this.#faults()
    this.space.touchReadRange(word, words)
    this.#chargeFaults(word, before)
  }
  #faults(): number {
    return this.#counters[this.self.counterBase + Counter.MINOR_FAULTS]!
  }
  #chargeFaults(word: WordIndex, before: number): void {
    const faults = this.#faults() - before
    if (faults === 0) return
    const { timeline } = this.#speaker
    const alone = this.#costs.vmaLocks === 0 || this.#isFirstIn(word) ? 1 : 0
    if (alone) timeline.share(MMAP_LOCK_ID)
    timeline.cpu(faults * this.#costs.fault)
    if (alone) timeline.unshare(MMAP_LOCK_ID)
  }
  #isFirstIn(word: WordIndex): boolean {
    const start = this.space.mappingStart(word)
    if (this.#anonymous.has(start)) return false
    this.#anonymous.add(start)
    return true
  }
  /** What a new stack costs beside its mmap: an mprotect, and its first two pages. */
  chargeStack(): void {
    const { timeline } = this.#speaker
    timeline.acquire(MMAP_LOCK_ID)
    timeline.cpu(this.#costs.mprotect)
    timeline.release(MMAP_LOCK_ID)
    const { newStack, mmap, mprotect, fault } = this.#costs
    timeline.share(MMAP_LOCK_ID)
    timeline.cpu(Math.max(fault, newStack - mmap - mprotect - fault))
    timeline.unshare(MMAP_LOCK_ID)
    timeline.cpu(fault)
  }

  // ── system calls ───────────────────────────────────────────────────────────────────────────

  sbrk(deltaBytes: number): WordIndex {
    this.#kernelLock.callNs = this.#costs.brk
    return this.space.sbrk(deltaBytes)
  }
  currentBrk(): WordIndex {
    return this.space.currentBrk()
  }
  mmap(hint: WordIndex, bytes: number, protection: Protection, kind: MappingKind): WordIndex {
    this.#kernelLock.callNs = this.#costs.mmap
    return this.space.mmap(hint, bytes, protection, kind)
  }
  mmapFixed(at: WordIndex, bytes: number, protection: Protection, kind: MappingKind): boolean {
    this.#kernelLock.callNs = this.#costs.mmap
    return this.space.mmapFixed(at, bytes, protection, kind)
  }
  munmap(at: WordIndex, bytes: number): boolean {
    this.#kernelLock.callNs = this.#costs.munmap
    this.#anonymous.delete(pageOfWord(at))
    return this.space.munmap(at, bytes)
  }
  mremap(at: WordIndex, oldBytes: number, newBytes: number): WordIndex {
    this.#kernelLock.callNs = this.#costs.mremap
    return this.space.mremap(at, oldBytes, newBytes)
  }
  mprotect(at: WordIndex, bytes: number, protection: Protection): boolean {
    this.#kernelLock.callNs = this.#costs.mprotect
    return this.space.mprotect(at, bytes, protection)
  }
  madviseDontNeed(at: WordIndex, bytes: number): boolean {
    this.#kernelLock.callNs = this.#costs.madvise
    return this.space.madviseDontNeed(at, bytes)
  }
  madviseFree(at: WordIndex, bytes: number): boolean {
    this.#kernelLock.callNs = this.#costs.madvise
    return this.space.madviseFree(at, bytes)
  }

  // ── locks and atomics ──────────────────────────────────────────────────────────────────────

  makeLock(word: WordIndex, name: string): LockId {
    this.#madeNow = makeLockRow(this.control, word, name)
    return this.#madeNow as LockId
  }
  /** The word says held from here to `unlock`, within this op: what a tryLock of its own sees. */
  lock(word: WordIndex, id: LockId): void {
    this.words[word] = HELD
    this.#acquire(id)
  }
  #acquire(id: LockId): void {
    if (this.walk.mayPutOff) this.walk.end()
    const { timeline } = this.#speaker
    if (id === this.#madeNow) {
      this.#promised[id] = 1
      this.#madeNow = NO_LOCK
    }
    timeline.acquire(id)
    timeline.cpu(this.#costs.design.locked)
  }
  /** Answers from the simulated state at the op's start, and from what this op itself has taken. */
  tryLock(word: WordIndex, id: LockId): boolean {
    if (this.walk.mayPutOff && this.walk.hasTried(id)) return false
    if (this.#holder[id] !== 0 || this.#promised[id] !== 0 || this.words[word] !== FREE) {
      const place = this.self.counterBase + Counter.TRYLOCK_FAILURES
      this.#counters[place] = this.#counters[place]! + 1
      const { timeline, core } = this.#speaker
      const last = this.#lockCore[id]! - 1
      const way = last < 0 ? 0 : this.#lines.between(last, core)
      timeline.cpu(this.#costs.atomic + way)
      if (this.walk.mayPutOff) this.walk.putOff(id)
      return false
    }
    this.words[word] = HELD
    this.#acquire(id)
    return true
  }
  unlock(word: WordIndex, id: LockId): void {
    this.words[word] = FREE
    this.#speaker.timeline.release(id)
  }
  /** A locked instruction: its line must be this core's. */
  #atomic(word: WordIndex): void {
    const { timeline, core } = this.#speaker
    timeline.cpu(this.#costs.atomic)
    this.needLine(timeline, lineOfWord(word), core)
  }
  atomicLoad(word: WordIndex): number {
    return this.words[word]!
  }
  atomicStore(word: WordIndex, value: number): void {
    this.#atomic(word)
    this.words[word] = value
  }
  atomicExchange(word: WordIndex, value: number): number {
    this.#atomic(word)
    const before = this.words[word]!
    this.words[word] = value
    return before
  }
  atomicAdd(word: WordIndex, delta: number): number {
    this.#atomic(word)
    const before = this.words[word]!
    this.words[word] = before + delta
    return before
  }
  compareAndSwap(word: WordIndex, expected: number, desired: number): boolean {
    this.#atomic(word)
    if (this.words[word] !== expected) return false
    this.words[word] = desired
    return true
  }

  // ── the rest ───────────────────────────────────────────────────────────────────────────────

  now(): number {
    return this.#speaker.startNs + this.#speaker.timeline.tailNs
  }
  count(event: Event, times = 1): void {
    const place = this.self.counterBase + event
    this.#counters[place] = this.#counters[place]! + times
    this.#speaker.timeline.cpu(times * this.#costs.events[event]!)
  }
  log(event: Event, a: number, b: number): void {
    writeLog(this.control, this.now(), this.self.thread, event, a, b)
  }
  abort(message: string): never {
    throw new HeapCorrupted(message)
  }
}
