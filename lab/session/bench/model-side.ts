/** One run of a cell on the threads machine: as a user's run, samples and safepoints included. */
import { setTimeout as pause } from 'node:timers/promises'
import type { RunningMachine } from '../../machine/types.ts'
import { LatencyWindow } from '../../metrics/percentiles.ts'
import { setRunState } from '../../sync/pause.ts'
import { type Control, ControlWord, RunState } from '../../words/control.ts'
import { COUNTER_ROW, Counter } from '../../words/events.ts'
import { Timed } from '../../words/histogram.ts'
import { benchScenario } from '../../workload/bench/scenario.ts'
import { reclaimBuffers } from '../reclaim.ts'
import { runVariant } from '../variant-run.ts'
import type { BenchCell } from './cell.ts'
import { type ModelFigures, roundOf, type WorkerFigures } from './types.ts'

/** As `arena-lab run` samples by default. */
export const SAMPLE_HZ = 20
/** Every lab thread has filled its cells and compiled its paths after so many mallocs. */
const WARM_MALLOCS = 20_000
const LOOK_EVERY_MS = 10
/** A lab thread that comes to nothing for so long will not: the run is given up. */
const PATIENCE_MS = 60_000

/** Rejects when the run does not end as it should; an aborted `signal` gives undefined. */
export async function modelRound(
  { plan, design }: Pick<BenchCell, 'plan' | 'design'>,
  { warmMs, measuredMs }: { readonly warmMs: number; readonly measuredMs: number },
  signal: AbortSignal,
): Promise<ModelFigures | undefined> {
  const seats = workingSeats(Number(plan.params['threads']))
  let measurement: Measurement | undefined
  const { summary } = await runVariant({
    plan,
    design,
    scenario: benchScenario,
    sampleHz: SAMPLE_HZ,
    signal,
    onStart: (machine) => {
      measurement = new Measurement(machine, seats)
      void measurement.carryOut(warmMs, measuredMs)
    },
    onLine: () => {},
    onNotice: () => {},
  })
  await reclaimBuffers()
  if (signal.aborted) return undefined
  const figures = measurement?.figures()
  if (summary.outcome !== 'completed' || figures === undefined) {
    const why = summary.message === '' ? 'a lab thread measured nothing' : summary.message
    throw new Error(`${plan.variant.label} ended early: ${summary.outcome}: ${why}`)
  }
  return figures
}

/** One lab thread works on the main thread's seat, several on those after it. */
const workingSeats = (threads: number): readonly number[] =>
  threads === 1 ? [0] : Array.from({ length: threads }, (_, place) => place + 1)

/** Main thread: says when lab threads measure, and when the run is over. */
class Measurement {
  readonly #control: Control
  readonly #seats: readonly number[]
  #window: Window | undefined
  #over = false

  constructor({ run, finished }: RunningMachine, seats: readonly number[]) {
    this.#control = run.control
    this.#seats = seats
    const over = (): void => {
      this.#over = true
    }
    finished.then(over, over)
  }

  async carryOut(warmMs: number, measuredMs: number): Promise<void> {
    await this.#until(Counter.MALLOCS, WARM_MALLOCS)
    await this.#rest(warmMs)
    this.#window = new Window(this.#control)
    Atomics.store(this.#control.words, ControlWord.MEASURING, 1)
    await this.#rest(measuredMs)
    await this.#until(Counter.MEASURED_MALLOCS, 1)
    this.#end()
  }

  /** After the run. Undefined where it ended before every lab thread had measured a lap. */
  figures(): ModelFigures | undefined {
    const window = this.#window
    const workers = this.#workers()
    if (window === undefined || !workers.every(({ pairs }) => pairs > 0)) return undefined
    const round = roundOf(workers)
    const waitedNs = window.since(this.#control, Counter.LOCK_WAIT_NS)
    return {
      ...round,
      lockWaitShare: Math.min(1, waitedNs / round.ns),
      mallocLatency: window.mallocs.next(),
      freeLatency: window.frees.next(),
      remoteFrees: window.since(this.#control, Counter.REMOTE_FREES),
      frees: window.since(this.#control, Counter.FREES),
    }
  }

  /** As the machine does at its deadline. */
  #end(): void {
    if (this.#over) return
    Atomics.store(this.#control.words, ControlWord.DEADLINE, 1)
    setRunState(this.#control, RunState.ENDING)
  }

  async #rest(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.#over; left -= LOOK_EVERY_MS) {
      await pause(Math.min(left, LOOK_EVERY_MS))
    }
  }

  /** Until every lab thread's counter has come so far. */
  async #until(counter: number, least: number): Promise<void> {
    const reached = (seat: number): boolean => this.#counter(seat, counter) >= least
    for (let waited = 0; waited < PATIENCE_MS && !this.#over; waited += LOOK_EVERY_MS) {
      if (this.#seats.every(reached)) return
      await pause(LOOK_EVERY_MS)
    }
  }

  #counter(seat: number, counter: number): number {
    return this.#control.counters[seat * COUNTER_ROW + counter]!
  }

  #workers(): WorkerFigures[] {
    return this.#seats.map((seat) => ({
      ns: this.#counter(seat, Counter.MEASURED_NS),
      pairs: this.#counter(seat, Counter.MEASURED_MALLOCS),
      lapNs: this.#counter(seat, Counter.MEASURED_LAP_NS),
    }))
  }
}

/** What the counters were when the warm-up ended. */
class Window {
  readonly mallocs: LatencyWindow
  readonly frees: LatencyWindow
  readonly #counters: Float64Array

  constructor(control: Control) {
    this.mallocs = new LatencyWindow(control, Timed.MALLOC)
    this.frees = new LatencyWindow(control, Timed.FREE)
    // What was timed before is nobody's: the next call tells what comes after it.
    this.mallocs.next()
    this.frees.next()
    this.#counters = Float64Array.from(control.counters)
  }

  /** Of all seats, since then. */
  since({ counters, plan }: Control, counter: number): number {
    let sum = 0
    for (let seat = 0; seat < plan.seats; seat++) {
      const at = seat * COUNTER_ROW + counter
      sum += counters[at]! - this.#counters[at]!
    }
    return sum
  }
}
