/**
 * One lab thread on its worker: records its role batch by batch, carries the batches out, and ends
 * as a thread of the modelled process ends.
 */
import type { ThreadHeap } from '../../../allocators/contract.ts'
import type { QueueEntry } from '../../sync/run-queue.ts'
import { ControlWord, RunState, SeatState } from '../../words/control.ts'
import { Counter } from '../../words/events.ts'
import { nextOp } from '../../workload/decode.ts'
import { isHeapOp } from '../../workload/ops.ts'
import type { Batch, RoleRecorder } from '../../workload/recorder.ts'
import type { RoleArgs } from '../../workload/scenario.ts'
import { HeapOps } from '../heap-ops.ts'
import { OpLoop } from '../op-loop.ts'
import type { LabProcess } from '../process.ts'
import { ControlOps, THREAD_ENDS } from './control-ops.ts'
import { LAP_WORDS, LapMeter } from './lap-meter.ts'
import { recorderOf } from './script.ts'
import { NO_OP, type WorkerContext } from './worker-context.ts'

export class LabThread {
  readonly #context: WorkerContext
  readonly #entry: QueueEntry
  readonly #process: LabProcess
  /** For what happens between batches. */
  readonly #heap: ThreadHeap
  readonly #heapOps: HeapOps
  readonly #loop: OpLoop
  readonly #controlOps: ControlOps
  readonly #recorder: RoleRecorder
  readonly #loops: boolean
  readonly #laps: LapMeter
  #batch: Batch | undefined

  constructor(context: WorkerContext, entry: QueueEntry) {
    const { run, scenario, clock } = context
    const role = scenario.roles[entry.role]!
    const { plan, tunables } = run.init
    this.#context = context
    this.#entry = entry
    this.#process = context.process
    this.#process.speakFor(entry.seat, entry.thread)
    context.starter.reset()
    // It was queued, which counts as parked: a safepoint may be under way.
    context.parking.leaveWait()
    const { seat, thread } = entry
    const heap = run.design.attach(this.#process, tunables, run.threadInfo(seat, thread))
    const { fill } = plan
    this.#heapOps = new HeapOps(this.#process, heap, run.control, seat, { fill, clock })
    this.#loop = new OpLoop(this.#process, heap, run.control, seat, this.#heapOps)
    this.#heap = context.compiled?.open(this.#loop, heap, seat) ?? heap
    this.#controlOps = new ControlOps(context, this.#heap, this.#heapOps)
    this.#loops = role.loop
    this.#laps = new LapMeter(run.control, this.#process.self.counterBase, clock)
    const args = JSON.parse(entry.text) as RoleArgs
    this.#recorder = recorderOf(context.script, role, entry.index, args, entry.handed)
  }

  /** Records its first batch: for a loop role, before the start barrier. */
  prepare(): void {
    this.#batch ??= this.#record()
  }

  /** Carries the whole role out. Returns when the lab thread has ended or the run is over. */
  run(): void {
    const { control } = this.#context.run
    let batch = this.#batch ?? this.#record()
    while (this.#carryOut(batch) && !batch.done) {
      if (!this.#loops) batch = this.#record()
    }
    this.#laps.end()
    const state = control.words[ControlWord.STATE]
    if (state! >= RunState.KILLED) {
      // The process is gone: nothing of the thread's end happens, as after a SIGKILL.
      this.#context.parking.setState(SeatState.ENDED)
      return
    }
    if (state === RunState.ENDING && this.#context.run.init.plan.drain) this.#drain()
    this.#context.beforeOp?.(NO_OP)
    // The main thread ends with its process: nothing flushes its caches or detaches its arena
    // (glibc runs __libc_thread_freeres in start_thread only).
    if (this.#entry.thread !== 0) this.#heap.exit()
    this.#context.starter.end(this.#heap, this.#entry)
  }

  #record(): Batch {
    const { parking, clock } = this.#context
    parking.enterWait(SeatState.RECORDING, 0)
    const start = clock()
    const batch = this.#recorder.nextBatch()
    const ns = clock() - start
    // Counted when it runs again: nothing of a process at rest may change, its figures included.
    parking.leaveWait()
    this.#count(Counter.RECORDING_NS, ns)
    return batch
  }

  /** False when the lab thread ends before the batch does. */
  #carryOut(batch: Batch): boolean {
    const { clock, beforeOp, compiled } = this.#context
    const { ops, length } = batch
    let start = clock()
    let at = 0
    while (at < length) {
      const end = this.#cutAt(batch, at)
      beforeOp?.(ops[at]!)
      const reached = compiled?.run(batch, at, end) ?? this.#loop.run(ops, at, end)
      if (this.#loops && reached >= end) this.#laps.lap()
      if (reached > at && this.#controlOps.paced) this.#controlOps.keepPace()
      const stopped = reached === at
      at = reached
      if (at === length) break
      if (beforeOp !== undefined && !stopped) continue
      if (this.#mustLeave()) return false
      if (this.#wantsPause()) {
        this.#laps.drop()
        this.#count(Counter.CARRY_OUT_NS, clock() - start)
        this.#context.parking.park()
        start = clock()
      } else if (!isHeapOp(ops[at]!)) {
        at = this.#controlOps.carryOut(ops, at)
        if (at === THREAD_ENDS) break
      }
    }
    this.#count(Counter.CARRY_OUT_NS, clock() - start)
    return at === length && !this.#mustLeave()
  }

  /** Where to stop and look up: after each op that is paced or told of, a lap, else at the end. */
  #cutAt({ ops, length }: Batch, at: number): number {
    const each = this.#controlOps.paced || this.#context.beforeOp !== undefined
    if (each) return nextOp(ops, at)
    return this.#loops ? Math.min(at + LAP_WORDS, length) : length
  }

  #wantsPause(): boolean {
    return this.#context.run.control.words[ControlWord.PAUSE] !== 0
  }
  #mustLeave(): boolean {
    return this.#context.run.control.words[ControlWord.STATE] !== RunState.RUNNING
  }

  /** At the deadline of a run that drains: frees what its own cells hold. */
  #drain(): void {
    for (let cell = 0; cell < this.#context.run.control.plan.cellsPerSeat; cell++) {
      this.#heapOps.freeCell(cell)
    }
    if (this.#entry.thread !== 0) return
    for (let cell = 0; cell < this.#context.run.control.plan.tableCells; cell++) {
      this.#heapOps.freeCell(~cell)
    }
  }

  #count(counter: number, by: number): void {
    const place = this.#process.self.counterBase + counter
    const { counters } = this.#context.run.control
    counters[place] = counters[place]! + by
  }
}
