/** A benchmark's report as a table: for the terminal, and as Markdown. */
import type { Style } from '../style.ts'
import type { BenchReport, BenchResult, Spread } from './types.ts'

const HEADINGS = [
  'workload',
  'variant',
  'threads',
  'model ns/pair',
  'min … max',
  'native',
  'min … max',
  'ratio',
  'lap ns',
  'native',
  'ratio',
  'M pairs/s',
  'native',
] as const

const GAP = '  '
/** The first two columns are text. */
const TEXT_COLUMNS = 2

export function benchText(report: BenchReport, style: Style): string {
  const rows = [[...HEADINGS], ...report.results.map(rowOf)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row, place) => {
    const cells = row.map((text, column) => padded(text, widths[column]!, column))
    const line = cells.join(GAP).trimEnd()
    return place === 0 ? style.bold(line) : line
  })
  return `${[...lines, ...notesOf(report).map((note) => style.dim(note))].join('\n')}\n`
}

export function benchMarkdown(report: BenchReport): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = HEADINGS.map((_, column) => (column < TEXT_COLUMNS ? '---' : '--:'))
  const rows = report.results.map((result) => line(rowOf(result)))
  const notes = notesOf(report).map((note) => `\n${note}`)
  return `${[line(HEADINGS), line(rule), ...rows, ...notes].join('\n')}\n`
}

export const benchJson = (report: BenchReport): string =>
  `${JSON.stringify(report, undefined, 2)}\n`

const padded = (text: string, width: number, column: number): string =>
  column < TEXT_COLUMNS ? text.padEnd(width) : text.padStart(width)

function rowOf(result: BenchResult): string[] {
  const { nsPerPair, native, ratio, nativePairsPerSecond } = result
  const { lapNsPerPair, nativeLapNsPerPair, lapRatio } = result
  return [
    result.workload,
    result.variant,
    String(result.threads),
    nanoseconds(nsPerPair.median),
    range(nsPerPair),
    native === null ? '–' : nanoseconds(native.median),
    native === null ? '–' : range(native),
    ratio === null ? '–' : ratio.toFixed(2),
    nanoseconds(lapNsPerPair.median),
    nativeLapNsPerPair === null ? '–' : nanoseconds(nativeLapNsPerPair.median),
    lapRatio === null ? '–' : lapRatio.toFixed(2),
    (result.pairsPerSecond / 1e6).toFixed(1),
    nativePairsPerSecond === null ? '–' : (nativePairsPerSecond / 1e6).toFixed(1),
  ]
}

const nanoseconds = (ns: number): string => ns.toFixed(ns < 100 ? 1 : 0)
const range = ({ min, max }: Spread): string => `${nanoseconds(min)} … ${nanoseconds(max)}`

function notesOf({ notes, host }: BenchReport): string[] {
  return [`${host.cpus} × ${host.cpuModel}, Node ${host.node}`, ...notes]
}
