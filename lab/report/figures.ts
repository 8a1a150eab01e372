/** Figures as tables and lines show them: with their unit, without digits that do not help. */
import { CLOCK_FLOOR_NS } from '../metrics/percentiles.ts'
import { readableDuration } from '../words/sizes.ts'
import { MIB } from '../words/units.ts'

/** What a figure that does not exist looks like. */
export const NONE = '–'

/** `612 MiB`, `1 067 MiB`, `4.35 MiB`: one unit for all, so that columns compare at a glance. */
export function mib(bytes: number): string {
  const value = bytes / MIB
  const magnitude = Math.abs(value)
  if (bytes === 0) return '0 MiB'
  if (magnitude < 0.01) return bytes > 0 ? '< 0.01 MiB' : `${bytes} B`
  if (magnitude < 9.995) return `${value.toFixed(2)} MiB`
  if (magnitude < 99.95) return `${value.toFixed(1)} MiB`
  return `${grouped(value)} MiB`
}

/** A whole number with its thousands apart: `196 608`. */
export function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** A rate or a large count, to three figures: `1.23 M`, `45.6 k`, `789`. */
export function compact(value: number): string {
  const magnitude = Math.abs(value)
  if (magnitude >= 999.5e6) return `${threeFigures(value / 1e9)} G`
  if (magnitude >= 999.5e3) return `${threeFigures(value / 1e6)} M`
  if (magnitude >= 999.5) return `${threeFigures(value / 1e3)} k`
  return Number.isInteger(value) ? `${value}` : threeFigures(value)
}

/** `3.2`, `1.02`; a dash when there is nothing to divide by. */
export function ratio(part: number, whole: number): string {
  if (whole <= 0) return NONE
  const value = part / whole
  return value >= 100 ? grouped(value) : value.toFixed(value >= 10 ? 1 : 2)
}

/** A share in 0..1 as a percentage: `96 %`, `0.4 %`; a dash when there is nothing to divide by. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return NONE
  const value = (100 * part) / whole
  if (value === 0) return '0 %'
  if (value < 0.1) return '< 0.1 %'
  // 99.8 % of remote frees is not all of them.
  if (value > 99.9 && value < 100) return '> 99.9 %'
  const digits = value < 10 || (value > 99 && value < 100) ? 1 : 0
  return `${value.toFixed(digits)} %`
}

/** A timed latency; what lies under the clock's own cost is only known to do so. */
export function latency(ns: number, timed: number): string {
  if (timed === 0) return NONE
  return ns < CLOCK_FLOOR_NS ? `< ${CLOCK_FLOOR_NS} ns` : readableDuration(ns)
}

/** `1 arena`, `14 arenas`. */
export const counted = (count: number, noun: string): string =>
  `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`

function threeFigures(value: number): string {
  const magnitude = Math.abs(value)
  if (magnitude >= 99.95) return value.toFixed(0)
  return value.toFixed(magnitude >= 9.995 ? 1 : 2)
}
