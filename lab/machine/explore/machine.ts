/**
 * The explore machine, main-thread side: lays the run out, starts the workers, and waits until they
 * have carried out all schedules or one has failed. It takes no part in schedules.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Design } from '../../../allocators/contract.ts'
import { waitForStart } from '../../sync/barrier.ts'
import { setRunState } from '../../sync/pause.ts'
import { messageOf } from '../../words/bad-input.ts'
import { ControlWord, RunState } from '../../words/control.ts'
import { GIB } from '../../words/units.ts'
import { planScenario } from '../../workload/plan.ts'
import type { Scenario } from '../../workload/scenario.ts'
import { buildId } from '../build-id.ts'
import { createSharedRun, type SharedRun } from '../shared-run.ts'
import { epochMs, realClock } from '../threads/clock.ts'
import { ThreadStarter } from '../threads/thread-starter.ts'
import type { MachineListener, MachineOutcome, RunningMachine, RunPlan } from '../types.ts'
import { endBaton, giveBaton } from './baton.ts'
import { ExploreFigure, ExploreWord, ExploreWords } from './layout.ts'
import type { ExploreMessage, ExploreTask } from './messages.ts'
import { type SnapshotData, takeSnapshot } from './snapshot.ts'

/** Schedules of a run that does not say how many. */
const SCHEDULES_DEFAULT = 1000
/** A schedule begins with a copy of the page table: a larger heap would only make that slower. */
const HEAP_BYTES_MAX = GIB
const TABLES = { mappingsMax: 2048, locksMax: 512, logEntries: 512 }
const START_TIMEOUT_MS = 60_000
const WATCH_EVERY_MS = 500
/** Looks without any step after which a worker is in a loop that makes no access. */
const STILL_LOOKS = 60
const LEAVE_MS = 1000

type Failure = Extract<ExploreMessage, { kind: 'failed' }>
type Ending = Pick<MachineOutcome, 'outcome' | 'message' | 'trustworthy'> & {
  readonly clean: boolean
  readonly failedSchedule?: number
  readonly account?: readonly string[]
}

export async function startExploreMachine(
  plan: RunPlan,
  design: Design,
  scenario: Scenario,
  listener: MachineListener,
): Promise<RunningMachine> {
  const scenarioPlan = planScenario(scenario, plan.params)
  const originMs = epochMs()
  const small = { ...plan, heapBytes: Math.min(plan.heapBytes, HEAP_BYTES_MAX) }
  const clock = { originMs, now: realClock(originMs) }
  const { run, notice } = createSharedRun(small, design, scenarioPlan, clock, TABLES)
  ThreadStarter.placeMain(run.control, scenario.main.number)
  run.control.words[ControlWord.STATE] = RunState.RUNNING
  const snapshot = takeSnapshot(run)
  run.control.words[ControlWord.STATE] = RunState.STARTING
  const machine = new ExploreMachine(run, snapshot, notice, listener)
  await machine.start()
  return machine
}

class ExploreMachine implements RunningMachine {
  readonly plan: RunPlan
  readonly run: SharedRun
  readonly notice: string | undefined
  /** There is no time whose course would be worth a curve. */
  readonly takesSamples = true
  readonly finished: Promise<MachineOutcome>
  readonly #listener: MachineListener
  readonly #explore: ExploreWords
  readonly #snapshot: SnapshotData
  readonly #pool: Piscina
  readonly #clock: () => number
  readonly #workers: Promise<void>[] = []
  readonly #ports: MessagePort[] = []
  #startNs = 0
  #failure: Failure | undefined
  #ending: Ending | undefined
  #announceEnd: (ending: Ending) => void = () => {}

  constructor(
    run: SharedRun,
    snapshot: SnapshotData,
    notice: string | undefined,
    listener: MachineListener,
  ) {
    this.run = run
    this.plan = run.init.plan
    this.notice = notice
    this.#listener = listener
    this.#snapshot = snapshot
    this.#explore = new ExploreWords(this.plan.threads)
    // Schedule 0, without switches, is always carried out first.
    const first = Math.max(1, this.plan.scheduleSeed)
    this.#explore.words[ExploreWord.FIRST] = first
    this.#explore.words[ExploreWord.LAST] = first + (this.plan.schedules ?? SCHEDULES_DEFAULT) - 1
    this.#clock = realClock(run.init.clockOriginMs)
    this.#pool = new Piscina({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: this.plan.threads,
      maxThreads: this.plan.threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      atomics: 'disabled',
    })
    const ended = new Promise<Ending>((resolve) => {
      this.#announceEnd = resolve
    })
    this.finished = ended.then((ending) => this.#finish(ending))
  }

  now(): number {
    return this.#startNs === 0 ? 0 : this.#clock() - this.#startNs
  }

  async start(): Promise<void> {
    const { control } = this.run
    for (let worker = 0; worker < this.plan.threads; worker++) this.#startWorker(worker)
    try {
      await this.#listener.onPrepared?.(this.run)
      await waitForStart(
        control,
        this.plan.threads,
        START_TIMEOUT_MS,
        () => this.#ending !== undefined,
      )
    } catch (error) {
      this.#end(crash(messageOf(error), false))
      await this.finished
      throw error
    }
    this.#startNs = this.#clock()
    setRunState(control, RunState.RUNNING)
    giveBaton(this.#explore, 0)
    void this.#watch()
  }

  /** Between two schedules; the one under way goes on to its end. */
  async pause(): Promise<void> {
    Atomics.store(this.#explore.words, ExploreWord.PAUSED, 1)
  }
  resume(): void {
    Atomics.store(this.#explore.words, ExploreWord.PAUSED, 0)
    Atomics.notify(this.#explore.words, ExploreWord.PAUSED)
  }
  /** The schedule under way is the last. */
  stop(): void {
    Atomics.store(this.#explore.words, ExploreWord.STOP, 1)
    this.resume()
  }

  #startWorker(worker: number): void {
    const { port1, port2 } = new MessageChannel()
    const task: ExploreTask = {
      worker,
      init: this.run.init,
      snapshot: this.#snapshot,
      explore: this.#explore.buffer,
      buildId,
      port: port2,
    }
    port1.on('message', (message: ExploreMessage) => this.#hear(message))
    const done = this.#pool
      .run(task, { transferList: [port2] })
      .catch((error: unknown) => this.#end(crash(`worker ${worker} died: ${messageOf(error)}`)))
    // Closed at the end only: a worker's last message may arrive after its task has ended.
    this.#ports.push(port1)
    this.#workers.push(done)
  }

  #hear(message: ExploreMessage): void {
    if (message.kind === 'failed') {
      const first = this.#failure
      this.#failure = message
      if (first !== undefined) this.#end(endingOf(message))
      return
    }
    const failure = this.#failure
    if (failure !== undefined) {
      const ending = endingOf(failure)
      const once = 'It did not fail when it was carried out again: is the design deterministic?'
      this.#end({ ...ending, message: `${ending.message}\n${once}` })
    } else if (this.#explore.words[ExploreWord.STOP] === 1) {
      this.#end({ outcome: 'interrupted', message: 'interrupted', trustworthy: true, clean: true })
    } else {
      this.#end({ outcome: 'completed', message: '', trustworthy: true, clean: true })
    }
  }

  #end(ending: Ending): void {
    if (this.#ending !== undefined) return
    this.#ending = ending
    this.#announceEnd(ending)
  }

  /** Sees a worker that runs on without ever passing the scheduler. */
  async #watch(): Promise<void> {
    const { words } = this.#explore
    let still = 0
    let before = -1
    while (this.#ending === undefined) {
      await pause(WATCH_EVERY_MS, undefined, { ref: false })
      const now = words[ExploreWord.STEP]! + words[ExploreWord.SCHEDULE]!
      still = now === before && words[ExploreWord.PAUSED] === 0 ? still + 1 : 0
      before = now
      if (still < STILL_LOOKS) continue
      const seconds = (STILL_LOOKS * WATCH_EVERY_MS) / 1000
      const where = `schedule ${words[ExploreWord.SCHEDULE]}, step ${words[ExploreWord.STEP]}`
      this.#end(crash(`${where}: no access for ${seconds} s, somebody loops without any`))
    }
  }

  async #finish(ending: Ending): Promise<MachineOutcome> {
    const ns = this.now()
    endBaton(this.#explore)
    await Promise.race([Promise.all(this.#workers), pause(LEAVE_MS)])
    setRunState(this.run.control, ending.clean ? RunState.STOPPED : RunState.FAILED)
    // What a schedule that failed has left is broken: a walk of it would tell nothing, or not end.
    const last = { reason: 'end', label: '', ns, clean: true } as const
    if (ending.clean) await this.#listener.onSafepoint(last)
    await this.#pool.destroy()
    for (const port of this.#ports) port.close()
    return {
      outcome: ending.outcome,
      message: ending.message,
      trustworthy: ending.trustworthy,
      phase: undefined,
      ns,
      stoppedNs: 0,
      explored: this.#explored(ending),
    }
  }

  #explored(ending: Ending): MachineOutcome['explored'] {
    const { figures } = this.#explore
    return {
      schedules: figures[ExploreFigure.SCHEDULES]!,
      accesses: figures[ExploreFigure.STEPS]!,
      switches: figures[ExploreFigure.SWITCHES]!,
      checks: figures[ExploreFigure.CHECKS]!,
      cut: figures[ExploreFigure.CUT]!,
      failedSchedule: ending.failedSchedule,
      ...(ending.account === undefined ? {} : { account: ending.account }),
    }
  }
}

const crash = (message: string, trustworthy = true): Ending => ({
  outcome: 'crashed',
  message,
  trustworthy,
  clean: false,
})

function endingOf(failure: Failure): Ending {
  const untrustworthy = failure.outcome === 'untrustworthy'
  return {
    outcome: failure.outcome === 'untrustworthy' ? 'crashed' : failure.outcome,
    message: failure.message,
    account: failure.account,
    trustworthy: !untrustworthy,
    clean: false,
    failedSchedule: failure.schedule,
  }
}
