/**
 * The loop that carries a batch out on real time: op after op, until one may block or concerns
 * other lab threads (send, barrier, start, phase, …), which the machine then carries out.
 *
 * What it does itself are the ops that nearly every workload is made of, on private cells; all
 * others, and the ops that are timed (one in `SAMPLE_EVERY`), it leaves to `HeapOps`. Both do the
 * same: here it costs less (lab/PERFORMANCE.md), since what is counted stays in local variables
 * until the loop is left. A reader of the counters is therefore at most one batch between two stops
 * behind; at a safepoint and after an error all is written down. Where a block is freed, allocated
 * and written in one go, as in most workloads that replace blocks, its cell is looked up once, and
 * so are the control words: a safepoint comes two ops later at most.
 */
import type { ThreadHeap } from '../../allocators/contract.ts'
import { allocatingSeat, Cell } from '../words/cells.ts'
import {
  CELL_WORDS,
  type Control,
  ControlWord,
  RunState,
  SEAT_ROW_WORDS,
  SeatWord,
} from '../words/control.ts'
import { SAMPLE_EVERY, SAMPLE_RARELY, SAMPLES_DENSE } from '../words/histogram.ts'
import { BLOCK_NULL, type Block, type SharedWords } from '../words/units.ts'
import { Op } from '../workload/ops.ts'
import type { HeapOps } from './heap-ops.ts'
import type { HeapProcess } from './process.ts'

/** One lab thread's. Bound to a seat for the lab thread's whole life. */
export class OpLoop {
  readonly #heapOps: HeapOps
  readonly #process: HeapProcess
  readonly #heap: ThreadHeap
  readonly #words: SharedWords
  readonly #cells: SharedWords
  readonly #control: SharedWords
  readonly #seatRow: SharedWords
  readonly #cellsAt: number
  readonly #progressAt: number
  readonly #seat: number
  #opsDone = 0
  /** Ops before the next one that is timed. */
  #untilTimed = 0
  #timedOps = 0
  /** Ops that the one timed last stands for. */
  #timedEvery = SAMPLE_EVERY

  constructor(
    process: HeapProcess,
    heap: ThreadHeap,
    control: Control,
    seat: number,
    heapOps: HeapOps,
  ) {
    this.#heapOps = heapOps
    this.#process = process
    this.#heap = heap
    this.#words = process.words
    this.#cells = control.cells
    this.#control = control.words
    this.#seatRow = control.seats
    this.#cellsAt = seat * control.plan.cellsPerSeat * CELL_WORDS
    this.#seat = seat
    this.#progressAt = seat * SEAT_ROW_WORDS + SeatWord.PROGRESS
  }

  /**
   * Carries out ops from `at` on. Gives the index of the first op it did not carry out: `end`, an
   * op of the machine's, or any op once a safepoint is wanted or the run is over.
   */
  run(ops: Int32Array, at: number, end: number): number {
    const heapOps = this.#heapOps
    const cells = this.#cells
    const ours = heapOps.noteLooks()
    let untilTimed = this.#untilTimed
    /** Ops that those timed in this call stand for. */
    let sampled = 0
    let next = at
    let mallocs = 0
    let mallocBytes = 0
    let frees = 0
    let freeBytes = 0
    try {
      while (next < end && this.#mayGoOn()) {
        const isTimed = untilTimed <= 0
        const operand = ops[next + 1]!
        if (operand >= 0 && !isTimed) {
          const cell = this.#cellsAt + operand * CELL_WORDS
          let block = cells[cell] as Block
          if (ops[next] === Op.FREE && this.#isOurs(block, cell)) {
            const bytes = this.#checkedBytes(block, cell)
            this.#heap.free(block)
            cells[cell] = BLOCK_NULL
            frees++
            freeBytes += bytes
            next += 2
            untilTimed--
            if (next >= end || ops[next + 1] !== operand) continue
            block = BLOCK_NULL
          }
          if (ops[next] === Op.MALLOC && block === BLOCK_NULL) {
            const bytes = ops[next + 2]!
            block = this.#heap.malloc(bytes)
            next += 3
            untilTimed--
            if (block === BLOCK_NULL) {
              heapOps.countFailedAllocation()
              continue
            }
            fillCell(cells, cell, block, bytes, ours)
            mallocs++
            mallocBytes += bytes
            if (next >= end || ops[next + 1] !== operand) continue
          }
          if (ops[next] === Op.WRITE_PAGES && ops[next + 2] === 1 && block !== BLOCK_NULL) {
            this.#process.touch(block)
            this.#words[block] = 0
            if (cells[cell + Cell.STAMP] !== 0) cells[cell + Cell.STAMP] = 0
            next += 3
            untilTimed--
            continue
          }
        }
        const length = isTimed ? this.#time(ops, next, sampled) : heapOps.carryOut(ops, next, 0)
        if (length === 0) break
        next += length
        untilTimed--
        if (isTimed) {
          untilTimed += this.#timedEvery
          sampled += this.#timedEvery
        }
      }
    } finally {
      heapOps.countMallocs(mallocs, mallocBytes)
      heapOps.countOwnFrees(frees, freeBytes)
      this.#countOps(sampled, untilTimed)
    }
    return next
  }

  /** No safepoint is wanted, and the run is not over. */
  #mayGoOn(): boolean {
    const control = this.#control
    return control[ControlWord.PAUSE] === 0 && control[ControlWord.STATE] === RunState.RUNNING
  }

  /** A block that this lab thread allocated itself. */
  #isOurs(block: Block, cell: number): boolean {
    if (block === BLOCK_NULL) return false
    return allocatingSeat(this.#cells[cell + Cell.ALLOCATED_BY]!) === this.#seat
  }

  /** Carries one op out and times it; its words, 0 when it is the machine's. */
  #time(ops: Int32Array, next: number, sampled: number): number {
    const isDense = this.#timedOps < SAMPLES_DENSE
    const samples = isDense ? 1 : SAMPLE_RARELY / SAMPLE_EVERY
    const length = this.#heapOps.carryOut(ops, next, samples)
    if (length === 0) return 0
    this.#timedOps++
    this.#timedEvery = isDense ? SAMPLE_EVERY : SAMPLE_RARELY
    this.#seatRow[this.#progressAt] = this.#opsDone + sampled
    return length
  }

  /** What the block measures; its ends are as they were written. */
  #checkedBytes(block: Block, cell: number): number {
    const bytes = this.#cells[cell + Cell.REQUESTED]!
    const stamp = this.#cells[cell + Cell.STAMP]!
    if (stamp !== 0) this.#heapOps.checkStamps(block, bytes, stamp)
    return bytes
  }

  /** At the end of a call: timed ops stand for `sampled`, the others were counted down. */
  #countOps(sampled: number, untilTimed: number): void {
    const ops = sampled + this.#untilTimed - untilTimed
    this.#untilTimed = untilTimed
    this.#heapOps.countOps(ops)
    this.#opsDone = (this.#opsDone + ops) | 0
    this.#seatRow[this.#progressAt] = this.#opsDone
  }
}

/**
 * What is there already is not written again: a pair waits for its stores rather than for its loads
 * (lab/PERFORMANCE.md: lifo-64 10.6 to 9.1 ns).
 */
function fillCell(cells: SharedWords, cell: number, block: Block, bytes: number, by: number): void {
  cells[cell] = block
  cells[cell + Cell.REQUESTED] = bytes
  if (cells[cell + Cell.ALLOCATED_BY] !== by) cells[cell + Cell.ALLOCATED_BY] = by
  if (cells[cell + Cell.STAMP] !== 0) cells[cell + Cell.STAMP] = 0
}
