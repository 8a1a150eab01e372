/** What `--out` writes beside the run folder: CSV for spreadsheets, NDJSON and JSON for scripts. */
import { SAMPLE_TOTALS } from '../metrics/sample-totals.ts'
import { type RecordedLine, readSeries } from '../metrics/series.ts'
import type { RunSummary } from '../metrics/types.ts'

/** Columns of the CSV: one row per sample. Bytes, nanoseconds and running totals. */
const CSV_FIGURES = ['t', ...SAMPLE_TOTALS] as const

export const csvHeader = (): string => `${['variant', ...CSV_FIGURES, 'arenas', 'phase'].join()}\n`

/** A row, or nothing for a line that is no sample. */
export function csvRow(line: RecordedLine, variants: readonly string[]): string {
  if (line.type !== 'sample') return ''
  const cells = [
    csvText(variants[line.variant] ?? `${line.variant}`),
    ...CSV_FIGURES.map((figure) => `${line[figure]}`),
    `${line.arenas.length}`,
    csvText(line.phase),
  ]
  return `${cells.join()}\n`
}

/** The whole CSV of a samples file, row by row: a long run need not fit in memory. */
export async function* csvOf(path: string, variants: readonly string[]): AsyncGenerator<string> {
  yield csvHeader()
  for await (const line of readSeries(path)) {
    const row = csvRow(line, variants)
    if (row !== '') yield row
  }
}

/** Quoted where RFC 4180 asks for it. */
const csvText = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text

export const summaryJson = (summary: RunSummary): string => `${JSON.stringify(summary, null, 2)}\n`
