/**
 * The threads machine, main-thread side: starts the workers, watches them, brings them to rest for
 * safepoints, and ends the run. The main thread never blocks, so that sampling, the dashboard and
 * Ctrl-C go on whatever the workers do.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Design } from '../../../allocators/contract.ts'
import { setPrepared, waitForStart } from '../../sync/barrier.ts'
import { allParked, passPhase, release, setRunState } from '../../sync/pause.ts'
import { messageOf } from '../../words/bad-input.ts'
import {
  type Control,
  ControlWord,
  RunState,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../../words/control.ts'
import { readableSize } from '../../words/sizes.ts'
import { planScenario } from '../../workload/plan.ts'
import type { Scenario } from '../../workload/scenario.ts'
import { buildId } from '../build-id.ts'
import { type CompiledCode, compileFor, isCompiled } from '../compiled/compiled-code.ts'
import {
  createSharedRun,
  placeApart,
  placeTogether,
  type SharedRun,
  TABLES,
} from '../shared-run.ts'
import type { MachineListener, MachineOutcome, Outcome, RunningMachine, RunPlan } from '../types.ts'
import { locksHeldBy } from '../waiters.ts'
import { epochMs, realClock } from './clock.ts'
import { compileInPlace } from './compile-in-place.ts'
import type { WorkerMessage, WorkerTask } from './messages.ts'
import { Safepoints } from './safepoints.ts'
import { ThreadStarter } from './thread-starter.ts'
import { Watchdog } from './watchdog.ts'

/** Workers that are not ready by then will not be: a cold jiti in 17 workers takes 2 s. */
const START_TIMEOUT_MS = 60_000
const WATCH_EVERY_MS = 100
/** How often a deadline that was put off is looked at again. */
const DEADLINE_LOOK_MS = 5
/** How long workers have to leave after the run is over, before they are terminated. */
const LEAVE_MS = 1000
/** Safepoints on the clock: the first after a second, then so rarely that stops stay below 1 %. */
const TICK_MS = 1000
const STOP_SHARE_MAX = 0.01

const RUNS_AS_SCRIPT =
  'heap and lab together exceed 4 GiB: the design runs as JavaScript, two to three times slower'

/** What workers allocate are batches of ops, kept, and the garbage of recording, soon collected. */
const YOUNG_GENERATION_MB = 2

/** Why the run ends, as soon as it is known. */
interface Ending {
  readonly outcome: Outcome
  readonly message: string
  readonly trustworthy: boolean
}

const COMPLETED: Ending = { outcome: 'completed', message: '', trustworthy: true }

export async function startThreadsMachine(
  plan: RunPlan,
  design: Design,
  scenario: Scenario,
  listener: MachineListener,
): Promise<RunningMachine> {
  const scenarioPlan = planScenario(scenario, plan.params)
  const originMs = epochMs()
  const clock = { originMs, now: realClock(originMs) }
  const place = isCompiled(plan.variant.design) ? placeTogether : placeApart
  const { run, notice } = createSharedRun(plan, design, scenarioPlan, clock, TABLES, place)
  const code = await compileFor(run)
  const isSlow = code === undefined && place === placeTogether
  const notices = [notice, isSlow ? RUNS_AS_SCRIPT : undefined].filter((it) => it !== undefined)
  const said = notices.length > 0 ? notices.join('; ') : undefined
  const machine = new ThreadsMachine(run, code, said, scenario.main.number, listener)
  await machine.start()
  return machine
}

class ThreadsMachine implements RunningMachine {
  readonly plan: RunPlan
  readonly run: SharedRun
  readonly #code: CompiledCode | undefined
  readonly notice: string | undefined
  readonly finished: Promise<MachineOutcome>
  readonly #control: Control
  readonly #safepoints: Safepoints
  readonly #watchdog: Watchdog
  readonly #pool: Piscina
  readonly #clock: () => number
  readonly #mainRole: number
  readonly #listener: MachineListener
  readonly #workers: Promise<void>[] = []
  readonly #ports: MessagePort[] = []
  /** Aborted when the run ends. */
  readonly #over = new AbortController()
  #startNs = 0
  #phase: string | undefined
  #ending: Ending | undefined
  #workersLeft = 0
  #announceEnd: (ending: Ending) => void = () => {}

  constructor(
    run: SharedRun,
    code: CompiledCode | undefined,
    notice: string | undefined,
    mainRole: number,
    listener: MachineListener,
  ) {
    this.#mainRole = mainRole
    this.#listener = listener
    this.run = run
    this.#code = code
    this.plan = run.init.plan
    this.notice = notice
    this.#control = run.control
    this.#clock = realClock(run.init.clockOriginMs)
    const over = (): boolean => this.#ending !== undefined || this.#workersLeft === 0
    this.#safepoints = new Safepoints(run.control, listener, () => this.now(), over)
    this.#watchdog = new Watchdog(run.control)
    compileInPlace()
    this.#pool = new Piscina({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: this.plan.threads,
      maxThreads: this.plan.threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      // Workers are steered through shared words: piscina's own Atomics.wait would get in the way.
      atomics: 'disabled',
    })
    const ended = new Promise<Ending>((resolve) => {
      this.#announceEnd = resolve
    })
    this.finished = ended.then((ending) => this.#finish(ending))
  }

  get heap(): SharedRun['heap'] {
    return this.run.heap
  }
  get control(): Control {
    return this.#control
  }

  now(): number {
    return this.#startNs === 0 ? 0 : this.#clock() - this.#startNs
  }

  get startNs(): number {
    return this.#startNs
  }

  async start(): Promise<void> {
    ThreadStarter.placeMain(this.#control, this.#mainRole)
    for (let worker = 0; worker < this.plan.threads; worker++) this.#startWorker(worker)
    try {
      await this.#listener.onPrepared?.(this.run)
      setPrepared(this.#control)
      await waitForStart(
        this.#control,
        this.plan.threads,
        START_TIMEOUT_MS,
        () => this.#ending !== undefined,
      )
    } catch (error) {
      this.#end({ outcome: 'crashed', message: messageOf(error), trustworthy: false })
      await this.finished
      throw error
    }
    this.#startNs = this.#clock()
    setRunState(this.#control, RunState.RUNNING)
    void this.#watch()
    void this.#tick()
    if (this.plan.seconds !== undefined) void this.#deadline(this.plan.seconds * 1000)
  }

  pause(): Promise<void> {
    return this.#safepoints.pause()
  }
  resume(): void {
    this.#safepoints.resume()
  }
  stop(): void {
    this.#end({ outcome: 'interrupted', message: 'interrupted', trustworthy: true })
  }

  #startWorker(worker: number): void {
    const { port1, port2 } = new MessageChannel()
    const { init } = this.run
    const task: WorkerTask = { worker, init, code: this.#code, buildId, port: port2 }
    port1.on('message', (message: WorkerMessage) => this.#hear(message))
    port1.unref()
    this.#workersLeft++
    const done = this.#pool
      .run(task, { transferList: [port2] })
      .catch((error: unknown) => this.#workerDied(worker, error))
      .finally(() => {
        this.#workersLeft--
      })
    // Closed at the end only: what a worker said last may arrive after its task has ended.
    this.#ports.push(port1)
    this.#workers.push(done)
  }

  #hear(message: WorkerMessage): void {
    switch (message.kind) {
      case 'phase':
        this.#phase = message.label
        void this.#safepoints.at('phase', message.label, () => this.#passPhase(message.seat))
        break
      case 'idle':
        this.#end(COMPLETED)
        break
      case 'failed':
        this.#end(
          message.outcome === 'untrustworthy'
            ? { outcome: 'crashed', message: message.message, trustworthy: false }
            : {
                outcome: message.outcome,
                message: `lab thread ${message.thread}: ${message.message}`,
                trustworthy: true,
              },
        )
        break
    }
  }

  #passPhase(seat: number): void {
    passPhase(this.#control, seat)
  }

  /** The first reason to end is the one that counts. */
  #end(ending: Ending): void {
    if (this.#ending !== undefined) return
    this.#ending = ending
    this.#over.abort()
    this.#announceEnd(ending)
  }

  /** Looks every 100 ms for what no message tells: the OOM kill, deadlocks, stuck ops. */
  async #watch(): Promise<void> {
    const { words } = this.#control
    while (this.#ending === undefined) {
      await pause(WATCH_EVERY_MS)
      if (words[ControlWord.STATE] === RunState.KILLED) {
        this.#end({ outcome: 'oom-killed', message: this.#oomMessage(), trustworthy: true })
      }
      if (words[ControlWord.PAUSE] !== 0 && allParked(this.#control)) {
        this.#watchdog.reset(this.now())
        continue
      }
      const verdict = this.#watchdog.look(this.now())
      if (verdict === undefined) continue
      const outcome = verdict.kind === 'deadlock' ? 'deadlock' : 'crashed'
      this.#end({ outcome, message: verdict.message, trustworthy: true })
    }
  }

  /** A safepoint every second, or more rarely when they take long. */
  async #tick(): Promise<void> {
    let wait = TICK_MS
    while (this.#ending === undefined) {
      if (!(await this.#sleep(wait))) return
      // Nothing changes while the user keeps everybody.
      if (this.#safepoints.paused) continue
      await this.#safepoints.at('tick', '')
      wait = Math.max(TICK_MS, this.#safepoints.tickNs / 1e6 / STOP_SHARE_MAX)
    }
  }

  /**
   * False when the run ended meanwhile. A timer that went on would keep the run's buffers alive.
   */
  async #sleep(ms: number): Promise<boolean> {
    const { signal } = this.#over
    await pause(ms, undefined, { ref: false, signal }).catch(() => {})
    return this.#ending === undefined
  }

  async #deadline(ms: number): Promise<void> {
    // Time that everybody stood still is no time of the run's.
    for (let left = ms; left > 0; left = ms - (this.now() - this.#safepoints.stoppedNs) / 1e6) {
      if (!(await this.#sleep(Math.max(left, DEADLINE_LOOK_MS)))) return
    }
    Atomics.store(this.#control.words, ControlWord.DEADLINE, 1)
    setRunState(this.#control, RunState.ENDING)
  }

  #oomMessage(): string {
    const thread = this.#control.words[ControlWord.OOM_THREAD]! - 1
    const limit = this.plan.limits.memoryLimit ?? 0
    return (
      `OOM-killed: a page fault of lab thread ${thread} took RSS over the memory limit of ` +
      `${readableSize(limit)}`
    )
  }

  /** A worker's task ended with an error: it threw outside of ops, or its thread is gone. */
  #workerDied(worker: number, error: unknown): void {
    if (this.#ending !== undefined) return
    const threads: string[] = []
    const { seats, plan } = this.#control
    for (let seat = 0; seat < plan.seats; seat++) {
      const row = seat * SEAT_ROW_WORDS
      if (seats[row + SeatWord.WORKER] !== worker + 1) continue
      const thread = seats[row + SeatWord.THREAD]! - 1
      const state = seats[row + SeatWord.STATE]
      if (thread < 0 || state === SeatState.ENDED || state === SeatState.FREE) continue
      const held = locksHeldBy(this.#control, thread)
      const holding = held.length === 0 ? 'no lock' : held.map((name) => `"${name}"`).join(', ')
      threads.push(`it carried lab thread ${thread}, which held ${holding}`)
    }
    const what = threads.length === 0 ? 'it carried no lab thread' : threads.join('; ')
    this.#end({
      outcome: 'crashed',
      message: `worker ${worker} died: ${messageOf(error)}; ${what}`,
      trustworthy: true,
    })
  }

  /** Until the workers have left, or had time to. */
  async #leave(): Promise<void> {
    const left = new AbortController()
    const tooLong = pause(LEAVE_MS, undefined, { signal: left.signal }).catch(() => {})
    await Promise.race([Promise.all(this.#workers), tooLong])
    left.abort()
  }

  /** Lets the workers leave, looks a last time, and terminates whoever has not left. */
  async #finish(ending: Ending): Promise<MachineOutcome> {
    const { stoppedNs } = this.#safepoints
    const ns = this.now() - stoppedNs
    const wasKilled = ending.outcome === 'oom-killed'
    const clean = wasKilled || ending.outcome === 'completed' || ending.outcome === 'interrupted'
    if (!wasKilled) {
      setRunState(this.#control, clean ? RunState.STOPPED : RunState.FAILED)
    }
    // A safepoint that is under way must not keep anybody from leaving.
    release(this.#control)
    await this.#leave()
    await this.#safepoints.last(wasKilled ? 'oom' : 'end', clean && this.#workersLeft === 0)
    await this.#pool.destroy()
    for (const port of this.#ports) port.close()
    const early = ending.outcome !== 'completed'
    return {
      outcome: ending.outcome,
      message: ending.message,
      trustworthy: ending.trustworthy,
      phase: early ? this.#phase : undefined,
      ns,
      stoppedNs,
    }
  }
}
