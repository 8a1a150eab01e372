/** Reads the counter rows: one per seat, each written by its lab thread alone, summed here. */
import type { Control } from '../words/control.ts'
import { COUNTER_ROW, Counter } from '../words/events.ts'

/** Sums of all seats' rows, refreshed on demand. Any thread; exact only at a safepoint. */
export class CounterSums {
  readonly #rows: Float64Array
  readonly #sums = new Float64Array(COUNTER_ROW)

  constructor(control: Control) {
    this.#rows = control.counters
  }

  /** Adds all rows up anew. */
  refresh(): this {
    const sums = this.#sums
    const rows = this.#rows
    sums.fill(0)
    for (let row = 0; row < rows.length; row += COUNTER_ROW) {
      for (let figure = 0; figure < COUNTER_ROW; figure++) sums[figure]! += rows[row + figure]!
    }
    return this
  }

  /** A `Counter` or `Event` figure, as of the last refresh. */
  of(figure: number): number {
    return this.#sums[figure]!
  }

  /** System calls of the modelled kernel, all kinds. */
  get systemCalls(): number {
    let calls = 0
    for (let figure = Counter.SYS_BRK; figure <= Counter.SYS_MADVISE; figure++) {
      calls += this.#sums[figure]!
    }
    return calls
  }
}

/** One seat's figure. */
export const counterOf = (control: Control, seat: number, figure: number): number =>
  control.counters[seat * COUNTER_ROW + figure]!
