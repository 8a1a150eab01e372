/** What `arena-lab bench` measured. `--json` prints it as it is: add fields, never rename any. */

import type { LatencySummary } from '../../metrics/types.ts'
import type { WasmReference } from './references.ts'
import type { ScenarioBenchResult } from './scenario-types.ts'

/** Over the rounds of one row. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** One workload under one design with one number of threads. */
export interface BenchResult {
  readonly workload: string
  /** As the user wrote it. */
  readonly variant: string
  /** Lab threads that work at once. */
  readonly threads: number
  /** Spins of the modelled mutex before it waits; the native one is measured beside 0 only. */
  readonly spin: number
  /** Wall-clock nanoseconds of one thread per malloc and free, mean of a round. */
  readonly nsPerPair: Spread
  /** The same of the real allocator; null where there is none. */
  readonly native: Spread | null
  /** Median of the model ÷ median of native; null without native. */
  readonly ratio: number | null
  /**
   * Nanoseconds a pair of the median lap of about 2000 pairs, and their ratio: what is left when
   * laps are left out in which other programs ran. Means are what counts on a quiet machine.
   */
  readonly lapNsPerPair: Spread
  readonly nativeLapNsPerPair: Spread | null
  readonly lapRatio: number | null
  /** Ratio of each round, of runs that followed each other at once. */
  readonly ratioOfRounds: Spread | null
  /** (max − min) ÷ median of the model's rounds, and of native's. */
  readonly spread: number
  readonly nativeSpread: number | null
  /** Pairs a second of all threads together, median of the rounds. */
  readonly pairsPerSecond: number
  readonly nativePairsPerSecond: number | null
  /** Mallocs and frees a second of all threads together. */
  readonly opsPerSecond: number
  /** Share of the lab threads' time spent waiting for locks, median of the rounds, 0..1. */
  readonly lockWaitShare: number
  /** Of the ops that the model times, in ns; median of the rounds; null where none were. */
  readonly latencyNs: { readonly malloc: LatencySummary; readonly free: LatencySummary } | null
  /** Frees by another lab thread than the one that allocated ÷ all frees. */
  readonly remoteShare: number
  /** mimalloc as WebAssembly, called from JavaScript: a constant, see references.ts. */
  readonly wasmMimalloc: WasmReference | null
  /** Pairs measured, all rounds together. */
  readonly pairs: number
  readonly nativePairs: number | null
  /** Tunables that the workload sets: `arena_max=1,tcache_count=0`; empty where it sets none. */
  readonly setByWorkload: string
  readonly rounds: number
}

/** What the measuring loops cost without an allocator, in ns per pair; part of every figure. */
export interface LoopFloor {
  readonly workload: string
  readonly model: number
  readonly native: number | null
}

export interface BenchReport {
  readonly results: readonly BenchResult[]
  readonly floors: readonly LoopFloor[]
  /** Whole scenarios; empty where none was asked for. */
  readonly scenarios: readonly ScenarioBenchResult[]
  readonly host: {
    readonly cpus: number
    readonly cpuModel: string
    readonly node: string
  }
  /** What a reader must know: a design without native counterpart, an interrupted run. */
  readonly notes: readonly string[]
}
