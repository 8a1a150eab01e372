/** What a page shows of a run: the data inside report.html, and inside the page of a past run. */
import type { RunSummary, SampleLine } from '../metrics/types.ts'

/** What was asked for: all that is known of a run that left no summary. */
export type AskedRun = Pick<
  RunSummary,
  'scenario' | 'machine' | 'cores' | 'seed' | 'params' | 'limits' | 'variantsAsked'
>

/** What the page finds. */
export interface EmbeddedRun {
  /** `variants` is not there when the run did not end properly. */
  readonly summary: RunSummary | AskedRun
  /** By variant asked for, each in the order of its times. */
  readonly lines: readonly (readonly SampleLine[])[]
  /** Rare events of each that are left out, the later ones. */
  readonly eventsLeft?: readonly number[]
}
