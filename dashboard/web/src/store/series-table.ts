/**
 * Figures over time, column by column, in bounded memory. Rows come in the order of time. When the
 * table is full every second row goes and from then on only every second one is kept; the newest
 * row is always there, as a tail that the next one overwrites.
 */
export class SeriesTable {
  readonly #capacity: number
  readonly #columns: Float64Array[] = []
  #times: Float64Array
  /** Rows kept for good. */
  #kept = 0
  /** One row in `#stride` is kept. */
  #stride = 1
  #offered = 0
  #hasTail = false

  constructor(columns: number, capacity = 1500) {
    this.#capacity = capacity
    this.#times = new Float64Array(capacity)
    this.widen(columns)
  }

  /** Rows there are, the tail included. */
  get length(): number {
    return this.#kept + (this.#hasTail ? 1 : 0)
  }
  get width(): number {
    return this.#columns.length
  }

  /** Makes room for `columns` columns; a new column is 0 in all earlier rows. */
  widen(columns: number): void {
    while (this.#columns.length < columns) this.#columns.push(new Float64Array(this.#capacity))
  }

  /** Adds a row at time `t` (ns) and returns its place; write its figures with `set`. */
  addRow(t: number): number {
    // A time seen before is the same sample again (the last one of a run is sent twice).
    if (this.length > 0 && this.#times[this.length - 1]! >= t) return this.length - 1
    if (this.#kept === this.#capacity - 1) this.#thin()
    const keep = this.#offered++ % this.#stride === 0
    const row = this.#kept
    this.#times[row] = t
    this.#hasTail = !keep
    if (keep) this.#kept++
    return row
  }

  /** Forgets all rows later than `t`. */
  cutAfter(t: number): void {
    const length = this.rowAt(t) + 1
    if (length > this.#kept) return
    this.#kept = length
    this.#hasTail = false
  }

  set(row: number, column: number, value: number): void {
    this.#columns[column]![row] = value
  }
  /** 0 outside the table. */
  at(row: number, column: number): number {
    return this.#columns[column]?.[row] ?? 0
  }
  /** Nanoseconds; 0 outside the table. */
  time(row: number): number {
    return this.#times[row] ?? 0
  }

  /** The last row at or before `t`, -1 when there is none. */
  rowAt(t: number): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#times[middle]! <= t) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #thin(): void {
    const half = Math.ceil(this.#kept / 2)
    for (const column of [this.#times, ...this.#columns]) {
      for (let row = 0; row < half; row++) column[row] = column[2 * row]!
    }
    this.#kept = half
    this.#stride *= 2
  }
}
