/** The run on show: its description and what is known of each variant. */

import type { RunSummary, SampleLine } from '../../../../lab/metrics/types.ts'
import type { RunDescription } from '../../../protocol.ts'
import { VariantStore } from './variant.ts'

/** What the HTML report embeds as `<script type="application/json" id="arena-lab-run">`. */
export interface EmbeddedRun {
  readonly summary: RunSummary
  /** By variant. */
  readonly lines: readonly (readonly SampleLine[])[]
}

export class RunStore {
  readonly description: RunDescription
  readonly variants: readonly VariantStore[]

  constructor(description: RunDescription) {
    this.description = description
    this.variants = description.variants.map((variant) => new VariantStore(variant))
  }

  /** A finished run, as a report embeds it. */
  static fromEmbedded({ summary, lines }: EmbeddedRun): RunStore {
    const { scenario, machine, cores, seed, params, limits } = summary
    const variants = summary.variants.map(({ variant }) => ({
      label: variant,
      design: variant.split(':')[0]!,
    }))
    const run = new RunStore({ scenario, machine, cores, seed, params, limits, variants })
    for (const [place, variant] of run.variants.entries()) {
      for (const line of lines[place] ?? []) variant.apply(line)
      const ended = summary.variants[place]
      if (ended !== undefined) variant.end = ended
    }
    return run
  }

  /** Bytes of memory.max, or null. */
  get memoryLimit(): number | null {
    return this.description.limits['memoryLimit'] ?? null
  }
}
