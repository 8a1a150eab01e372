/** What the main thread and the simulation's worker share beside the run itself. */
import type { SharedRunInit } from '../shared-run.ts'
import type { SimulationFigures } from '../types.ts'
import type { Stop } from './simulation.ts'

export interface SimulationTask {
  readonly init: SharedRunInit
  readonly buildId: string
  /** `SharedWord` words, then the simulated time as a Float64. */
  readonly shared: SharedArrayBuffer
}

/** Int32 words of `SimulationTask.shared`. */
export const SharedWord = {
  /** Number of the last message that the main thread has dealt with: the worker may go on. */
  GATE: 0,
  /** The worker counts it up now and then: it is alive. */
  BEAT: 1,
} as const
/** Place of the simulated time in the Float64 view. */
export const NOW_AT = 1
export const SHARED_BYTES = 16

/** A message, and its number: 1, 2, 3, … */
export type NumberedMessage = SimulationMessage & { readonly number: number }

export type SimulationMessage =
  /** Views are built: nothing has run yet. */
  | { readonly kind: 'ready' }
  /** As somebody asked by the PAUSE word. */
  | { readonly kind: 'paused' }
  | (Exclude<Stop, { kind: 'turn' }> & { readonly figures: SimulationFigures })
