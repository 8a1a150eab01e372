/**
 * The ops that concern other lab threads: sending, waiting, starting, joining, sleeping, phase
 * marks. Each may block its worker; while it blocks, its seat says for what, and counts as parked.
 */
import type { ThreadHeap } from '../../../allocators/contract.ts'
import { ControlWord, RunState, SeatState } from '../../words/control.ts'
import { Counter } from '../../words/events.ts'
import { nextOp, readText } from '../../workload/decode.ts'
import { Op } from '../../workload/ops.ts'
import type { HeapOps } from '../heap-ops.ts'
import type { WorkerContext } from './worker-context.ts'

/** Given instead of the next op's index when the lab thread ends. */
export const THREAD_ENDS = -1
const NS_PER_MS = 1e6
/** Longest sleep before the state of the run is looked at again, in ms. */
const SLICE_MS = 50

export class ControlOps {
  readonly #context: WorkerContext
  readonly #heap: ThreadHeap
  readonly #heapOps: HeapOps
  /** Ops per second that this lab thread keeps to; 0 for as fast as it can. */
  #pace = 0
  #paceStartNs = 0
  #pacedOps = 0

  constructor(context: WorkerContext, heap: ThreadHeap, heapOps: HeapOps) {
    this.#context = context
    this.#heap = heap
    this.#heapOps = heapOps
  }

  get paced(): boolean {
    return this.#pace !== 0
  }

  /** Carries out the op at `at`; the index of the next one, or `THREAD_ENDS`. */
  carryOut(ops: Int32Array, at: number): number {
    const { channels, barriers, starter } = this.#context
    const operand = ops[at + 1]!
    this.#count(Counter.OPS)
    switch (ops[at]) {
      case Op.SEND:
        if (!channels.send(operand, this.#heapOps.cellAt(ops[at + 2]!))) {
          this.#count(Counter.EMPTY_OPS)
        }
        break
      case Op.RECEIVE:
        this.#heapOps.emptyCell(ops[at + 2]!)
        if (!channels.receive(operand, this.#heapOps.cellAt(ops[at + 2]!))) {
          this.#count(Counter.EMPTY_OPS)
        }
        break
      case Op.BARRIER:
        barriers.wait(operand, ops[at + 2]!)
        break
      case Op.WORK:
        this.#work(operand * NS_PER_MS + ops[at + 2]!)
        break
      case Op.SLEEP:
        this.#sleepUntil(this.#context.clock() + operand * NS_PER_MS + ops[at + 2]!)
        break
      case Op.PACE:
        this.#setPace(operand)
        break
      case Op.PHASE:
        this.#phase(readText(ops, at))
        break
      case Op.START:
        starter.start(this.#heap, operand, ops[at + 2]!, ops[at + 3]!, readText(ops, at))
        break
      case Op.JOIN_ALL:
        starter.joinAll(this.#heap)
        break
      case Op.EXIT:
        return THREAD_ENDS
      default:
        throw new Error(`op code ${ops[at]} at word ${at}: no such op`)
    }
    return nextOp(ops, at)
  }

  #setPace(opsPerSecond: number): void {
    this.#pace = opsPerSecond
    this.#paceStartNs = this.#context.clock()
    this.#pacedOps = 0
  }

  /** Waits until the next op is due. */
  keepPace(): void {
    this.#pacedOps++
    const due = this.#paceStartNs + (this.#pacedOps * 1e9) / this.#pace
    if (due > this.#context.clock()) this.#sleepUntil(due)
  }

  /** Keeps the CPU busy; a run that ends does not wait for it. */
  #work(ns: number): void {
    const { clock, run } = this.#context
    const end = clock() + ns
    while (clock() < end && run.control.words[ControlWord.STATE] === RunState.RUNNING) {
      // Busy on purpose: this models computation between allocator calls.
    }
  }

  /** Woken early only by the end of the run: nobody else notifies the word it waits on. */
  #sleepUntil(endNs: number): void {
    const { parking, clock, run } = this.#context
    const state = run.control.words
    parking.enterWait(SeatState.SLEEPING, 0)
    while (state[ControlWord.STATE] === RunState.RUNNING) {
      const leftMs = (endNs - clock()) / NS_PER_MS
      if (leftMs <= 0) break
      parking.sleep(Math.min(leftMs, SLICE_MS))
    }
    parking.leaveWait()
  }

  /** A safepoint of the whole process: this lab thread goes on when the main thread has looked. */
  #phase(label: string): void {
    const { parking, announcePhase, process } = this.#context
    parking.phase(() => announcePhase(process.self.seat, label))
  }

  #count(counter: number): void {
    const place = this.#context.process.self.counterBase + counter
    const { counters } = this.#context.run.control
    counters[place] = counters[place]! + 1
  }
}
