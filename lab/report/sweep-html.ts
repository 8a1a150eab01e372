/** The report of a sweep: one offline page with curves and tables, published ones beside them. */
import { type ChartSeries, escapeXml, lineChart } from './sweep-chart.ts'
import { OPS_PER_PUBLISHED, publishedCurves, publishedRelative } from './sweep-published.ts'
import { lockWaitPerOp, type SweepPoint, type SweepSummary, throughputOf } from './sweep-types.ts'

const MILLION = 1e6
/** Cores of the table of relative times. */
const RELATIVE_CORES = 72

export function sweepHtml(sweep: SweepSummary): string {
  const axis = sweep.axes[0]?.name ?? ''
  const title = `${sweep.scenario} by ${axis}`
  const charts = [
    lineChart([...throughputSeries(sweep), ...publishedSeries(sweep)], {
      title: `Throughput: ${unitOf(sweep.scenario)}`,
      xLabel: axis,
      yLabel: 'millions a second',
    }),
    lineChart(seriesOf(sweep, lockWaitPerOp), {
      title: 'Lock wait',
      xLabel: axis,
      yLabel: 'ns for each op',
    }),
  ]
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}</style></head><body>`,
    `<h1>${escapeXml(title)}</h1>`,
    `<p>${escapeXml(settingsText(sweep))}</p>`,
    ...charts.map((chart) => `<figure>${chart}</figure>`),
    pointTable(sweep),
    ...relativeTable(sweep),
    `<p class="note">${escapeXml(NOTE)}</p>`,
    '</body></html>\n',
  ].join('\n')
}

const STYLE =
  'body{font:15px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}' +
  'figure{margin:1.5rem 0}table{border-collapse:collapse;margin:1rem 0}' +
  'th,td{border-bottom:1px solid #ccc;padding:.25rem .75rem;text-align:right}' +
  'th:first-child,td:first-child{text-align:left}.note{color:#555}'

const NOTE =
  'Published figures are of other machines: compare orders and shapes. The virtual machine plays ' +
  'the models on simulated cores with costs from a table; it does not model memory bandwidth, ' +
  'cache misses of a core’s own data, or NUMA placement.'

const unitOf = (scenario: string): string =>
  scenario === 'larson' ? 'replacements' : scenario === 'xmalloc' ? 'frees' : 'ops'

function settingsText({ machine, seed, points }: SweepSummary): string {
  const { summary } = points[0] ?? {}
  const same = Object.entries(summary?.params ?? {}).filter(([name, value]) =>
    points.every((point) => point.summary.params[name] === value),
  )
  const params = same.map(([name, value]) => `${name}=${value}`)
  const costs = summary?.variants[0]?.simulation?.costs
  const table = costs === undefined ? [] : [`costs ${costs}`]
  return [`${machine} machine`, ...table, `seed ${seed}`, ...params].join(' · ')
}

function throughputSeries(sweep: SweepSummary): ChartSeries[] {
  const opsPerUnit = OPS_PER_PUBLISHED[sweep.scenario] ?? 1
  return seriesOf(sweep, (variant) => throughputOf(variant) / opsPerUnit / MILLION)
}

function seriesOf(
  sweep: SweepSummary,
  figure: (variant: SweepPoint['summary']['variants'][number]) => number,
): ChartSeries[] {
  const axis = sweep.axes[0]?.name ?? ''
  const names = sweep.points[0]?.summary.variantsAsked ?? []
  return names.map((name, place) => {
    const points: (readonly [number, number])[] = []
    for (const { values, summary } of sweep.points) {
      const variant = summary.variants[place]
      const x = Number(values[axis])
      if (variant !== undefined && x > 0) points.push([x, figure(variant)])
    }
    return { name, points: points.sort(([a], [b]) => a - b), isPublished: false }
  })
}

/** Only beside a sweep over cores: published curves are by cores. */
function publishedSeries(sweep: SweepSummary): ChartSeries[] {
  if (!['cores', 'threads'].includes(sweep.axes[0]?.name ?? '')) return []
  const curves = publishedCurves(sweep.scenario)?.curves ?? []
  return curves.map(({ allocator, points }) => ({
    name: `${allocator}, published`,
    points,
    isPublished: true,
  }))
}

function pointTable(sweep: SweepSummary): string {
  const names = sweep.points[0]?.summary.variantsAsked ?? []
  const head = [
    ...sweep.axes.map(({ name }) => name),
    ...names.flatMap((name) => [`${name}: ops/s`, `${name}: lock wait, ns/op`]),
  ]
  const rows = sweep.points.map(({ values, summary }) => [
    ...sweep.axes.map(({ name }) => values[name] ?? ''),
    ...names.flatMap((_, place) => {
      const variant = summary.variants[place]
      if (variant === undefined) return ['', '']
      const rate = `${(throughputOf(variant) / MILLION).toFixed(2)} M`
      const text = variant.outcome === 'completed' ? rate : `${rate} (${variant.outcome})`
      return [text, lockWaitPerOp(variant).toFixed(1)]
    }),
  ])
  return table(head, rows)
}

/** Relative time at 72 cores, ours beside the published one; the fastest of ours is 1. */
function relativeTable(sweep: SweepSummary): string[] {
  const published = publishedRelative(sweep.scenario)
  const point = sweep.points.find(({ summary }) => summary.cores === RELATIVE_CORES)
  if (published === undefined || point === undefined) return []
  const rows = point.summary.variants.map((variant) => {
    const design = variant.variant.replace(/:.*/, '')
    return { variant, published: published[design] }
  })
  const best = Math.max(...rows.map(({ variant }) => throughputOf(variant)))
  const least = Math.min(...rows.flatMap((row) => row.published ?? []))
  const cells = rows.map((row) => [
    row.variant.variant,
    (best / throughputOf(row.variant)).toFixed(2),
    row.published === undefined ? '–' : (row.published / least).toFixed(2),
  ])
  const head = [
    '',
    `time at ${RELATIVE_CORES} cores, fastest = 1`,
    'published, fastest of these = 1',
  ]
  return ['<h2>Beside the published table</h2>', table(head, cells)]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join('')}</tr>`
  const body = rows.map((cells) => row(cells, 'td')).join('\n')
  return `<table><thead>${row(head, 'th')}</thead><tbody>${body}</tbody></table>`
}
