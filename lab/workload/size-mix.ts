/** How sizes are distributed: rows of an integer table, so that no logarithm is needed to draw. */

/** A row: `weight` parts of all blocks have a size in [low, high], each size as likely. */
export interface SizeRow {
  readonly weight: number
  readonly low: number
  readonly high: number
}

/** Rows by column, weights summed up: what `Random.pick` reads. */
export interface SizeMix {
  readonly total: number
  readonly upTo: readonly number[]
  readonly low: readonly number[]
  readonly high: readonly number[]
}

/** Weights are whole numbers > 0, sizes whole numbers with 0 ≤ low ≤ high < 2^31. */
export function sizeMix(rows: readonly SizeRow[]): SizeMix {
  let total = 0
  const upTo: number[] = []
  for (const { weight, low, high } of rows) {
    const weighs = Number.isInteger(weight) && weight > 0
    if (!weighs || !Number.isInteger(low) || !Number.isInteger(high) || low < 0 || low > high) {
      throw new RangeError(`size mix row ${JSON.stringify({ weight, low, high })} is no row`)
    }
    upTo.push((total += weight))
  }
  if (total === 0) throw new RangeError('a size mix needs a row')
  return { total, upTo, low: rows.map((row) => row.low), high: rows.map((row) => row.high) }
}

/** Mean size of a mix, in bytes. */
export function meanSize(mix: SizeMix): number {
  let before = 0
  let sum = 0
  mix.upTo.forEach((upTo, row) => {
    sum += ((upTo - before) * (mix.low[row]! + mix.high[row]!)) / 2
    before = upTo
  })
  return sum / mix.total
}
