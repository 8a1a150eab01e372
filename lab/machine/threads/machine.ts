/**
 * The threads machine, main-thread side: starts the workers, watches them, brings them to rest for
 * safepoints, and ends the run. The main thread never blocks, so that sampling, the dashboard and
 * Ctrl-C go on whatever the workers do.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Design } from '../../../allocators/contract.ts'
import { waitForStart } from '../../sync/barrier.ts'
import { messageOf } from '../../words/bad-input.ts'
import { type Control, ControlWord, RunState } from '../../words/control.ts'
import type { ScenarioPlan } from '../../workload/plan.ts'
import { buildId } from '../build-id.ts'
import { createSharedRun, type SharedRun } from '../shared-run.ts'
import type { MachineListener, MachineOutcome, Outcome, RunningMachine, RunPlan } from '../types.ts'
import { epochMs, realClock } from './clock.ts'
import type { WorkerMessage, WorkerTask } from './messages.ts'
import { Safepoints } from './safepoints.ts'
import { locksHeldBy, Watchdog } from './watchdog.ts'

/** Workers that are not ready by then will not be: a cold jiti in 17 workers takes 2 s. */
const START_TIMEOUT_MS = 60_000
const WATCH_EVERY_MS = 100
/** How long workers have to leave after the run is over, before they are terminated. */
const LEAVE_MS = 2000
/** Safepoints on the clock: the first after a second, then so rarely that stops stay below 1 %. */
const TICK_MS = 1000
const STOP_SHARE_MAX = 0.01

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
  scenarioPlan: ScenarioPlan,
  listener: MachineListener,
): Promise<RunningMachine> {
  const originMs = epochMs()
  const { run, notice } = createSharedRun(plan, design, scenarioPlan, {
    originMs,
    now: realClock(originMs),
  })
  const machine = new ThreadsMachine(run, notice, listener)
  await machine.start()
  return machine
}

class ThreadsMachine implements RunningMachine {
  readonly plan: RunPlan
  readonly run: SharedRun
  readonly notice: string | undefined
  readonly finished: Promise<MachineOutcome>
  readonly #control: Control
  readonly #safepoints: Safepoints
  readonly #watchdog: Watchdog
  readonly #pool: Piscina
  readonly #clock: () => number
  readonly #workers: Promise<void>[] = []
  #startNs = 0
  #phase: string | undefined
  #ending: Ending | undefined
  #workersLeft = 0
  #announceEnd: (ending: Ending) => void = () => {}

  constructor(run: SharedRun, notice: string | undefined, listener: MachineListener) {
    this.run = run
    this.plan = run.init.plan
    this.notice = notice
    this.#control = run.control
    this.#clock = realClock(run.init.clockOriginMs)
    const over = (): boolean => this.#ending !== undefined || this.#workersLeft === 0
    this.#safepoints = new Safepoints(run.control, listener, () => this.now(), over)
    this.#watchdog = new Watchdog(run.control)
    this.#pool = new Piscina({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: this.plan.threads,
      maxThreads: this.plan.threads,
      idleTimeout: Number.POSITIVE_INFINITY,
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

  async start(): Promise<void> {
    for (let worker = 0; worker < this.plan.threads; worker++) this.#startWorker(worker)
    try {
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
    this.#setState(RunState.RUNNING)
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
    const task: WorkerTask = { worker, init: this.run.init, buildId, port: port2 }
    port1.on('message', (message: WorkerMessage) => this.#hear(message))
    port1.unref()
    this.#workersLeft++
    const done = this.#pool
      .run(task, { transferList: [port2] })
      .catch((error: unknown) => this.#workerDied(worker, error))
      .finally(() => {
        this.#workersLeft--
        port1.close()
      })
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
}
