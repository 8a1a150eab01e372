/** Medians of a few rounds. */
import type { Spread } from '../../report/bench/types.ts'

/** Of at least one value. */
export function spreadOfValues(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}

export const medianOf = (values: readonly number[]): number => spreadOfValues(values).median
