/** A benchmark's report for the terminal, as Markdown and as JSON. */
import type { Style } from '../style.ts'
import { contentionSeries, durationText, spinSentences } from './contention.ts'
import type { ScenarioBenchResult } from './scenario-types.ts'
import type { BenchReport, BenchResult, Spread } from './types.ts'

/** Columns of text stand left, figures right. */
interface Table {
  readonly title: string
  readonly headings: readonly string[]
  readonly textColumns: number
  readonly rows: readonly (readonly string[])[]
}

const GAP = '  '
const NONE = '–'

export function benchText(report: BenchReport, style: Style): string {
  const parts = tablesOf(report).map((table) => alignedTable(table, style))
  const notes = notesOf(report).map((note) => style.dim(note))
  return `${[...parts, notes.join('\n')].join('\n\n')}\n`
}

export function benchMarkdown(report: BenchReport): string {
  const parts = tablesOf(report).map(markdownTable)
  return `${[...parts, ...notesOf(report)].join('\n\n')}\n`
}

export const benchJson = (report: BenchReport): string =>
  `${JSON.stringify(report, undefined, 2)}\n`

function tablesOf(report: BenchReport): Table[] {
  const tables: Table[] = []
  if (report.results.length > 0) tables.push(pairsTable(report.results))
  const contention = contentionTable(report.results)
  if (contention.rows.length > 0) tables.push(contention)
  if (report.scenarios.length > 0) {
    tables.push(scenarioTable(report.scenarios), memoryTable(report.scenarios))
  }
  return tables
}

function alignedTable({ title, headings, textColumns, rows }: Table, style: Style): string {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  const lines = all.map((row, place) => {
    const cells = row.map((cell, column) =>
      column < textColumns ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    )
    const line = cells.join(GAP).trimEnd()
    return place === 0 ? style.dim(line) : line
  })
  return [style.bold(title), ...lines].join('\n')
}

function markdownTable({ title, headings, textColumns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = headings.map((_, column) => (column < textColumns ? '---' : '--:'))
  return [`**${title}**`, '', line(headings), line(rule), ...rows.map(line)].join('\n')
}

// ── ns per pair ──────────────────────────────────────────────────────────────────────────────────

function pairsTable(results: readonly BenchResult[]): Table {
  return {
    title: 'Nanoseconds a pair of malloc and free, of one thread: median of the rounds',
    headings: [
      'workload',
      'variant',
      'threads',
      'model',
      'min … max',
      'native',
      'min … max',
      'ratio',
      'lap',
      'native',
      'ratio',
      'M pairs/s',
      'native',
      'wasm',
    ],
    textColumns: 2,
    rows: results.map(pairsRow),
  }
}

function pairsRow(result: BenchResult): string[] {
  const { nsPerPair, native, ratio, nativePairsPerSecond, wasmMimalloc } = result
  const { lapNsPerPair, nativeLapNsPerPair, lapRatio } = result
  return [
    result.workload,
    variantOf(result),
    String(result.threads),
    nanoseconds(nsPerPair.median),
    range(nsPerPair),
    native === null ? NONE : nanoseconds(native.median),
    native === null ? NONE : range(native),
    twoDigits(ratio),
    nanoseconds(lapNsPerPair.median),
    nativeLapNsPerPair === null ? NONE : nanoseconds(nativeLapNsPerPair.median),
    twoDigits(lapRatio),
    millions(result.pairsPerSecond),
    nativePairsPerSecond === null ? NONE : millions(nativePairsPerSecond),
    wasmMimalloc === null ? NONE : nanoseconds(wasmMimalloc.scaled ?? wasmMimalloc.nsPerPair),
  ]
}

const variantOf = ({ variant, spin }: { variant: string; spin: number }): string =>
  spin > 0 ? `${variant}, ${spin} spins` : variant

// ── contention versus thread cache ───────────────────────────────────────────────────────────────

function contentionTable(results: readonly BenchResult[]): Table {
  const rows = contentionSeries(results).flatMap((series) =>
    series.points.map((point) => [
      series.workload,
      variantOf(series),
      String(point.threads),
      millions(point.pairsPerSecond),
      twoDigits(point.scaling),
      point.nativePairsPerSecond === null ? NONE : millions(point.nativePairsPerSecond),
      twoDigits(point.nativeScaling),
      percent(point.lockWaitShare),
      durationText(point.p99),
      durationText(point.p999),
    ]),
  )
  return {
    title: 'Contention versus thread cache: all threads together',
    headings: [
      'workload',
      'variant',
      'threads',
      'M pairs/s',
      '÷ 1 thread',
      'native',
      '÷ 1 thread',
      'lock wait',
      'p99',
      'p99.9',
    ],
    textColumns: 2,
    rows,
  }
}

// ── whole scenarios ──────────────────────────────────────────────────────────────────────────────

function scenarioTable(scenarios: readonly ScenarioBenchResult[]): Table {
  return {
    title: 'Seconds from the start barrier to the end, without recording: median of the rounds',
    headings: [
      'scenario',
      'variant',
      'threads',
      'M ops',
      'model',
      'min … max',
      'native',
      'min … max',
      'ratio',
      'recording',
    ],
    textColumns: 2,
    rows: scenarios.map((row) => [
      row.scenario,
      row.variant,
      String(row.threads),
      millions(row.ops),
      twoDigits(row.seconds.median),
      secondsRange(row.seconds),
      twoDigits(row.native?.median ?? null),
      row.native === null ? NONE : secondsRange(row.native),
      twoDigits(row.ratio),
      percent(row.recordingShare),
    ]),
  }
}

function memoryTable(scenarios: readonly ScenarioBenchResult[]): Table {
  return {
    title: 'Memory of the process: the lab’s own is all but the pages the model ever wrote',
    headings: ['scenario', 'variant', 'own, most', 'at the end', 'allowed', 'modelled pages'],
    textColumns: 2,
    rows: scenarios.map(({ scenario, variant, memory }) => [
      scenario,
      variant,
      megabytes(memory.overhead.max),
      megabytes(memory.overhead.end),
      `${megabytes(memory.allowed)} (${memory.workers} workers)`,
      megabytes(memory.heap.max),
    ]),
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`
const secondsRange = ({ min, max }: Spread): string => `${min.toFixed(2)} … ${max.toFixed(2)}`

// ── what a reader must know ──────────────────────────────────────────────────────────────────────

function notesOf({ results, floors, notes, host }: BenchReport): string[] {
  const lines = [`${host.cpus} × ${host.cpuModel}, Node ${host.node}`]
  if (results.length > 0) {
    lines.push(
      'lap: median lap of about 2000 pairs, which leaves out laps in which other programs ran; ' +
        'on a quiet machine the medians of the means count.',
    )
  }
  const loops = floors.map(({ workload, model, native }) => {
    const beside = native === null ? '' : ` (native ${nanoseconds(native)})`
    return `${workload} ${nanoseconds(model)}${beside}`
  })
  if (loops.length > 0) {
    const about = 'the model’s as JavaScript, which built-in designs are not carried out as'
    lines.push(`The loops alone, without an allocator (${about}): ${loops.join(', ')}.`)
  }
  if (results.some(({ wasmMimalloc }) => wasmMimalloc !== null)) {
    lines.push(
      'wasm: mimalloc as WebAssembly called from JavaScript, a constant of issue 5, × native ' +
        'now ÷ native then where both are known.',
    )
  }
  const forced = [...new Set(results.map(({ setByWorkload }) => setByWorkload))].filter(
    (text) => text !== '',
  )
  for (const text of forced) lines.push(`contend sets ${text}, in the model as in native.`)
  const spins = spinSentences(contentionSeries(results)).map((sentence) => `${sentence}.`)
  return [...lines, ...spins, ...notes]
}

const nanoseconds = (ns: number): string => ns.toFixed(ns < 100 ? 1 : 0)
const range = ({ min, max }: Spread): string => `${nanoseconds(min)} … ${nanoseconds(max)}`
const twoDigits = (value: number | null): string => (value === null ? NONE : value.toFixed(2))
const millions = (value: number): string => (value / 1e6).toFixed(value < 1e7 ? 2 : 1)
