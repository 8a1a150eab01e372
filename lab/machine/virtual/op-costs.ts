/** Carries heap ops out, with what they cost beside what designs report: calls, writes, lines. */
import { allocatingSeat, Cell } from '../../words/cells.ts'
import { ControlWord } from '../../words/control.ts'
import { Timed } from '../../words/histogram.ts'
import type { SharedWords } from '../../words/units.ts'
import { wordsOfBytes } from '../../words/units.ts'
import { OP_NAMES, Op } from '../../workload/ops.ts'
import type { Costs } from './costs.ts'
import { type Lines, lineOfWord } from './lines.ts'
import type { VirtualProcess } from './virtual-process.ts'
import { NOT_TIMED, type VirtualThread } from './virtual-thread.ts'
import { PUT_OFF } from './walk.ts'

const KIB_SHIFT = 10
/** Instead of an op's length: it is to be begun anew when its timeline has been played. */
export const AGAIN = -1

export class OpCosts {
  readonly #cells: SharedWords
  readonly #control: SharedWords
  readonly #process: VirtualProcess
  readonly #lines: Lines
  readonly #watchLines: boolean
  readonly #writeKib: number
  /** ns of the call itself, by op code. */
  readonly #callNs: Int32Array
  /** Kind of latency, by op code; NOT_TIMED for most. */
  readonly #timed: Int32Array

  constructor(process: VirtualProcess, costs: Costs, lines: Lines, watchLines: boolean) {
    this.#cells = process.control.cells
    this.#control = process.control.words
    this.#process = process
    this.#lines = lines
    this.#watchLines = watchLines
    this.#writeKib = costs.writeKib
    const { malloc, free } = costs.design
    this.#callNs = new Int32Array(OP_NAMES.length)
    this.#callNs[Op.MALLOC] = malloc
    this.#callNs[Op.CALLOC] = malloc
    this.#callNs[Op.MEMALIGN] = 2 * malloc
    this.#callNs[Op.REALLOC] = malloc + free
    this.#callNs[Op.FREE] = free
    this.#callNs[Op.TRIM] = free
    this.#callNs[Op.WRITE] = costs.write
    this.#callNs[Op.WRITE_PAGES] = costs.write
    this.#callNs[Op.SWAP] = 2 * costs.atomic
    this.#callNs[Op.MOVE] = costs.atomic
    this.#timed = new Int32Array(OP_NAMES.length).fill(NOT_TIMED)
    this.#timed[Op.MALLOC] = Timed.MALLOC
    this.#timed[Op.FREE] = Timed.FREE
    this.#timed[Op.REALLOC] = Timed.REALLOC
  }

  /** Words of the op, 0 when it is not a heap op, or AGAIN. */
  carryOut(thread: VirtualThread, ops: Int32Array, at: number, core: number): number {
    const code = ops[at]!
    const { timeline, heapOps } = thread
    const looks = this.#control[ControlWord.LOOKS]!
    if (looks !== thread.looks) {
      thread.looks = looks
      heapOps.noteLooks()
    }
    if (code === Op.MALLOC) {
      const isAgain = this.#process.walk.begin(thread.entry.seat)
      if (!isAgain) timeline.cpu(this.#callNs[code]!)
      const length = this.#malloc(thread, ops, at)
      if (length === AGAIN) return AGAIN
      thread.timed = this.#timed[code]!
      if (this.#watchLines) this.#allocated(thread, ops[at + 1]!, core)
      return length
    }
    timeline.cpu(this.#callNs[code]!)
    thread.timed = this.#timed[code]!
    if (code === Op.WRITE) {
      const cell = heapOps.cellAt(ops[at + 1]!)
      timeline.cpu((this.#cells[cell + Cell.REQUESTED]! * this.#writeKib) >>> KIB_SHIFT)
      if (this.#watchLines) this.#touched(thread, cell, code, core)
    } else if (code === Op.FREE && this.#watchLines) {
      this.#touched(thread, heapOps.cellAt(ops[at + 1]!), code, core)
    }
    return heapOps.carryOut(ops, at, 0)
  }

  #malloc(thread: VirtualThread, ops: Int32Array, at: number): number {
    try {
      const length = thread.heapOps.carryOut(ops, at, 0)
      this.#process.walk.end()
      return length
    } catch (error) {
      if (error === PUT_OFF) return AGAIN
      throw error
    }
  }

  /** The design has linked the block through its first words: their line is this core's now. */
  #allocated(thread: VirtualThread, operand: number, core: number): void {
    const block = this.#cells[thread.heapOps.cellAt(operand) + Cell.BLOCK]!
    if (block > 0) this.#need(thread, lineOfWord(block), core)
  }

  #touched(thread: VirtualThread, cell: number, code: number, core: number): void {
    const block = this.#cells[cell + Cell.BLOCK]!
    if (block <= 0) return
    const first = lineOfWord(block)
    if (code === Op.FREE) {
      if (allocatingSeat(this.#cells[cell + Cell.ALLOCATED_BY]!) !== thread.entry.seat) {
        this.#lines.noteRemoteFree(first)
      }
      this.#need(thread, first, core)
      return
    }
    const words = wordsOfBytes(this.#cells[cell + Cell.REQUESTED]!)
    const last = lineOfWord(block + Math.max(0, words - 1))
    this.#written(thread, first, block, core)
    if (last !== first) this.#written(thread, last, block, core)
  }

  #written(thread: VirtualThread, line: number, block: number, core: number): void {
    if (this.#lines.isBuffered(line, core)) return
    this.#lines.noteWrite(line, block, core)
    this.#need(thread, line, core)
  }

  #need(thread: VirtualThread, line: number, core: number): void {
    this.#process.needLine(thread.timeline, line, core)
  }
}
