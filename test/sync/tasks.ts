/** What tests and their workers agree on. */
import type { ControlPlan } from '../../lab/words/control.ts'

/** Given to each worker. */
export interface TaskData {
  /** Name of a task of worker.ts. */
  readonly task: string
  readonly seat: number
  readonly buffer: SharedArrayBuffer
  readonly plan: ControlPlan
  /** Shared by all workers of a test. */
  readonly scratch: Int32Array<SharedArrayBuffer>
  /** What the task makes of it: rounds, tokens, … */
  readonly amount: number
}

/** Places in the scratch words of the lock's tests. */
export const Scratch = {
  /** The futex word. */
  MUTEX: 0,
  /** What it protects. */
  PROTECTED: 16,
  /** 1 once the holder has it. */
  HOLDER_IN: 32,
  /** 1 when the holder may let go. */
  GO: 48,
} as const
