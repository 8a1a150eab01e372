/**
 * The virtual machine, main-thread side: starts the worker that simulates, hands its stops to the
 * listener, and ends the run. The main thread never blocks.
 */
import { Worker } from 'node:worker_threads'
import type { Design } from '../../../allocators/contract.ts'
import { setRunState } from '../../sync/pause.ts'
import { messageOf } from '../../words/bad-input.ts'
import { ControlWord, RunState } from '../../words/control.ts'
import { readableSize } from '../../words/sizes.ts'
import { planScenario } from '../../workload/plan.ts'
import type { Scenario } from '../../workload/scenario.ts'
import { buildId } from '../build-id.ts'
import { createSharedRun, type SharedRun } from '../shared-run.ts'
import type { MachineListener, MachineOutcome, RunningMachine, RunPlan } from '../types.ts'
import {
  NOW_AT,
  type NumberedMessage,
  SHARED_BYTES,
  SharedWord,
  type SimulationTask,
} from './messages.ts'

type Told = Exclude<NumberedMessage, { kind: 'ready' | 'paused' }>
type Ended = Extract<NumberedMessage, { kind: 'ended' }>

/** A worker that has not moved for so long is stuck in one op. */
const STUCK_MS = 30_000
/** The first message says `ready`. */
const READY_NUMBER = 1

export async function startVirtualMachine(
  plan: RunPlan,
  design: Design,
  scenario: Scenario,
  listener: MachineListener,
): Promise<RunningMachine> {
  const needs = planScenario(scenario, plan.params)
  const { run, notice } = createSharedRun(plan, design, needs, { originMs: 0, now: () => 0 })
  const machine = new VirtualMachine(run, notice, listener)
  await machine.start()
  return machine
}

class VirtualMachine implements RunningMachine {
  readonly plan: RunPlan
  readonly run: SharedRun
  readonly notice: string | undefined
  readonly finished: Promise<MachineOutcome>
  readonly takesSamples = true
  readonly #listener: MachineListener
  readonly #words: Int32Array
  readonly #times: Float64Array
  readonly #worker: Worker
  readonly #ready: Promise<void>
  /** Looks whether the worker still lives. A timer that went on would keep the run's buffers. */
  #watch: NodeJS.Timeout | undefined
  #phase: string | undefined
  #ended = false
  #busy = false
  #pauseWanted = false
  /** Number of the message with which the worker says that it stands; 0 while it does not. */
  #pausedAt = 0
  #announcePaused: () => void = () => {}
  #announceReady: () => void = () => {}
  #refuse: (error: Error) => void = () => {}
  #announceEnd: (outcome: MachineOutcome) => void = () => {}

  constructor(run: SharedRun, notice: string | undefined, listener: MachineListener) {
    this.run = run
    this.plan = run.init.plan
    this.notice = notice
    this.#listener = listener
    const shared = new SharedArrayBuffer(SHARED_BYTES)
    this.#words = new Int32Array(shared)
    this.#times = new Float64Array(shared)
    this.#ready = new Promise((resolve, reject) => {
      this.#announceReady = resolve
      this.#refuse = reject
    })
    this.finished = new Promise((resolve) => {
      this.#announceEnd = resolve
    })
    const workerData: SimulationTask = { init: run.init, buildId, shared }
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData })
    this.#worker.on('message', (message: NumberedMessage) => void this.#hear(message))
    this.#worker.on('error', (error) => void this.#died(error))
    this.#worker.on('exit', () => void this.#died(new Error('the simulation’s worker has ended')))
  }

  now(): number {
    return this.#times[NOW_AT]!
  }

  async start(): Promise<void> {
    try {
      await this.#listener.onPrepared?.(this.run)
      await this.#ready
    } catch (error) {
      await this.#endWorker()
      throw error
    }
    setRunState(this.run.control, RunState.RUNNING)
    this.#watchWorker()
    this.#open(READY_NUMBER)
  }

  pause(): Promise<void> {
    this.#pauseWanted = true
    Atomics.store(this.run.control.words, ControlWord.PAUSE, 1)
    return new Promise((resolve) => {
      this.#announcePaused = resolve
      if (this.#ended) resolve()
    })
  }
  resume(): void {
    if (!this.#pauseWanted) return
    this.#pauseWanted = false
    Atomics.store(this.run.control.words, ControlWord.PAUSE, 0)
    if (this.#pausedAt !== 0) this.#open(this.#pausedAt)
    this.#pausedAt = 0
  }
  stop(): void {
    const { words } = this.run.control
    if (words[ControlWord.STATE]! < RunState.KILLED) setRunState(this.run.control, RunState.STOPPED)
    this.resume()
  }

  async #hear(message: NumberedMessage): Promise<void> {
    if (message.kind === 'ready') this.#announceReady()
    else if (message.kind === 'paused') {
      this.#announcePaused()
      if (this.#pauseWanted) this.#pausedAt = message.number
      else this.#open(message.number)
    } else {
      this.#busy = true
      try {
        await this.#look(message)
      } catch (error) {
        await this.#died(error instanceof Error ? error : new Error(messageOf(error)))
      }
      this.#busy = false
    }
  }

  /** The worker waits meanwhile. */
  async #look(message: Told): Promise<void> {
    const ns = this.now()
    if (message.kind === 'ended') {
      await this.#finish(message)
      return
    }
    if (message.kind === 'sample') this.#listener.onSample?.()
    else if (message.kind === 'tick') {
      await this.#listener.onSafepoint({ reason: 'tick', label: '', ns, clean: true })
    } else {
      this.#phase = message.label
      await this.#listener.onSafepoint({ reason: 'phase', label: message.label, ns, clean: true })
    }
    this.#open(message.number)
  }

  async #finish(message: Ended): Promise<void> {
    const wasKilled = message.outcome === 'oom-killed'
    const clean = wasKilled || message.outcome === 'completed' || message.outcome === 'interrupted'
    this.#over()
    if (!wasKilled) setRunState(this.run.control, clean ? RunState.STOPPED : RunState.FAILED)
    const reason = wasKilled ? 'oom' : 'end'
    await this.#listener.onSafepoint({ reason, label: '', ns: this.now(), clean })
    this.#conclude({
      outcome: message.outcome,
      message: wasKilled ? this.#oomMessage() : message.message,
      trustworthy: message.trustworthy,
      simulation: message.figures,
    })
    await this.#endWorker()
  }

  /** The run has ended, so nobody watches the worker any more. */
  #over(): void {
    this.#ended = true
    clearInterval(this.#watch)
  }

  /** Its message port goes with it. */
  async #endWorker(): Promise<void> {
    this.#over()
    await this.#worker.terminate()
  }

  #conclude(ending: Pick<MachineOutcome, 'outcome' | 'message' | 'trustworthy' | 'simulation'>) {
    this.#announcePaused()
    const early = ending.outcome !== 'completed'
    const phase = early ? this.#phase : undefined
    this.#announceEnd({ ...ending, phase, ns: this.now(), stoppedNs: 0 })
  }

  /** The worker threw outside of ops, or its thread is gone. */
  async #died(error: Error): Promise<void> {
    this.#refuse(error)
    if (this.#ended) return
    this.#over()
    setRunState(this.run.control, RunState.FAILED)
    await this.#endWorker()
    await this.#listener.onSafepoint({ reason: 'end', label: '', ns: this.now(), clean: false })
    const message = `the simulation’s worker died: ${messageOf(error)}`
    this.#conclude({ outcome: 'crashed', message, trustworthy: true, simulation: undefined })
  }

  /** An op of a design that never ends stops the worker's heart. */
  #watchWorker(): void {
    let beat = -1
    this.#watch = setInterval(() => {
      if (this.#busy || this.#pauseWanted) beat = -1
      else if (beat === Atomics.load(this.#words, SharedWord.BEAT)) {
        void this.#died(new Error(`one op has run for more than ${STUCK_MS / 1000} s`))
      } else beat = Atomics.load(this.#words, SharedWord.BEAT)
    }, STUCK_MS)
    this.#watch.unref()
  }

  #open(number: number): void {
    Atomics.store(this.#words, SharedWord.GATE, number)
    Atomics.notify(this.#words, SharedWord.GATE)
  }

  #oomMessage(): string {
    const thread = this.run.control.words[ControlWord.OOM_THREAD]! - 1
    return (
      `OOM-killed: a page fault of lab thread ${thread} took RSS over the memory limit of ` +
      `${readableSize(this.plan.limits.memoryLimit ?? 0)}`
    )
  }
}
