/**
 * A scenario as a trace: its lab threads take turns, one after the other, from yield to yield. What
 * each does is recorded in that order, with blocks instead of cells, so that the same trace can be
 * given to every allocator.
 */
import { nextOp, readArgs, readText } from '../decode.ts'
import { Op } from '../ops.ts'
import { planScenario, type ScenarioPlan } from '../plan.ts'
import { type Batch, RoleRecorder } from '../recorder.ts'
import type { AnyParams, RoleArgs, RoleEntry, Scenario } from '../scenario.ts'
import { CellBlocks, type OutBlocks } from './record-blocks.ts'
import { TraceWriter } from './writer.ts'

export interface RecordOptions {
  readonly scenario: Scenario
  readonly params: AnyParams
  readonly seed: number
  /** The trace ends after so many ops, if the scenario has not ended before. */
  readonly opsMax: number
}

/** What the recording had to leave out. */
export interface RecordNotes {
  readonly ops: number
  /** Ended by `opsMax`. */
  readonly cut: boolean
  /** Every lab thread waited for another. */
  readonly stuck: boolean
  /** Writes of a block's first pages only: a trace writes all pages of a block, or none. */
  readonly partialWrites: number
}

const TAKE_BYTES = 256 * 1024
/** Ops of a loop role that a lab thread carries out in one turn. */
const LOOP_TURN_OPS = 32
const LOOP_OPS = 16_384

/** The text of the trace in pieces; the notes are the generator's return value. */
export function* recordTrace(options: RecordOptions): Generator<Uint8Array, RecordNotes, void> {
  const recording = new Recording(options)
  const { out } = recording
  while (recording.turn()) {
    if (out.pending >= TAKE_BYTES) yield out.take()
  }
  out.checkpoint()
  yield out.take()
  return recording.notes()
}

/** A lab thread between two turns. */
interface Turner {
  readonly thread: number
  readonly recorder: RoleRecorder
  readonly loops: boolean
  /** Its private cells. */
  readonly cells: CellBlocks
  /** Children that have not ended. */
  children: number
  readonly parent: Turner | undefined
  batch: Batch | undefined
  /** Next op of the batch. */
  at: number
  /** Barrier it has arrived at and not left, -1 for none. */
  atBarrier: number
  /** Arrivals at each barrier that had to be there before it was let through last. */
  readonly passed: Map<number, number>
  readonly startedByRole: Map<number, number>
}

/** Outcome of one op. */
const Step = { DONE: 0, WAITS: 1, ENDS: 2 } as const
type Step = (typeof Step)[keyof typeof Step]

class Recording {
  readonly out = new TraceWriter()
  readonly #options: RecordOptions
  readonly #plan: ScenarioPlan
  readonly #blocks: OutBlocks
  readonly #tables: CellBlocks
  readonly #channels: number[][]
  readonly #arrived: number[]
  /** In the order of their turns. */
  #queue: Turner[]
  #threads = 0
  #ops = 0
  /** Turns in a row in which nobody could do anything. */
  #idleTurns = 0
  #partialWrites = 0

  constructor(options: RecordOptions) {
    const { scenario, params, seed } = options
    this.#options = options
    this.#plan = planScenario(scenario, params)
    this.#blocks = { next: 0, bytes: new Map() }
    this.#tables = new CellBlocks(this.out, this.#blocks)
    this.#channels = this.#plan.channelCapacities.map(() => [])
    this.#arrived = new Array<number>(this.#plan.barriers).fill(0)
    this.out.comment(`arena-lab trace record ${scenario.name}: seed ${seed}`)
    this.out.comment(`parameters ${JSON.stringify(params)}`)
    this.#queue = [this.#turner(scenario.main, {}, 0, undefined)]
  }

  notes(): RecordNotes {
    return {
      ops: this.#ops,
      cut: this.#ops >= this.#options.opsMax,
      stuck: this.#queue.length > 0 && this.#idleTurns > this.#queue.length,
      partialWrites: this.#partialWrites,
    }
  }

  /** One turn of the thread whose turn it is; false when there is no more to record. */
  turn(): boolean {
    const turner = this.#queue.shift()
    if (turner === undefined || this.#ops >= this.#options.opsMax) return false
    const before = this.#ops
    const ends = this.#carryOut(turner)
    this.#idleTurns = this.#ops > before || ends ? 0 : this.#idleTurns + 1
    if (ends) this.#end(turner)
    else this.#queue.push(turner)
    return this.#idleTurns <= this.#queue.length
  }

  /** True when the thread has ended. */
  #carryOut(turner: Turner): boolean {
    const batch = (turner.batch ??= turner.recorder.nextBatch())
    let opsLeft = turner.loops ? LOOP_TURN_OPS : Number.POSITIVE_INFINITY
    while (turner.at < batch.length && opsLeft-- > 0) {
      const step = this.#op(turner, batch.ops, turner.at)
      if (step === Step.WAITS) return false
      this.#ops++
      if (step === Step.ENDS) return true
      turner.at = nextOp(batch.ops, turner.at)
    }
    if (turner.at < batch.length) return false
    turner.at = 0
    // A loop role's one batch is carried out again and again.
    if (!turner.loops) turner.batch = undefined
    return batch.done
  }

  #op(turner: Turner, ops: Int32Array, at: number): Step {
    const [a, b, c] = [ops[at + 1]!, ops[at + 2]!, ops[at + 3]!]
    switch (ops[at]) {
      case Op.SEND:
        return this.#send(turner, a, b)
      case Op.RECEIVE:
        return this.#receive(turner, a, b)
      case Op.BARRIER:
        return this.#barrier(turner, a, b)
      case Op.START:
        return this.#start(turner, ops, at, { role: a, first: b, count: c })
      case Op.JOIN_ALL:
        return turner.children > 0 ? Step.WAITS : Step.DONE
      case Op.EXIT:
        return Step.ENDS
      case Op.PHASE:
        this.out.comment(`phase ${readText(ops, at)}`)
        this.out.checkpoint()
        return Step.DONE
      default:
        this.#heapOp(turner, ops[at]!, [a, b, c])
        return Step.DONE
    }
  }

  #heapOp(turner: Turner, code: number, [a, b, c]: readonly [number, number, number]): void {
    const { thread } = turner
    const cells = this.#cellsOf(turner, a)
    const cell = indexOf(a)
    if (code === Op.MALLOC) cells.allocate(thread, cell, b, (n) => this.out.malloc(thread, n, b))
    else if (code === Op.CALLOC) {
      cells.allocate(thread, cell, b * c, (n) => this.out.calloc(thread, n, b, c))
    } else if (code === Op.MEMALIGN) {
      cells.allocate(thread, cell, c, (n) => this.out.memalign(thread, n, b, c))
    } else if (code === Op.REALLOC) cells.reallocate(thread, cell, b)
    else if (code === Op.FREE) cells.free(thread, cell)
    else if (code === Op.WRITE) cells.write(thread, cell)
    else if (code === Op.WRITE_PAGES) {
      if (!cells.writePages(thread, cell, b)) this.#partialWrites++
    } else if (code === Op.MOVE) {
      const to = this.#cellsOf(turner, b)
      if (to !== cells || indexOf(b) !== cell) {
        const block = cells.take(cell)
        to.free(thread, indexOf(b))
        if (block >= 0) to.put(thread, indexOf(b), block)
      }
    } else if (code === Op.SWAP) cells.swap(cell, this.#cellsOf(turner, b), indexOf(b))
    else if (code === Op.TRIM) this.out.trim(thread, a)
    // WORK, SLEEP and PACE take time, which a trace has not.
  }

  #send(turner: Turner, channel: number, cell: number): Step {
    const waiting = this.#channels[channel]!
    if (waiting.length >= this.#plan.channelCapacities[channel]!) return Step.WAITS
    waiting.push(this.#cellsOf(turner, cell).take(indexOf(cell)))
    return Step.DONE
  }

  #receive(turner: Turner, channel: number, cell: number): Step {
    const block = this.#channels[channel]!.shift()
    if (block === undefined) return Step.WAITS
    const cells = this.#cellsOf(turner, cell)
    cells.free(turner.thread, indexOf(cell))
    if (block >= 0) cells.put(turner.thread, indexOf(cell), block)
    return Step.DONE
  }

  /** The last to arrive opens it for all, who notice at their next turn. */
  #barrier(turner: Turner, barrier: number, parties: number): Step {
    if (turner.atBarrier !== barrier) {
      turner.atBarrier = barrier
      this.#arrived[barrier] = this.#arrived[barrier]! + 1
    }
    const opened = Math.floor(this.#arrived[barrier]! / parties) * parties
    const mine = (turner.passed.get(barrier) ?? 0) + parties
    if (opened < mine) return Step.WAITS
    turner.passed.set(barrier, mine)
    turner.atBarrier = -1
    return Step.DONE
  }

  #start(
    turner: Turner,
    ops: Int32Array,
    at: number,
    { role, first, count }: { role: number; first: number; count: number },
  ): Step {
    // As many as have a seat; the starter waits for one.
    if (this.#queue.length + 1 >= this.#plan.threads) return Step.WAITS
    const entry = this.#options.scenario.roles[role]!
    const started = this.#turner(entry, readArgs(ops, at), count, turner)
    for (let i = 0; i < count; i++) {
      const block = turner.cells.take(first + i)
      if (block >= 0) started.cells.put(turner.thread, i, block)
    }
    turner.children++
    this.#queue.push(started)
    return Step.DONE
  }

  #turner(role: RoleEntry, args: RoleArgs, handed: number, parent: Turner | undefined): Turner {
    const { scenario, params, seed } = this.#options
    // As on the threads machine: counted among those of the role that its starter has started.
    const index = parent?.startedByRole.get(role.number) ?? 0
    parent?.startedByRole.set(role.number, index + 1)
    const recorder = new RoleRecorder({
      scenario,
      params,
      role,
      index,
      seed,
      args,
      handed,
      tables: this.#plan.tables,
      privateCells: this.#plan.privateCells,
      loopOps: LOOP_OPS,
      everyYield: true,
    })
    return {
      thread: this.#threads++,
      recorder,
      loops: role.loop,
      cells: new CellBlocks(this.out, this.#blocks),
      children: 0,
      parent,
      batch: undefined,
      at: 0,
      atBarrier: -1,
      passed: new Map(),
      startedByRole: new Map(),
    }
  }

  #end(turner: Turner): void {
    if (turner.thread !== 0) this.out.exit(turner.thread)
    if (turner.parent !== undefined) turner.parent.children--
  }

  #cellsOf(turner: Turner, operand: number): CellBlocks {
    return operand < 0 ? this.#tables : turner.cells
  }
}

const indexOf = (operand: number): number => (operand < 0 ? ~operand : operand)
