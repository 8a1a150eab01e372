/** A line chart as SVG text: no script, no style sheet, readable in any browser and in print. */

export interface ChartSeries {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Drawn dashed and hollow: somebody else's measurement. */
  readonly isPublished: boolean
}

export interface ChartOptions {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
}

const WIDTH = 760
const HEIGHT = 400
const LEFT = 74
const RIGHT = 190
const TOP = 34
const BOTTOM = 52
const TICKS = 5
/** Told apart by people who see few colours (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000']

/** x grows by powers of two, y from 0. */
export function lineChart(series: readonly ChartSeries[], options: ChartOptions): string {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort(byNumber)
  const yMost = niceCeiling(
    Math.max(1e-9, ...series.flatMap((one) => one.points.map(([, y]) => y))),
  )
  const x = xScale(xs)
  const y = (value: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / yMost)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" ` +
      `aria-label="${escapeXml(options.title)}" font-family="sans-serif" font-size="12">`,
    text(LEFT, 18, options.title, 'font-weight="bold" font-size="14"'),
    ...yAxis(yMost, y, options.yLabel),
    ...xAxis(xs, x, options.xLabel),
    ...series.flatMap((one, place) => curve(one, place, x, y)),
    '</svg>',
  ]
  return parts.join('\n')
}

/** Equal steps for equal factors; a single value stands in the middle. */
function xScale(xs: readonly number[]): (value: number) => number {
  const low = Math.log2(Math.max(xs[0] ?? 1, 1e-9))
  const high = Math.log2(Math.max(xs.at(-1) ?? 1, 1e-9))
  const width = WIDTH - LEFT - RIGHT
  return (value) =>
    high > low ? LEFT + (width * (Math.log2(value) - low)) / (high - low) : LEFT + width / 2
}

function yAxis(most: number, y: (value: number) => number, label: string): string[] {
  const parts: string[] = []
  for (let tick = 0; tick <= TICKS; tick++) {
    const value = (most * tick) / TICKS
    const at = y(value).toFixed(1)
    parts.push(`<line x1="${LEFT}" y1="${at}" x2="${WIDTH - RIGHT}" y2="${at}" stroke="#ddd"/>`)
    parts.push(text(LEFT - 8, Number(at) + 4, shortNumber(value), 'text-anchor="end"'))
  }
  const middle = (TOP + HEIGHT - BOTTOM) / 2
  parts.push(text(16, middle, label, `text-anchor="middle" transform="rotate(-90 16 ${middle})"`))
  return parts
}

function xAxis(xs: readonly number[], x: (value: number) => number, label: string): string[] {
  const bottom = HEIGHT - BOTTOM
  const ticks = xs.map((value) =>
    text(Number(x(value).toFixed(1)), bottom + 18, `${value}`, 'text-anchor="middle"'),
  )
  const right = WIDTH - RIGHT
  const line = `<line x1="${LEFT}" y1="${bottom}" x2="${right}" y2="${bottom}" stroke="#333"/>`
  const middle = (LEFT + WIDTH - RIGHT) / 2
  return [line, ...ticks, text(middle, bottom + 40, label, 'text-anchor="middle"')]
}

function curve(
  series: ChartSeries,
  place: number,
  x: (value: number) => number,
  y: (value: number) => number,
): string[] {
  const colour = COLOURS[place % COLOURS.length]!
  const at = series.points.map(([px, py]) => [x(px).toFixed(1), y(py).toFixed(1)] as const)
  const dash = series.isPublished ? ' stroke-dasharray="5 4"' : ''
  const fill = series.isPublished ? '#fff' : colour
  const key = TOP + 10 + place * 20
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="2"${dash} ` +
      `points="${at.map((pair) => pair.join()).join(' ')}"/>`,
    ...at.map(
      ([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${fill}" stroke="${colour}"/>`,
    ),
    `<line x1="${WIDTH - RIGHT + 14}" y1="${key}" x2="${WIDTH - RIGHT + 40}" y2="${key}" ` +
      `stroke="${colour}" stroke-width="2"${dash}/>`,
    text(WIDTH - RIGHT + 46, key + 4, series.name, ''),
  ]
}

const text = (x: number, y: number, content: string, attributes: string): string =>
  `<text x="${x}" y="${y}" ${attributes}>${escapeXml(content)}</text>`

/** 1, 2 or 5 times a power of ten. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= value) ?? 10
  return step * power
}

const shortNumber = (value: number): string =>
  value >= 100 ? value.toFixed(0) : `${Number(value.toPrecision(3))}`
const byNumber = (a: number, b: number): number => a - b

export const escapeXml = (content: string): string =>
  content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
