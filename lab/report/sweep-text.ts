/** A sweep in a terminal: one row per point, and a few figures of each variant. */
import { compact, mib } from './figures.ts'
import type { Style } from './style.ts'
import { lockWaitPerOp, type SweepPoint, type SweepSummary, throughputOf } from './sweep-types.ts'
import { figureTable } from './table.ts'

const FIGURES = [
  { heading: 'ops/s', cell: throughputText },
  { heading: 'lock wait, ns/op', cell: waitText },
  { heading: 'peak RSS', cell: rssText },
  { heading: 'RSS ÷ live at the last phase mark', cell: ratioText },
  { heading: 'arenas', cell: arenasText },
] as const

/** Ends in a line break. `width` in columns. */
export function sweepText(sweep: SweepSummary, width: number, style: Style): string {
  const { scenario, machine, seed, axes, points } = sweep
  const names = axes.map(({ name }) => name).join(', ')
  const title = `${style.bold(scenario)} · ${machine} machine · seed ${seed} · by ${names}`
  const labels = points.map(labelOf)
  const variants = points[0]?.summary.variantsAsked ?? []
  const tables = FIGURES.map(({ heading, cell }) => {
    const columns = variants.map((variant, place) => ({
      heading: variant,
      cells: points.map((point) => cell(point, place)),
    }))
    return `${style.bold(heading)}\n${figureTable(labels, columns, width, style)}`
  })
  const parts = points.length > 0 ? [title, ...tables] : [title, 'nothing was run']
  return `${parts.join('\n\n')}\n`
}

const labelOf = ({ values }: SweepPoint): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')

function throughputText({ summary }: SweepPoint, place: number): string {
  const variant = summary.variants[place]
  if (variant === undefined) return '–'
  const rate = compact(throughputOf(variant))
  const { outcome, outcomePhase } = variant
  if (outcome === 'completed') return rate
  return `${rate} (${outcome}${outcomePhase === null ? '' : ` after ${outcomePhase}`})`
}

function waitText({ summary }: SweepPoint, place: number): string {
  const variant = summary.variants[place]
  return variant === undefined ? '–' : lockWaitPerOp(variant).toFixed(1)
}

function rssText({ summary }: SweepPoint, place: number): string {
  const variant = summary.variants[place]
  return variant === undefined ? '–' : mib(variant.rss.max)
}

function ratioText({ summary }: SweepPoint, place: number): string {
  const mark = summary.variants[place]?.phases.at(-1)
  return mark === undefined || mark.live === 0 ? '–' : (mark.rss / mark.live).toFixed(2)
}

function arenasText({ summary }: SweepPoint, place: number): string {
  const variant = summary.variants[place]
  return variant === undefined ? '–' : `${variant.arenas}`
}
