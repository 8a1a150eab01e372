/**
 * Carries out one op that only concerns the heap, whatever the machine. Ops that may block or that
 * concern other lab threads (send, barrier, start, phase, …) are the machine's own.
 */
import type { ThreadHeap } from '../../allocators/contract.ts'
import { claimCell, releaseCell } from '../sync/cells.ts'
import { allocatedBy, allocatingSeat, Cell } from '../words/cells.ts'
import { CELL_WORDS, type Control, ControlWord } from '../words/control.ts'
import { Counter } from '../words/events.ts'
import { bucketOfNs, HISTOGRAM_BUCKETS, HISTOGRAMS_PER_SEAT, Timed } from '../words/histogram.ts'
import {
  BLOCK_NULL,
  type Block,
  lastWholeWord,
  PAGE_WORDS,
  type SharedWords,
  wordAt,
  wordsOfBytes,
} from '../words/units.ts'
import { Op } from '../workload/ops.ts'
import { type Clock, HeapCorrupted, type HeapProcess } from './process.ts'

/** Stamps differ by block and by time; 0 means "nothing written". */
const STAMP_STEP = 0x9e3779b1

export interface HeapOpsOptions {
  /** `write` fills every byte instead of the ends. */
  readonly fill: boolean
  readonly clock: Clock
}

/** One lab thread's heap ops. Bound to a seat for the lab thread's whole life. */
export class HeapOps {
  readonly #process: HeapProcess
  readonly #heap: ThreadHeap
  readonly #words: SharedWords
  readonly #cells: SharedWords
  readonly #control: SharedWords
  readonly #counters: Float64Array
  readonly #histograms: SharedWords
  readonly #matrixBlocks: Float64Array
  readonly #matrixBytes: Float64Array
  readonly #clock: Clock
  readonly #fill: boolean
  readonly #seat: number
  readonly #privateAt: number
  readonly #tablesAt: number
  readonly #counterBase: number
  readonly #matrixRow: number
  readonly #histogramAt: number
  #stamp: number
  #allocatedBy: number

  constructor(
    process: HeapProcess,
    heap: ThreadHeap,
    control: Control,
    seat: number,
    options: HeapOpsOptions,
  ) {
    this.#process = process
    this.#heap = heap
    this.#words = process.words
    this.#cells = control.cells
    this.#control = control.words
    this.#counters = control.counters
    this.#histograms = control.histograms
    this.#matrixBlocks = control.matrixBlocks
    this.#matrixBytes = control.matrixBytes
    this.#clock = options.clock
    this.#fill = options.fill
    this.#seat = seat
    this.#allocatedBy = allocatedBy(seat, control.words[ControlWord.LOOKS]!)
    this.#privateAt = seat * control.plan.cellsPerSeat * CELL_WORDS
    this.#tablesAt = control.plan.seats * control.plan.cellsPerSeat * CELL_WORDS
    this.#counterBase = process.self.counterBase
    this.#matrixRow = seat * control.plan.seats
    this.#histogramAt = seat * HISTOGRAMS_PER_SEAT * HISTOGRAM_BUCKETS
    this.#stamp = (seat + 1) * STAMP_STEP
  }

  /**
   * Blocks allocated from now on are known to be younger than the looks at the heap so far. Gives
   * what `Cell.ALLOCATED_BY` says of them.
   */
  noteLooks(): number {
    this.#allocatedBy = allocatedBy(this.#seat, this.#control[ControlWord.LOOKS]!)
    return this.#allocatedBy
  }

  /**
   * One op, not counted yet; call `noteLooks` before it. Its words, 0 when it is not a heap op.
   * `timed`: how many samples it counts for when it is timed, 0 when it is not.
   */
  carryOut(ops: Int32Array, at: number, timed: number): number {
    const operand = ops[at + 1]!
    const second = ops[at + 2]!
    switch (ops[at]) {
      case Op.MALLOC:
        this.#malloc(operand, second, timed)
        return 3
      case Op.FREE:
        this.#free(operand, timed)
        return 2
      case Op.WRITE:
        this.#write(operand, 0)
        return 2
      case Op.MOVE:
        this.#move(operand, second)
        return 3
      case Op.SWAP:
        this.#swap(operand, second)
        return 3
      case Op.CALLOC:
        this.#fillCell(operand, this.#heap.calloc(second, ops[at + 3]!), second * ops[at + 3]!)
        return 4
      case Op.MEMALIGN:
        this.#fillCell(operand, this.#heap.memalign(second, ops[at + 3]!), ops[at + 3]!)
        return 4
      case Op.REALLOC:
        this.#realloc(operand, second, timed)
        return 3
      case Op.WRITE_PAGES:
        this.#write(operand, second)
        return 3
      case Op.TRIM:
        this.#heap.trim(operand)
        return 2
      default:
        return 0
    }
  }

  /** Index of a cell operand's first word in the cell area. */
  cellAt(operand: number): number {
    return operand >= 0
      ? this.#privateAt + operand * CELL_WORDS
      : this.#tablesAt + ~operand * CELL_WORDS
  }

  /** Frees what a cell holds; an empty one is counted and left alone. */
  freeCell(operand: number): void {
    this.#free(operand, 0)
  }

  /** Before something is received into a cell: what it still holds is freed. */
  emptyCell(operand: number): void {
    if (this.#cells[this.cellAt(operand) + Cell.BLOCK] !== 0) this.freeCell(operand)
  }

  #malloc(operand: number, bytes: number, timed: number): void {
    if (timed === 0) {
      this.#fillCell(operand, this.#heap.malloc(bytes), bytes)
      return
    }
    const start = this.#clock()
    const block = this.#heap.malloc(bytes)
    this.#time(Timed.MALLOC, this.#clock() - start, timed)
    this.#fillCell(operand, block, bytes)
  }

  /** Puts a new block into a cell; what the cell still held is freed first. */
  #fillCell(operand: number, block: Block, bytes: number): void {
    const cells = this.#cells
    const cell = this.cellAt(operand)
    const shared = operand < 0
    const held = this.#open(cell, shared)
    if (held !== 0) this.#release(cell, held as Block, 0)
    if (block !== BLOCK_NULL) {
      cells[cell + Cell.REQUESTED] = bytes
      cells[cell + Cell.ALLOCATED_BY] = this.#allocatedBy
      cells[cell + Cell.STAMP] = 0
      this.countMallocs(1, bytes)
    } else {
      this.countFailedAllocation()
    }
    this.#close(cell, shared, block)
  }

  countOps(ops: number): void {
    this.#addCount(Counter.OPS, ops)
  }

  countFailedAllocation(): void {
    this.#addCount(Counter.FAILED_ALLOCATIONS, 1)
  }

  /** Blocks this lab thread allocated, and their requested bytes; a realloc may make them fewer. */
  countMallocs(mallocs: number, bytes: number): void {
    const counters = this.#counters
    const base = this.#counterBase
    counters[base + Counter.MALLOCS] = counters[base + Counter.MALLOCS]! + mallocs
    counters[base + Counter.LIVE_BYTES] = counters[base + Counter.LIVE_BYTES]! + bytes
    counters[base + Counter.REQUESTED_BYTES] = counters[base + Counter.REQUESTED_BYTES]! + bytes
  }

  /** Blocks this lab thread freed and had allocated itself, and their requested bytes. */
  countOwnFrees(frees: number, bytes: number): void {
    this.#countFrees(this.#seat, frees, bytes)
  }

  #countFrees(from: number, frees: number, bytes: number): void {
    const counters = this.#counters
    const base = this.#counterBase
    counters[base + Counter.FREES] = counters[base + Counter.FREES]! + frees
    counters[base + Counter.LIVE_BYTES] = counters[base + Counter.LIVE_BYTES]! - bytes
    const pair = this.#matrixRow + from
    this.#matrixBlocks[pair] = this.#matrixBlocks[pair]! + frees
    this.#matrixBytes[pair] = this.#matrixBytes[pair]! + bytes
  }

  #free(operand: number, timed: number): void {
    const cell = this.cellAt(operand)
    const shared = operand < 0
    const block = this.#open(cell, shared) as Block
    if (block === BLOCK_NULL) this.#addCount(Counter.EMPTY_OPS, 1)
    else this.#release(cell, block, timed)
    this.#close(cell, shared, BLOCK_NULL)
  }

  /** Checks the stamps, counts, frees. The cell's other words still describe the block. */
  #release(cell: number, block: Block, timed: number): void {
    const cells = this.#cells
    const bytes = cells[cell + Cell.REQUESTED]!
    const from = allocatingSeat(cells[cell + Cell.ALLOCATED_BY]!)
    const stamp = cells[cell + Cell.STAMP]!
    if (stamp !== 0) this.checkStamps(block, bytes, stamp)
    this.#countFrees(from, 1, bytes)
    if (from !== this.#seat) this.#addCount(Counter.REMOTE_FREES, 1)
    if (timed === 0) {
      this.#heap.free(block)
      return
    }
    const start = this.#clock()
    this.#heap.free(block)
    this.#time(Timed.FREE, this.#clock() - start, timed)
  }

  #realloc(operand: number, bytes: number, timed: number): void {
    const cells = this.#cells
    const cell = this.cellAt(operand)
    const shared = operand < 0
    const old = this.#open(cell, shared) as Block
    const oldBytes = old === BLOCK_NULL ? 0 : cells[cell + Cell.REQUESTED]!
    const stamp = old === BLOCK_NULL ? 0 : cells[cell + Cell.STAMP]!
    if (stamp !== 0) this.checkStamps(old, oldBytes, stamp)
    const start = timed > 0 ? this.#clock() : 0
    const block = this.#heap.realloc(old, bytes)
    if (timed > 0) this.#time(Timed.REALLOC, this.#clock() - start, timed)
    if (block !== BLOCK_NULL) {
      if (stamp !== 0 && Math.min(oldBytes, bytes) >= 8 && this.#words[block] !== stamp) {
        this.#corrupt(block, bytes, 'realloc lost the start of')
      }
      cells[cell + Cell.REQUESTED] = bytes
      cells[cell + Cell.STAMP] = 0
      if (old === BLOCK_NULL) cells[cell + Cell.ALLOCATED_BY] = this.#allocatedBy
      this.countMallocs(old === BLOCK_NULL ? 1 : 0, bytes - oldBytes)
    } else if (bytes !== 0) {
      this.countFailedAllocation()
    } else {
      this.#addCount(Counter.LIVE_BYTES, -oldBytes)
      this.#addCount(Counter.FREES, 1)
    }
    this.#close(cell, shared, block === BLOCK_NULL && bytes !== 0 ? old : block)
  }

  /** `pages` 0 touches every page; otherwise the first so many, and stamps only the start. */
  #write(operand: number, pages: number): void {
    const cells = this.#cells
    const cell = this.cellAt(operand)
    const shared = operand < 0
    const block = this.#open(cell, shared) as Block
    if (block === BLOCK_NULL) {
      this.#addCount(Counter.EMPTY_OPS, 1)
    } else {
      const bytes = cells[cell + Cell.REQUESTED]!
      const words = wordsOfBytes(bytes)
      if (pages === 0) {
        if (words > 0) this.#process.touchRange(block, words)
        if (bytes >= 8) cells[cell + Cell.STAMP] = this.#stampEnds(block, bytes)
      } else {
        this.#writePages(block, Math.min(words, pages * PAGE_WORDS))
        cells[cell + Cell.STAMP] = 0
      }
    }
    this.#close(cell, shared, block)
  }

  #writePages(block: Block, words: number): void {
    for (let word = 0; word < words; word += PAGE_WORDS) {
      const at = wordAt(block, word)
      this.#process.touch(at)
      this.#words[at] = word
    }
  }

  #stampEnds(block: Block, bytes: number): number {
    const stamp = (this.#stamp = (this.#stamp + STAMP_STEP) | 0 || 1)
    const last = lastWholeWord(block, bytes)
    if (this.#fill) this.#words.fill(stamp, block, last)
    this.#words[block] = stamp
    this.#words[last] = stamp
    return stamp
  }

  /** Throws `HeapCorrupted` when somebody wrote over an end of the block. */
  checkStamps(block: Block, bytes: number, stamp: number): void {
    if (this.#words[block] !== stamp) this.#corrupt(block, bytes, 'overwritten at the start of')
    if (this.#words[lastWholeWord(block, bytes)] !== stamp) {
      this.#corrupt(block, bytes, 'overwritten at the end of')
    }
  }

  #corrupt(block: Block, bytes: number, what: string): never {
    throw new HeapCorrupted(`${what} a ${bytes}-byte block at word 0x${block.toString(16)}`)
  }

  #move(from: number, to: number): void {
    if (from === to) return
    const cells = this.#cells
    const source = this.cellAt(from)
    const target = this.cellAt(to)
    // In index order, as in #swap, so that two lab threads never wait for each other's claims.
    const held = to > from ? this.#open(target, to < 0) : 0
    const block = this.#open(source, from < 0)
    const displaced = to > from ? held : this.#open(target, to < 0)
    if (displaced !== 0) this.#release(target, displaced as Block, 0)
    if (block === 0) this.#addCount(Counter.EMPTY_OPS, 1)
    for (let field = Cell.REQUESTED; field <= Cell.STAMP; field++) {
      cells[target + field] = cells[source + field]!
    }
    this.#close(target, to < 0, block)
    this.#close(source, from < 0, 0)
  }

  #swap(a: number, b: number): void {
    if (a === b) return
    const cells = this.#cells
    const upper = Math.max(a, b)
    const lower = Math.min(a, b)
    const first = this.cellAt(upper)
    const second = this.cellAt(lower)
    const x = this.#open(first, upper < 0)
    const y = this.#open(second, lower < 0)
    for (let field = Cell.REQUESTED; field <= Cell.STAMP; field++) {
      const kept = cells[first + field]!
      cells[first + field] = cells[second + field]!
      cells[second + field] = kept
    }
    this.#close(first, upper < 0, y)
    this.#close(second, lower < 0, x)
  }

  /** The block of a cell; a shared cell is this lab thread's alone until `#close`. */
  #open(cell: number, shared: boolean): number {
    return shared ? claimCell(this.#cells, cell) : this.#cells[cell + Cell.BLOCK]!
  }

  #close(cell: number, shared: boolean, block: number): void {
    if (shared) releaseCell(this.#cells, cell, block)
    else this.#cells[cell + Cell.BLOCK] = block
  }

  #time(kind: number, ns: number, samples: number): void {
    const bucket = this.#histogramAt + kind * HISTOGRAM_BUCKETS + bucketOfNs(ns)
    this.#histograms[bucket] = this.#histograms[bucket]! + samples
  }

  #addCount(counter: number, by: number): void {
    const place = this.#counterBase + counter
    this.#counters[place] = this.#counters[place]! + by
  }
}
