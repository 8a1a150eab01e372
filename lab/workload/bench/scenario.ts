/**
 * The scenario that carries a benchmark workload out, on the threads machine as on native. One
 * thread: the main thread does the work itself, as a plain C loop would, in a process that never
 * has a second one. More: it starts them and waits.
 */
import { type AnyParams, defineScenario, type Recorder } from '../scenario.ts'
import { BENCH_WORKLOADS, type BenchWorkload } from './workloads.ts'

/** What `RunPlan.scenario` says; no user's scenario file can have this name. */
export const BENCH_SCENARIO = 'bench-loop'
const THREADS_MAX = 256

const workloadOf = (params: AnyParams): BenchWorkload =>
  BENCH_WORKLOADS[Number(params['workload'])]!

function work(t: Recorder, params: AnyParams, threads: number): void {
  const workload = workloadOf(params)
  workload.record(t, t.cells(workload.cells), { threads })
}

export const benchScenario = defineScenario({
  name: BENCH_SCENARIO,
  summary: 'One workload of `arena-lab bench`, repeated until the time is up.',
  params: {
    workload: {
      default: 0,
      unit: 'number',
      min: 0,
      max: BENCH_WORKLOADS.length - 1,
      meaning: 'Which of the workloads.',
    },
    threads: {
      default: 1,
      unit: 'count',
      min: 1,
      max: THREADS_MAX,
      meaning: 'Lab threads that work at once.',
    },
  },
  loop: ['main', 'worker'],
  tables: (p) => ({ shared: workloadOf(p).sharedCells }),
  threads: (p) => (p.threads === 1 ? 1 : p.threads + 1),
  privateCells: (p) => workloadOf(p).cells,
  *main(t, p) {
    if (p.threads === 1) {
      work(t, p, 1)
    } else {
      for (let index = 0; index < p.threads; index++) t.start('worker', { index })
      t.joinAll()
    }
    yield
  },
  *worker(t, p) {
    work(t, p, p.threads)
    yield
  },
})
