/**
 * Where a moment of a variant lies on the axis that all variants share. Variants run one after the
 * other at different speeds, so two alignments are offered: by run time in seconds, or by phase,
 * where every phase is as wide as any other and a moment keeps its share of its phase.
 */
import type { VariantStore } from './variant.ts'

export type Alignment = 'time' | 'phase'

export interface Timeline {
  /** Axis position of `t` nanoseconds: seconds, or phases passed. */
  x(t: number): number
  /** Nanoseconds at an axis position. */
  t(x: number): number
}

const BY_TIME: Timeline = { x: (t) => t / 1e9, t: (x) => x * 1e9 }

export function timelineOf(variant: VariantStore, alignment: Alignment): Timeline {
  if (alignment === 'time') return BY_TIME
  const phaseTimes = variant.marks.filter((mark) => mark.reason === 'phase').map((mark) => mark.t)
  const bounds = [0, ...phaseTimes]
  const last = bounds.length - 1
  // How long the phase under way will be is not known: as the one before, or as long as it is.
  const before = last > 0 ? bounds[last]! - bounds[last - 1]! : variant.tEnd
  bounds.push(bounds[last]! + Math.max(before, variant.tEnd - bounds[last]!, 1))
  return {
    x: (t) => {
      let phase = 0
      while (phase < last && bounds[phase + 1]! <= t) phase++
      const length = Math.max(bounds[phase + 1]! - bounds[phase]!, 1)
      return phase + Math.min((t - bounds[phase]!) / length, 1)
    },
    t: (x) => {
      const phase = Math.min(Math.max(Math.floor(x), 0), last)
      return bounds[phase]! + (x - phase) * (bounds[phase + 1]! - bounds[phase]!)
    },
  }
}
