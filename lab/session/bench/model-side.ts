/** One run of a cell on the threads machine: as a user's run, samples and safepoints included. */
import { latencyOf } from '../../metrics/percentiles.ts'
import { type Control, ControlWord } from '../../words/control.ts'
import { COUNTER_ROW, Counter } from '../../words/events.ts'
import { Timed } from '../../words/histogram.ts'
import { benchScenario } from '../../workload/bench/scenario.ts'
import { runVariant } from '../variant-run.ts'
import type { BenchCell } from './cell.ts'
import { type ModelFigures, roundOf, type WorkerFigures } from './types.ts'

/** As `arena-lab run` samples by default. */
export const SAMPLE_HZ = 20

/** Rejects when the run does not end as it should; an aborted `signal` gives undefined. */
export async function modelRound(
  { plan, design }: Pick<BenchCell, 'plan' | 'design'>,
  warmMs: number,
  signal: AbortSignal,
): Promise<ModelFigures | undefined> {
  let window: Window | undefined
  let control: Control | undefined
  let warming: NodeJS.Timeout | undefined
  const { summary } = await runVariant({
    plan,
    design,
    scenario: benchScenario,
    sampleHz: SAMPLE_HZ,
    signal,
    onStart: ({ run }) => {
      control = run.control
      warming = setTimeout(() => {
        window = new Window(run.control)
        Atomics.store(run.control.words, ControlWord.MEASURING, 1)
      }, warmMs)
    },
    onLine: () => {},
    onNotice: () => {},
  })
  clearTimeout(warming)
  if (signal.aborted) return undefined
  if (summary.outcome !== 'completed') {
    throw new Error(`${plan.variant.label} ended early: ${summary.outcome}: ${summary.message}`)
  }
  return figuresOf(control!, window!)
}

/** What the counters were when the warm-up ended. */
class Window {
  readonly histograms: Int32Array
  readonly #counters: Float64Array

  constructor(control: Control) {
    this.histograms = Int32Array.from(control.histograms)
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

function figuresOf(control: Control, window: Window): ModelFigures {
  const round = roundOf(workersOf(control))
  const waited = window.since(control, Counter.LOCK_WAIT_NS)
  return {
    ...round,
    lockWaitShare: round.ns === 0 ? 0 : Math.min(1, waited / round.ns),
    mallocLatency: latencyOf(control, Timed.MALLOC, window.histograms),
    freeLatency: latencyOf(control, Timed.FREE, window.histograms),
    remoteFrees: window.since(control, Counter.REMOTE_FREES),
    frees: window.since(control, Counter.FREES),
  }
}

/** Seats that measured anything: not the main thread's where it only waits for the others. */
function workersOf({ counters, plan }: Control): WorkerFigures[] {
  const workers: WorkerFigures[] = []
  for (let seat = 0; seat < plan.seats; seat++) {
    const ns = counters[seat * COUNTER_ROW + Counter.MEASURED_NS]!
    const pairs = counters[seat * COUNTER_ROW + Counter.MEASURED_MALLOCS]!
    const lapNs = counters[seat * COUNTER_ROW + Counter.MEASURED_LAP_NS]!
    if (ns > 0) workers.push({ ns, pairs, lapNs })
  }
  return workers
}
