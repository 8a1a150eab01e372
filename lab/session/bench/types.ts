/** What a benchmark is asked to measure. Values are parsed, names not looked up. */
import type { LatencySummary } from '../../metrics/types.ts'
import type { Assignment } from '../../words/assignments.ts'

export interface BenchRequest {
  /** Names of `BENCH_WORKLOADS`; at least one. */
  readonly workloads: readonly string[]
  /** Variants as the user wrote them. */
  readonly variants: readonly string[]
  /** Numbers of lab threads that work at once; undefined: what fits each workload. */
  readonly threads: readonly number[] | undefined
  /** Measured pairs of runs, model and native; one more before them is discarded. */
  readonly rounds: number
  /** Of each run, before anything is measured, and measured. */
  readonly warmMs: number
  readonly measuredMs: number
  readonly seed: number
  /** CPUs the modelled process sees. */
  readonly cores: number
  readonly heapBytes: number
  /** Spin counts of the modelled mutex, each a row; undefined: what fits each workload. */
  readonly spins: readonly number[] | undefined
  /** False measures the models alone. */
  readonly native: boolean
  /** Also measure what the loops cost without an allocator. */
  readonly floors: boolean
  /** A whole scenario instead of the workloads. */
  readonly scenario: ScenarioAsked | undefined
  /** Also measure npm's allocators that are installed. */
  readonly peers: boolean
}

/** Of `--scenario` and `-P`. */
export interface ScenarioAsked {
  /** A built-in scenario's name, or a file. */
  readonly scenario: string
  readonly params: readonly Assignment[]
}

/** One run of one side: all working threads together. */
export interface RoundFigures {
  /** Measured nanoseconds of all threads, added up. */
  readonly ns: number
  readonly pairs: number
  /** Pairs a second: each thread's own rate, added up. */
  readonly pairsPerSecond: number
  /** Nanoseconds a pair of the median lap, mean over the threads. */
  readonly lapNs: number
}

/** What only the model tells of a run: of its measured part, all threads together. */
export interface ModelFigures extends RoundFigures {
  /** Share of the threads' time spent waiting for locks. */
  readonly lockWaitShare: number
  readonly mallocLatency: LatencySummary
  readonly freeLatency: LatencySummary
  readonly remoteFrees: number
  readonly frees: number
}

/** What one working thread measured: nanoseconds, pairs in them, ns a pair of its median lap. */
export interface WorkerFigures {
  readonly ns: number
  readonly pairs: number
  readonly lapNs: number
}

export function roundOf(workers: readonly WorkerFigures[]): RoundFigures {
  let [ns, pairs, pairsPerSecond, lapNs] = [0, 0, 0, 0]
  for (const worker of workers) {
    ns += worker.ns
    pairs += worker.pairs
    pairsPerSecond += worker.ns > 0 ? (worker.pairs * 1e9) / worker.ns : 0
    lapNs += worker.lapNs / workers.length
  }
  return { ns, pairs, pairsPerSecond, lapNs }
}
