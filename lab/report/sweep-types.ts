/** A sweep: one scenario run at many points, and what is shown of each. */
import type { RunSummary, VariantSummary } from '../metrics/types.ts'

/** A parameter that takes several values: `-P threads=1,2,4`. */
export interface SweepAxis {
  readonly name: string
  /** As the user wrote them. */
  readonly values: readonly string[]
}

export interface SweepPoint {
  /** By axis. */
  readonly values: Readonly<Record<string, string>>
  readonly summary: RunSummary
}

/** What `--json` prints of a sweep; `points` in the order in which they ran. */
export interface SweepSummary {
  readonly scenario: string
  readonly machine: string
  readonly seed: number
  readonly axes: readonly SweepAxis[]
  readonly points: readonly SweepPoint[]
}

/** The mark after which a scenario's threads all work: rates are taken from there. */
const STEADY_MARK = 'running'

/** Ops a second, from the mark `running` on where the scenario sets one. */
export function throughputOf(variant: VariantSummary): number {
  const mark = variant.phases.find(({ label }) => label === STEADY_MARK)
  const seconds = variant.seconds - (mark?.seconds ?? 0)
  if (mark === undefined || seconds <= 0) return variant.opsPerSecond
  return (variant.ops - mark.ops) / seconds
}

/** ns of lock wait for each op. */
export const lockWaitPerOp = (variant: VariantSummary): number =>
  variant.ops > 0 ? variant.lockWaitNs / variant.ops : 0
