/** What the hammering workers of the memory tests are given. Plain data and shared buffers. */
import type { ControlPlan } from '../../lab/words/control.ts'
import type { WordIndex } from '../../lab/words/units.ts'

export type HammerTask = 'touch together' | 'map apart' | 'unmap under others'

export interface HammerData {
  readonly task: HammerTask
  readonly seat: number
  /** How many workers take part. */
  readonly crew: number
  readonly rounds: number
  /** The range that all workers share. */
  readonly shared: WordIndex
  readonly sharedPages: number
  readonly heap: SharedArrayBuffer
  readonly control: SharedArrayBuffer
  readonly plan: ControlPlan
  /** True: faults look and store without compare-and-exchange. */
  readonly faulty: boolean
  /** Arrived, generation: where the workers meet. The third word is never written. */
  readonly gate: Int32Array<SharedArrayBuffer>
}
