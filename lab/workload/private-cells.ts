/**
 * Which private cells of a lab thread its script may use. Nothing here holds a block: it is the
 * recorder's book of handles, so that a script cannot use one after its content has left.
 */
import { BadInput } from '../words/bad-input.ts'

/** Not handed out, or given back. */
const UNUSED = 0
/** Handed out on its own: goes back when its content leaves. */
const PASSING = 1
/** Part of a row the script asked for: stays until the role ends. */
const KEPT = 2

export class PrivateCells {
  readonly #most: number
  #state = new Uint8Array(64)
  #free = new Int32Array(64)
  #freeCount = 0
  /** Cells below it have been handed out at least once. */
  #next = 0

  /** `handed` cells, 0 … handed - 1, come from the starter; `most` is the size of a seat's row. */
  constructor(most: number, handed: number) {
    this.#most = most
    if (handed > 0) this.reserve(handed)
  }

  /** Most cells that were ever in use: what a seat needs. */
  get highest(): number {
    return this.#next
  }

  /** A cell of its own, the one given back last first. */
  take(): number {
    const cell = this.#freeCount > 0 ? this.#free[--this.#freeCount]! : this.#grow(1)
    this.#state[cell] = PASSING
    return cell
  }

  /** First of `count` cells in a row. */
  reserve(count: number): number {
    const first = this.#grow(count)
    this.#state.fill(KEPT, first, first + count)
    return first
  }

  isUsable(cell: number): boolean {
    return cell < this.#next && this.#state[cell] !== UNUSED
  }

  isKept(cell: number): boolean {
    return cell < this.#next && this.#state[cell] === KEPT
  }

  /** The content has left: a passing cell goes back, a kept one stays. */
  left(cell: number): void {
    if (this.#state[cell] !== PASSING) return
    this.#state[cell] = UNUSED
    if (this.#freeCount === this.#free.length) {
      const larger = new Int32Array(2 * this.#free.length)
      larger.set(this.#free)
      this.#free = larger
    }
    this.#free[this.#freeCount++] = cell
  }

  #grow(count: number): number {
    const first = this.#next
    if (first + count > this.#most) {
      throw new BadInput(
        `needs more than the ${this.#most} private cells of a lab thread (privateCells)`,
      )
    }
    this.#next = first + count
    if (this.#next > this.#state.length) {
      const larger = new Uint8Array(Math.max(2 * this.#state.length, this.#next))
      larger.set(this.#state)
      this.#state = larger
    }
    return first
  }
}
