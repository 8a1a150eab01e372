/**
 * What one op costs, in order: CPU time, locks taken and let go, cache lines fetched. Written while
 * the op's code runs for its effect, played afterwards by the engine. One per lab thread, reused
 * for every op.
 *
 *     31 .................. 3   2 .. 0
 *   ┌─────────────────────────┬───────┐
 *   │ ns, lock id or line     │ step  │
 *   └─────────────────────────┴───────┘
 */

export const Step = {
  /** The lab thread computes for so many ns. */
  CPU: 0,
  /** It takes the lock of this id, after all who came before it. */
  ACQUIRE: 1,
  RELEASE: 2,
  /** It needs this cache line of the heap for itself. */
  LINE: 3,
  /** It takes the lock of this id together with others who only read: never while one holds it. */
  SHARE: 4,
  UNSHARE: 5,
} as const
const STEP_BITS = 3
const STEP_MASK = 7
const OPERAND_MAX = 2 ** (31 - STEP_BITS) - 1
const STEPS_FIRST = 256

export const stepOf = (entry: number): number => entry & STEP_MASK
export const operandOf = (entry: number): number => entry >>> STEP_BITS

export class Timeline {
  /** Only the first `length` entries mean anything. Replaced when an op needs more. */
  steps = new Int32Array(STEPS_FIRST)
  length = 0
  /** CPU time after the last entry, not written down yet. */
  tailNs = 0
  /** Next entry to be played. */
  at = 0

  /** A new op begins. */
  clear(): void {
    this.length = 0
    this.tailNs = 0
    this.at = 0
  }

  /** `ns` ≥ 0, whole. */
  cpu(ns: number): void {
    this.tailNs += ns
  }

  acquire(lock: number): void {
    this.#put(Step.ACQUIRE, lock)
  }
  release(lock: number): void {
    this.#put(Step.RELEASE, lock)
  }
  share(lock: number): void {
    this.#put(Step.SHARE, lock)
  }
  unshare(lock: number): void {
    this.#put(Step.UNSHARE, lock)
  }
  line(line: number): void {
    this.#put(Step.LINE, line)
  }

  #put(step: number, operand: number): void {
    while (this.tailNs > 0) {
      const ns = Math.min(this.tailNs, OPERAND_MAX)
      this.#append((ns << STEP_BITS) | Step.CPU)
      this.tailNs -= ns
    }
    this.#append((operand << STEP_BITS) | step)
  }

  #append(entry: number): void {
    if (this.length === this.steps.length) {
      const larger = new Int32Array(2 * this.length)
      larger.set(this.steps)
      this.steps = larger
    }
    this.steps[this.length] = entry
    this.length++
  }
}
