/** The contention report as a picture: pairs a second by threads, one line per series. */
import type { ContentionPoint, ContentionSeries } from './contention.ts'

const WIDTH = 760
const HEIGHT = 440
const LEFT = 76
const RIGHT = 250
const TOP = 56
const BOTTOM = 56
const PLOT_WIDTH = WIDTH - LEFT - RIGHT
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM
/** Colours that people who see no red or no green tell apart (Okabe and Ito's). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000']
const MARK = 4
const LEGEND_STEP = 20
/** Smallest and largest rates get some room: the axis shows whole decades of pairs a second. */
const DECADE = 10

interface Line {
  readonly label: string
  readonly colour: string
  readonly dashed: boolean
  readonly points: readonly { readonly threads: number; readonly rate: number }[]
}

/** An SVG document; undefined where there is nothing to draw. */
export function contentionPlot(series: readonly ContentionSeries[]): string | undefined {
  const lines = series.flatMap(linesOf)
  const rates = lines.flatMap(({ points }) => points.map(({ rate }) => rate))
  const threads = [...new Set(lines.flatMap(({ points }) => points.map((p) => p.threads)))]
  if (rates.length === 0) return undefined
  threads.sort((a, b) => a - b)
  const axes = new Axes(threads, rates)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
      `width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFT, 24, 'Contention versus thread cache', 'font-size="16" font-weight="600"'),
    text(LEFT, 42, 'pairs of malloc and free a second, all threads together', 'fill="#444444"'),
    ...axes.draw(),
    ...lines.flatMap((line, place) => [...drawLine(line, axes), ...legend(line, place)]),
    '</svg>',
  ]
  return `${parts.join('\n')}\n`
}

/** The model's line, and native's beside it in the same colour. */
function linesOf({ workload, variant, spin, points }: ContentionSeries, place: number): Line[] {
  const colour = COLOURS[place % COLOURS.length]!
  const name = `${workload} ${variant}${spin > 0 ? `, ${spin} spins` : ''}`
  const rateOf = (point: ContentionPoint, rate: number) => ({ threads: point.threads, rate })
  const model = points.map((point) => rateOf(point, point.pairsPerSecond))
  const native = points.flatMap((point) =>
    point.nativePairsPerSecond === null ? [] : [rateOf(point, point.nativePairsPerSecond)],
  )
  const lines: Line[] = [{ label: name, colour, dashed: false, points: model }]
  if (native.length > 0 && spin === 0) {
    lines.push({ label: `${name}, native`, colour, dashed: true, points: native })
  }
  return lines
}

/** Threads by place, rates on a logarithmic axis. */
class Axes {
  readonly #threads: readonly number[]
  readonly #low: number
  readonly #high: number

  constructor(threads: readonly number[], rates: readonly number[]) {
    this.#threads = threads
    this.#low = Math.floor(Math.log10(Math.max(1, Math.min(...rates))))
    this.#high = Math.max(this.#low + 1, Math.ceil(Math.log10(Math.max(...rates))))
  }

  x(threads: number): number {
    const steps = Math.max(1, this.#threads.length - 1)
    return LEFT + (PLOT_WIDTH * this.#threads.indexOf(threads)) / steps
  }

  y(rate: number): number {
    const place = (Math.log10(Math.max(1, rate)) - this.#low) / (this.#high - this.#low)
    return TOP + PLOT_HEIGHT * (1 - place)
  }

  draw(): string[] {
    const parts: string[] = []
    for (let power = this.#low; power <= this.#high; power++) {
      const y = this.y(DECADE ** power)
      parts.push(
        `<line x1="${LEFT}" y1="${y}" x2="${LEFT + PLOT_WIDTH}" y2="${y}" stroke="#dddddd"/>`,
        text(LEFT - 8, y + 4, rateLabel(DECADE ** power), 'text-anchor="end"'),
      )
    }
    for (const threads of this.#threads) {
      const x = this.x(threads)
      parts.push(text(x, TOP + PLOT_HEIGHT + 20, String(threads), 'text-anchor="middle"'))
    }
    const middle = LEFT + PLOT_WIDTH / 2
    parts.push(text(middle, TOP + PLOT_HEIGHT + 42, 'threads', 'text-anchor="middle"'))
    return parts
  }
}

function drawLine({ points, colour, dashed }: Line, axes: Axes): string[] {
  const places = points.map(({ threads, rate }) => [axes.x(threads), axes.y(rate)].map(round))
  const inside = dashed ? '#ffffff' : colour
  const marks = places.map(
    ([x, y]) => `<circle cx="${x}" cy="${y}" r="${MARK}" fill="${inside}" stroke="${colour}"/>`,
  )
  return [`<polyline points="${places.join(' ')}" fill="none" ${pen(colour, dashed)}/>`, ...marks]
}

function legend({ label, colour, dashed }: Line, place: number): string[] {
  const x = LEFT + PLOT_WIDTH + 20
  const y = TOP + 8 + LEGEND_STEP * place
  return [
    `<line x1="${x}" y1="${y}" x2="${x + 24}" y2="${y}" ${pen(colour, dashed)}/>`,
    text(x + 30, y + 4, label, 'font-size="11"'),
  ]
}

const pen = (colour: string, dashed: boolean): string =>
  `stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="6 4"' : ''}`

function rateLabel(rate: number): string {
  if (rate >= 1e9) return `${rate / 1e9} G/s`
  if (rate >= 1e6) return `${rate / 1e6} M/s`
  return rate >= 1000 ? `${rate / 1000} k/s` : `${rate}/s`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const escaped = (content: string): string => content.replace(/[&<>]/g, (found) => ESCAPES[found]!)
const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(content)}</text>`
const round = (value: number): number => Math.round(10 * value) / 10
