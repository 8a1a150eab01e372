/** The exit code of a run: DESIGN section 8. */
import type { VariantSummary } from '../metrics/types.ts'
import { ExitCode } from './types.ts'

/** What the code is decided from. */
export interface Ended {
  readonly variants: readonly VariantSummary[]
  /** The scenario is there to show an OOM kill. */
  readonly showsOom: boolean
  /** Why the run was stopped from outside. */
  readonly stoppedBy: 'SIGINT' | 'SIGTERM' | 'request' | undefined
  /** Results that could not be written, or a variant that could not start. */
  readonly problems: number
  readonly failedThresholds: number
}

/** The gravest thing that happened decides. */
export function exitCodeOf(ended: Ended): ExitCode {
  const { variants, stoppedBy } = ended
  const any = (outcome: VariantSummary['outcome']): boolean =>
    variants.some((variant) => variant.outcome === outcome)

  if (stoppedBy === 'SIGTERM') return ExitCode.TERMINATED
  if (stoppedBy === 'SIGINT') return ExitCode.INTERRUPTED
  if (any('corrupted') || variants.some(({ violations }) => violations.length > 0)) {
    return ExitCode.CORRUPTED
  }
  if (any('deadlock')) return ExitCode.DEADLOCK
  if (variants.some(({ trustworthy }) => !trustworthy)) return ExitCode.NOT_TRUSTWORTHY
  if (any('crashed') || ended.problems > 0) return ExitCode.INTERNAL
  if (any('oom-killed') && !ended.showsOom) return ExitCode.INTERNAL
  // Somebody stopped it from the dashboard: its figures are partial.
  if (any('interrupted')) return ExitCode.INTERRUPTED
  return ended.failedThresholds > 0 ? ExitCode.THRESHOLD : ExitCode.EXPECTED
}
