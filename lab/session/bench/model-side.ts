/** One run of a cell on the threads machine: as a user's run, samples and safepoints included. */
import type { Control } from '../../words/control.ts'
import { ControlWord } from '../../words/control.ts'
import { COUNTER_ROW, Counter } from '../../words/events.ts'
import { benchScenario } from '../../workload/bench/scenario.ts'
import { runVariant } from '../variant-run.ts'
import type { BenchCell } from './cell.ts'
import { type RoundFigures, roundOf, type WorkerFigures } from './types.ts'

/** As `arena-lab run` samples by default. */
const SAMPLE_HZ = 20

/** Rejects when the run does not end as it should; an aborted `signal` gives undefined. */
export async function modelRound(
  { plan, design }: BenchCell,
  warmMs: number,
  signal: AbortSignal,
): Promise<RoundFigures | undefined> {
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
  return roundOf(workersOf(control!))
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
