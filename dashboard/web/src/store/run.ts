/** The run on show: its description and what is known of each variant. */

import type { EmbeddedRun } from '../../../../lab/report/embedded-run.ts'
import type { RunDescription, VariantEnd } from '../../../protocol.ts'
import { VariantStore } from './variant.ts'

export class RunStore {
  readonly description: RunDescription
  readonly variants: readonly VariantStore[]

  constructor(description: RunDescription) {
    this.description = description
    this.variants = description.variants.map((variant) => new VariantStore(variant))
  }

  /** A run of the past, as a report embeds it. Variants that it never reached are left out. */
  static fromEmbedded({ summary, lines, eventsLeft = [] }: EmbeddedRun): RunStore {
    const { scenario, machine, cores, seed, params, limits, variantsAsked } = summary
    const ends: readonly EmbeddedVariant[] =
      'variants' in summary ? summary.variants : variantsAsked.map((variant) => ({ variant }))
    const variants = ends.map(({ variant }) => ({
      label: variant,
      design: variant.split(':')[0]!,
    }))
    const run = new RunStore({ scenario, machine, cores, seed, params, limits, variants })
    let asked = -1
    for (const [place, variant] of run.variants.entries()) {
      // Lines go by the place among those asked for; some of them may not have been run.
      const next = (variantsAsked ?? []).indexOf(ends[place]!.variant, asked + 1)
      asked = next < 0 ? place : next
      for (const line of lines[asked] ?? []) variant.apply(line)
      variant.eventsLeft = eventsLeft[asked] ?? 0
      variant.end = endOf(ends[place]!)
    }
    return run
  }

  /** Bytes of memory.max, or null. */
  get memoryLimit(): number | null {
    return this.description.limits['memoryLimit'] ?? null
  }
}

type EmbeddedVariant = { readonly variant: string } & Partial<VariantEnd>

/** Undefined for a variant of a run that left no summary. */
function endOf({ outcome, outcomePhase = null, message = '', seconds = 0 }: EmbeddedVariant) {
  return outcome === undefined ? undefined : { outcome, outcomePhase, message, seconds }
}
