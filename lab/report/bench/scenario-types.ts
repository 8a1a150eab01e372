/** What `arena-lab bench --scenario` measured: a whole scenario, and what the lab itself took. */
import type { Spread } from './types.ts'

export interface ScenarioBenchResult {
  readonly scenario: string
  readonly variant: string
  readonly params: Readonly<Record<string, number | boolean>>
  /** Lab threads alive at once, main included. */
  readonly threads: number
  readonly rounds: number
  readonly ops: number
  /** The same as `ops`, where there is a native side. */
  readonly nativeOps: number | null
  /** From the start barrier to the end, without recording and safepoints. */
  readonly seconds: Spread
  /** The same with recording: what a user waits, but for safepoints. */
  readonly secondsWithRecording: Spread
  /** Share of the lab threads' time that was spent recording, median. */
  readonly recordingShare: number
  readonly native: Spread | null
  /** Median of `seconds` ÷ median of native's. */
  readonly ratio: number | null
  readonly ratioOfRounds: Spread | null
  /**
   * Of the first, discarded round: that of the first variant is the process's first run, as a
   * user's run is; later ones find what the ones before have left behind.
   */
  readonly memory: LabMemory
}

/** The host's memory during one run, in bytes. */
export interface LabMemory {
  /** Resident bytes of this process without the modelled heap's pages: most and last. */
  readonly overhead: { readonly max: number; readonly end: number }
  /** At each phase mark, in order. */
  readonly atPhases: readonly number[]
  /** Resident bytes of the modelled heap: pages that were ever written. */
  readonly heap: { readonly max: number; readonly end: number }
  /** 100 MB and 16 MB for each worker: what issue 5 allows. */
  readonly allowed: number
  readonly workers: number
}
