/**
 * The lab threads of a virtual run, as the engine's script: when an op is over, the next one's code
 * runs for its effect, with the speaker's timeline taking down what it costs.
 */
import { Channels } from '../../sync/channel.ts'
import { Parking } from '../../sync/pause.ts'
import type { QueueEntry } from '../../sync/run-queue.ts'
import { Cell } from '../../words/cells.ts'
import {
  type Control,
  ControlWord,
  RunState,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../../words/control.ts'
import { COUNTER_ROW, Counter } from '../../words/events.ts'
import { bucketOfNs, HISTOGRAM_BUCKETS, HISTOGRAMS_PER_SEAT } from '../../words/histogram.ts'
import type { ScenarioPlan } from '../../workload/plan.ts'
import type { RecorderOptions } from '../../workload/recorder.ts'
import type { RoleArgs, Scenario } from '../../workload/scenario.ts'
import { HeapOps } from '../heap-ops.ts'
import type { SharedRun } from '../shared-run.ts'
import { Outcome, VirtualControlOps } from './control-ops.ts'
import type { Costs } from './costs.ts'
import { type Engine, Next, type Script } from './engine.ts'
import type { Lines } from './lines.ts'
import { LookAhead } from './look-ahead.ts'
import { AGAIN, OpCosts } from './op-costs.ts'
import type { VirtualProcess } from './virtual-process.ts'
import { VirtualStarter } from './virtual-starter.ts'
import { NOT_TIMED, Stage, VirtualThread } from './virtual-thread.ts'

export interface LabThreadParts {
  readonly run: SharedRun
  readonly scenario: Scenario
  readonly scenarioPlan: ScenarioPlan
  readonly process: VirtualProcess
  readonly engine: Engine
  readonly costs: Costs
  readonly lines: Lines
  readonly watchLines: boolean
}

export class LabThreads implements Script {
  /** Ops carried out by all. */
  opsDone = 0
  wakeAtNs = 0
  /** Label of a phase mark just passed: the engine has stopped for it. */
  phase: string | undefined
  readonly #parts: LabThreadParts
  readonly #control: Control
  readonly #bySeat: (VirtualThread | undefined)[]
  /** Started, and not begun yet. */
  readonly #entries: (QueueEntry | undefined)[]
  readonly #starter: VirtualStarter
  readonly #controlOps: VirtualControlOps
  readonly #opCosts: OpCosts
  readonly #lookAhead: LookAhead

  constructor(parts: LabThreadParts) {
    const { run, process, costs } = parts
    this.#parts = parts
    this.#control = run.control
    this.#bySeat = new Array<VirtualThread | undefined>(run.control.plan.seats).fill(undefined)
    this.#entries = [...this.#bySeat].map(() => undefined)
    this.#starter = new VirtualStarter(run, process, parts.scenarioPlan.stackBytes, costs)
    const parking = new Parking(run.control, process.self)
    this.#controlOps = new VirtualControlOps({
      control: run.control,
      channels: new Channels(run.control, parking),
      starter: this.#starter,
      process,
      engine: parts.engine,
      costs,
      seatThread: (entry) => {
        this.#entries[entry.seat] = entry
      },
    })
    this.#opCosts = new OpCosts(process, costs, parts.lines, parts.watchLines)
    this.#lookAhead = new LookAhead(run.heap, run.control.cells)
  }

  startMain(): void {
    const entry = this.#starter.placeMain(this.#parts.scenario.main.number)
    this.#entries[0] = entry
    this.#parts.engine.start(0, 0, 0)
  }

  /** The deadline has passed, or the user has stopped the run: nobody waits for others any more. */
  open(): void {
    this.#controlOps.wakeAll()
    this.#parts.engine.wakeSleepers()
  }

  next(seat: number, core: number, now: number): Next {
    const entry = this.#entries[seat]
    if (entry !== undefined) return this.#firstOp(entry, core, now)
    const thread = this.#bySeat[seat]!
    const { process, engine } = this.#parts
    const { timeline } = thread
    this.#endOp(thread, seat, now)
    timeline.clear()
    process.speakFor(seat, thread.entry.thread, timeline, core, now)
    if (!thread.isPutOff) thread.opStartNs = now
    this.#setState(seat, SeatState.RUNNING)
    const state = this.#control.words[ControlWord.STATE]!
    if (state >= RunState.KILLED) {
      engine.yieldNow = true
      return Next.WAIT
    }
    if (thread.stage === Stage.OPS) {
      const next = this.#nextOp(thread, seat, core, now, state)
      if (next >= 0) return next as Next
    }
    return this.#nextOfEnd(thread)
  }

  /** What there is to do when an op is over: its time is known only now. */
  #endOp(thread: VirtualThread, seat: number, now: number): void {
    if (thread.timed !== NOT_TIMED) {
      const ns = now - thread.opStartNs
      const { histograms } = this.#control
      const row = (seat * HISTOGRAMS_PER_SEAT + thread.timed) * HISTOGRAM_BUCKETS
      histograms[row + bucketOfNs(ns)]!++
      thread.timed = NOT_TIMED
    }
    if (thread.startsSeat >= 0) {
      const { engine, costs } = this.#parts
      const started = this.#entries[thread.startsSeat]!
      engine.start(started.seat, started.thread, now + costs.wake)
      thread.startsSeat = -1
    }
  }

  /** Begins an op of its script; -1 when the script is over. */
  #nextOp(thread: VirtualThread, seat: number, core: number, now: number, state: number): number {
    const { process, costs } = this.#parts
    if (state !== RunState.RUNNING && !thread.joins) {
      this.#endScript(thread)
      return -1
    }
    if (thread.pace !== 0 && thread.pacedOps > 0) {
      const due = thread.paceStartNs + Math.ceil((thread.pacedOps * 1e9) / thread.pace)
      if (due > now) return this.#sleepUntil(seat, due)
    }
    while (thread.at === thread.length) {
      if (thread.record()) continue
      this.#endScript(thread)
      return -1
    }
    const { ops, at } = thread
    if (at >= thread.lookedTo) this.#lookAhead.read(thread)
    process.charge(costs.op)
    const length = this.#opCosts.carryOut(thread, ops, at, core)
    thread.isPutOff = length === AGAIN
    if (length === AGAIN) return Next.PLAY
    if (length > 0) {
      thread.at = at + length
      thread.pacedOps++
      this.#count(seat)
      if (this.#control.words[ControlWord.STATE] !== state) this.#parts.engine.yieldNow = true
      return Next.PLAY
    }
    return this.#controlOp(thread, seat, now)
  }

  #controlOp(thread: VirtualThread, seat: number, now: number): number {
    const outcome = this.#controlOps.carryOut(thread, now)
    if (outcome === Outcome.AGAIN) return Next.PLAY
    if (outcome === Outcome.WAITS) return Next.WAIT
    this.#count(seat)
    if (outcome === Outcome.EXITS) {
      this.#endScript(thread)
      return -1
    }
    if (outcome === Outcome.SLEEPS) return this.#sleepUntil(seat, this.#controlOps.wakeAtNs)
    if (this.#controlOps.phase !== undefined) {
      this.phase = this.#controlOps.phase
      this.#controlOps.phase = undefined
      this.#parts.engine.yieldNow = true
    }
    return Next.PLAY
  }

  #sleepUntil(seat: number, ns: number): Next {
    this.#setState(seat, SeatState.SLEEPING)
    this.wakeAtNs = ns
    return Next.SLEEP
  }

  #endScript(thread: VirtualThread): void {
    const ending = this.#control.words[ControlWord.STATE] === RunState.ENDING
    thread.stage = ending && this.#parts.run.init.plan.drain ? Stage.DRAIN : Stage.EXIT
  }

  #nextOfEnd(thread: VirtualThread): Next {
    const { entry, heap } = thread
    if (thread.stage === Stage.DRAIN && this.#drain(thread)) return Next.PLAY
    if (thread.stage === Stage.EXIT) {
      thread.stage = Stage.END
      // The main thread ends with its process: nothing flushes its caches or detaches its arena.
      if (entry.thread !== 0) heap.exit()
      return Next.PLAY
    }
    if (thread.stage === Stage.END) {
      thread.stage = Stage.ENDED
      this.#starter.end(heap, entry)
      return Next.PLAY
    }
    if (this.#starter.isOrphan(entry.seat) && !thread.isRetired) {
      thread.isRetired = true
      this.#starter.retire(entry.seat, heap)
      return Next.PLAY
    }
    const startedBy = this.#control.seats[entry.seat * SEAT_ROW_WORDS + SeatWord.STARTED_BY]!
    const alive = this.#starter.leave(entry.seat)
    this.#bySeat[entry.seat] = undefined
    this.#controlOps.hasEnded(startedBy)
    if (alive === 0) this.#parts.engine.yieldNow = true
    return Next.ENDED
  }

  /** Frees what the next cell holds; false when all are empty. */
  #drain(thread: VirtualThread): boolean {
    const { cellsPerSeat, tableCells } = this.#control.plan
    const cells = cellsPerSeat + (thread.entry.thread === 0 ? tableCells : 0)
    const { cells: words } = this.#control
    while (thread.drainAt < cells) {
      const cell = thread.drainAt++
      const operand = cell < cellsPerSeat ? cell : ~(cell - cellsPerSeat)
      if (words[thread.heapOps.cellAt(operand) + Cell.BLOCK] === 0) continue
      this.#parts.process.charge(this.#parts.costs.op + this.#parts.costs.design.free)
      thread.heapOps.freeCell(operand)
      return true
    }
    thread.stage = Stage.EXIT
    return false
  }

  #count(seat: number): void {
    this.opsDone++
    const place = seat * COUNTER_ROW + Counter.OPS
    this.#control.counters[place] = this.#control.counters[place]! + 1
  }

  #setState(seat: number, state: SeatState): void {
    this.#control.seats[seat * SEAT_ROW_WORDS + SeatWord.STATE] = state
  }

  /** A started lab thread begins: its heap is attached. */
  #firstOp(entry: QueueEntry, core: number, now: number): Next {
    const { run, process, scenario, scenarioPlan, engine } = this.#parts
    const { plan, tunables } = run.init
    const { seat, thread: number } = entry
    const timeline = engine.timelines[seat]!
    this.#entries[seat] = undefined
    timeline.clear()
    process.speakFor(seat, number, timeline, core, now)
    const heap = run.design.attach(process, tunables, run.threadInfo(seat, number))
    const heapOps = new HeapOps(process, heap, run.control, seat, {
      fill: plan.fill,
      clock: () => now,
    })
    const options: RecorderOptions = {
      scenario,
      params: plan.params,
      role: scenario.roles[entry.role]!,
      index: entry.index,
      seed: plan.seed,
      args: JSON.parse(entry.text) as RoleArgs,
      handed: entry.handed,
      tables: scenarioPlan.tables,
      privateCells: run.control.plan.cellsPerSeat,
      loopInParts: true,
    }
    const thread = new VirtualThread({ entry, timeline, heap, heapOps, options })
    thread.opStartNs = now
    this.#bySeat[seat] = thread
    process.walk.forget(seat)
    return Next.PLAY
  }
}
