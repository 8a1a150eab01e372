/**
 * The serial machine: carries a trace out in its order, with all its lab threads in one isolate and
 * no time. The same trace gives the same placements, always.
 */
import { type Design, type ThreadHeap, TLS_WORDS } from '../../../allocators/contract.ts'
import { AddressSpace } from '../../memory/address-space.ts'
import { createAddressSpace } from '../../memory/create.ts'
import type { SpaceLimits } from '../../memory/limits.ts'
import { type Control, createControl } from '../../words/control.ts'
import {
  BLOCK_NULL,
  type Block,
  bytesOfWords,
  MIB,
  PAGE_BYTES,
  PAGE_WORDS,
  roundUp,
  type SharedWords,
  type WordIndex,
  wordAt,
  wordsOfBytes,
} from '../../words/units.ts'
import type { TraceChunk } from '../../workload/trace/chunk.ts'
import { TraceOp } from '../../workload/trace/format.ts'
import {
  CHECK_FIGURES,
  PLACED_SHIFT,
  Placed,
  placementText,
  type ReplayRecords,
} from '../placements.ts'
import { ThreadLifecycle } from '../thread-lifecycle.ts'
import { giveHeapBuffer, markUsed, takeHeapBuffer } from './heap-buffers.ts'
import type { HeapProbe } from './heap-probe.ts'
import { KernelLog } from './kernel-log.ts'
import { probeFor } from './probes.ts'
import { SerialProcess } from './serial-process.ts'

/** The first page is never mapped, so that word 0 is NULL. */
const DATA_START = PAGE_WORDS as WordIndex
const MAPPINGS_MAX = 65_530
const LOCKS_MAX = 1
/** What every trace thread's stack is given, by the native replayer too. */
const STACK_BYTES = 8 * MIB
const NO_LIMITS: SpaceLimits = {
  memoryLimit: undefined,
  addressSpaceLimit: undefined,
  overcommitMemory: 0,
  overcommitRatio: 50,
  ramBytes: 2 ** 40,
}
const PLACEMENTS_FIRST = 65_536
const SLOTS_FIRST = 4096

export interface SerialOptions {
  /** CPUs the modelled process sees. */
  readonly cores: number
  readonly heapBytes: number
  /** Threads alive at once, thread 0 included. */
  readonly threadsMax: number
  /** Keep placements and checkpoints; without, only the heap's final state is of interest. */
  readonly placements: boolean
  /** Write down system calls. */
  readonly kernelLog?: boolean
  /** Checkpoint (counted from 0) whose heaps are dumped. */
  readonly dumpAt?: number
  /** Leave memaligns out whose real outcome depends on address randomization (DESIGN 6). */
  readonly leaveUncertain: boolean
}

/** Nothing waits for the mmap_lock where only one thread runs. */
const noLock = { lock(): void {}, unlock(): void {} }

export class SerialMachine {
  readonly process: SerialProcess
  readonly control: Control
  readonly probe: HeapProbe
  readonly kernelLog: KernelLog | undefined
  /** Ops begun. */
  ops = 0
  /** Places in the chunk under way of memaligns that were left out; the caller empties it. */
  readonly left: number[] = []
  readonly #design: Design
  readonly #tunables: Readonly<Record<string, number>>
  readonly #options: SerialOptions
  readonly #lifecycle: ThreadLifecycle
  readonly #tlsStart: WordIndex
  readonly #words: SharedWords

  // ── lab threads, by the trace's numbers ────────────────────────────────────────────────────
  readonly #heaps: (ThreadHeap | undefined)[] = []
  readonly #seats: number[] = []
  readonly #spareSeats: number[] = []
  #nextSeat = 0
  #threadsStarted = 0
  #thread = 0
  #heap: ThreadHeap

  // ── blocks, by slot ────────────────────────────────────────────────────────────────────────
  #blocks = new Int32Array(SLOTS_FIRST)
  #requested = new Float64Array(SLOTS_FIRST)

  // ── what comes out ─────────────────────────────────────────────────────────────────────────
  #out = new Int32Array(PLACEMENTS_FIRST)
  #outUsed = 0
  #checks: Float64Array[] = []
  #dumps: Int32Array[] = []
  /** Checkpoints so far. */
  checkpoints = 0

  constructor(design: Design, tunables: Readonly<Record<string, number>>, options: SerialOptions) {
    this.#design = design
    this.#tunables = tunables
    this.#options = options
    const tlsOffset = roundUp(design.dataBytes, PAGE_BYTES)
    this.#tlsStart = wordAt(DATA_START, wordsOfBytes(tlsOffset))
    const buffer = takeHeapBuffer(options.heapBytes)
    this.#words = buffer.words
    this.control = createControl({
      seats: options.threadsMax,
      heapBytes: options.heapBytes,
      mappingsMax: MAPPINGS_MAX,
      locksMax: LOCKS_MAX,
      cellsPerSeat: 0,
      tableCells: 0,
      channelCapacities: [],
      barriers: 0,
      runQueueSlots: 1,
      logEntries: 1,
    })
    const dataBytes = tlsOffset + bytesOfWords(TLS_WORDS) * options.threadsMax
    if (buffer.used) {
      markUsed(this.control.pages)
      // Static data and thread-local storage are written without a first touch.
      this.#words.fill(0, 0, wordAt(DATA_START, wordsOfBytes(dataBytes)))
    }
    createAddressSpace(this.#words, this.control, { dataBytes }, NO_LIMITS)
    const self = { counterBase: 0, seat: 0, thread: 0 }
    const space = new AddressSpace(this.#words, this.control, self, noLock)
    this.process = new SerialProcess(this.#words, this.control, space, options.cores, DATA_START)
    if (options.kernelLog === true) this.kernelLog = new KernelLog()
    design.boot(this.process, tunables)
    this.probe = probeFor(design, tunables, this.process)
    this.process.kernelLog = this.kernelLog
    this.#lifecycle = new ThreadLifecycle(this.control, space, design.tlsModules)
    this.#heap = this.#attach(0)
  }

  /**
   * Carries out ops [from, to) of a chunk. Throws HeapCorrupted with the design's own words, where
   * the real allocator would abort; `ops` then counts the op that did.
   */
  carryOut(chunk: TraceChunk, from = 0, to = chunk.length): void {
    const { code, thread, slot: slots, size, extra } = chunk
    for (let i = from; i < to; i++) {
      const op = code[i]!
      const slot = slots[i]!
      if (thread[i] !== this.#thread && op !== TraceOp.CHECKPOINT) this.#switchTo(thread[i]!)
      if (slot >= this.#blocks.length) this.#growSlots(slot)
      this.ops++
      switch (op) {
        case TraceOp.MALLOC:
          this.#placed(slot, this.#heap.malloc(size[i]!), size[i]!)
          break
        case TraceOp.FREE:
          this.#heap.free(this.#blocks[slot]! as Block)
          this.#blocks[slot] = BLOCK_NULL
          break
        case TraceOp.WRITE:
          this.#write(slot)
          break
        case TraceOp.CALLOC:
          this.#placed(slot, this.#heap.calloc(extra[i]!, size[i]!), extra[i]! * size[i]!)
          break
        case TraceOp.REALLOC:
          this.#reallocate(slot, size[i]!)
          break
        case TraceOp.MEMALIGN:
          this.#memalign(i, slot, extra[i]!, size[i]!)
          break
        default:
          this.#rareOp(op, thread[i]!, size[i]!)
      }
    }
  }

  /** What was placed since the last call; `mallocInfo` is the probe's to tell. */
  take(): ReplayRecords {
    const records = {
      placements: this.#out.slice(0, this.#outUsed),
      checks: this.#checks,
      dumps: this.#dumps,
      mallocInfo: '',
    }
    this.#outUsed = 0
    this.#checks = []
    this.#dumps = []
    return records
  }

  /** Nothing is asked of the machine any more: its buffer goes to the next one. */
  release(): void {
    giveHeapBuffer(this.#words)
  }

  /** The `CHECK_FIGURES` of this moment, then the probe's own. */
  figures(): Float64Array {
    if (!this.#options.placements) this.#showBlocks()
    const figures = new Float64Array(CHECK_FIGURES.length + this.probe.ownFigures)
    this.probe.checkpoint(figures, this.#blocks)
    return figures
  }

  /** A probe knows the arenas of the blocks it has placed. */
  #showBlocks(): void {
    const pair = new Int32Array(2)
    for (const block of this.#blocks) this.probe.place(block as Block, pair, 0)
  }

  /** Where the block of a slot lies now: `M 4112`, `H1.0 2272`; `0` for an empty slot. */
  placementOf(slot: number): string {
    const pair = new Int32Array(2)
    this.probe.place((this.#blocks[slot] ?? BLOCK_NULL) as Block, pair, 0)
    return placementText(pair[0]!, pair[1]!)
  }

  /** Lines on the arena of a placement, and on the cache of a thread of the trace. */
  describe(placement: string, thread: number): string[] {
    return this.probe.describe(placement, this.#tlsOf(thread))
  }

  #tlsOf(thread: number): WordIndex {
    return wordAt(this.#tlsStart, (this.#seats[thread] ?? 0) * TLS_WORDS)
  }

  // ── ops ────────────────────────────────────────────────────────────────────────────────────

  #placed(slot: number, block: Block, bytes: number): void {
    this.#blocks[slot] = block
    this.#requested[slot] = bytes
    this.#record(block)
  }

  #record(block: Block): void {
    if (!this.#options.placements) return
    if (this.#outUsed === this.#out.length) this.#growOut()
    this.probe.place(block, this.#out, this.#outUsed)
    this.#outUsed += 2
  }

  #reallocate(slot: number, bytes: number): void {
    const before = this.#blocks[slot]! as Block
    const after = this.#heap.realloc(before, bytes)
    this.#record(after)
    // On failure the old block lives on; a size of 0 has freed it.
    if (after === BLOCK_NULL && before !== BLOCK_NULL && bytes !== 0) return
    this.#blocks[slot] = after
    this.#requested[slot] = bytes
  }

  #write(slot: number): void {
    const block = this.#blocks[slot]! as Block
    if (block === BLOCK_NULL) return
    const bytes = this.#requested[slot]!
    if (bytes > 0) this.process.touchRange(block, wordsOfBytes(bytes))
  }

  #memalign(place: number, slot: number, alignment: number, bytes: number): void {
    const { leaveUncertain } = this.#options
    if (leaveUncertain && this.probe.isUncertain(alignment, bytes, this.#tlsOf(this.#thread))) {
      this.left.push(place)
      return
    }
    this.#placed(slot, this.#heap.memalign(alignment, bytes), bytes)
  }

  #rareOp(op: number, thread: number, size: number): void {
    if (op === TraceOp.TRIM) this.#heap.trim(size)
    else if (op === TraceOp.EXIT) this.#end(thread)
    else if (op === TraceOp.CHECKPOINT) this.checkpoint()
    else throw new Error(`op ${op} in a trace`)
  }

  /** A `k` of its own, after the last op. */
  checkpoint(): void {
    // Where nobody sees the figures, they are not worth a walk through the heap.
    if (!this.#options.placements && this.checkpoints !== this.#options.dumpAt) {
      this.checkpoints++
      return
    }
    const figures = this.figures()
    if (this.checkpoints === this.#options.dumpAt) {
      const dump = this.probe.dump()
      if (dump !== undefined) this.#dumps.push(dump)
    }
    this.checkpoints++
    if (!this.#options.placements) return
    if (this.#outUsed === this.#out.length) this.#growOut()
    this.#out[this.#outUsed] = Placed.CHECK << PLACED_SHIFT
    this.#out[this.#outUsed + 1] = this.#checks.push(figures) - 1
    this.#outUsed += 2
  }

  // ── lab threads ────────────────────────────────────────────────────────────────────────────

  #switchTo(thread: number): void {
    this.#thread = thread
    this.#heap = this.#heaps[thread] ?? this.#start(thread)
  }

  /** Thread 0 starts it: pthread_create, then the thread's own beginning. */
  #start(thread: number): ThreadHeap {
    this.process.singleThreaded = false
    const seat = this.#spareSeats.at(-1) ?? this.#nextSeat
    if (!this.#lifecycle.start(seat, this.#heaps[0]!, STACK_BYTES)) {
      throw new Error(`no memory for the stack of thread ${thread}`)
    }
    return this.#attach(thread)
  }

  #attach(thread: number): ThreadHeap {
    const seat = this.#spareSeats.pop() ?? this.#nextSeat++
    if (seat >= this.#options.threadsMax) {
      throw new RangeError(`more than ${this.#options.threadsMax} threads alive at once`)
    }
    const tls = wordAt(this.#tlsStart, seat * TLS_WORDS)
    this.#words.fill(0, tls, tls + TLS_WORDS)
    this.#seats[thread] = seat
    const info = { thread: this.#threadsStarted++, seat, tls }
    const heap = this.#design.attach(this.process, this.#tunables, info)
    this.#heaps[thread] = heap
    return heap
  }

  /** The thread returns, and thread 0 joins it at once. */
  #end(thread: number): void {
    this.#heap.exit()
    const seat = this.#seats[thread]!
    this.#lifecycle.retire(seat, this.#heaps[0]!)
    this.#heaps[thread] = undefined
    this.#spareSeats.push(seat)
    this.#switchTo(0)
  }

  // ── room ───────────────────────────────────────────────────────────────────────────────────

  #growSlots(slot: number): void {
    let length = this.#blocks.length
    while (length <= slot) length *= 2
    const blocks = new Int32Array(length)
    blocks.set(this.#blocks)
    this.#blocks = blocks
    const requested = new Float64Array(length)
    requested.set(this.#requested)
    this.#requested = requested
  }

  #growOut(): void {
    const larger = new Int32Array(this.#out.length * 2)
    larger.set(this.#out)
    this.#out = larger
  }
}
