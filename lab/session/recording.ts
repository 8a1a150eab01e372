/** Everything a run leaves behind: its folder, and the files that `--out` asks for. */
import { copyFileSync, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { MappingRow } from '../memory/address-space.ts'
import type { RunSummary, SampleLine } from '../metrics/types.ts'
import type { WaitLine } from '../metrics/wait-reader.ts'
import { csvOf, summaryJson } from '../report/exports.ts'
import { embedRun, ReportLines, readPage } from '../report/html.ts'
import { checkOutputPath, RunFolder, SAMPLES_FILE, WAITS_FILE } from '../report/run-folder.ts'
import { traceEventsOf } from '../report/trace-events/file.ts'
import { diskProblem, writeWholeFile } from '../report/whole-file.ts'
import { dashboardPage } from './about.ts'
import type { OutputRequest, RunRequest } from './types.ts'

export class Recording {
  readonly #request: RunRequest
  readonly #folder: RunFolder
  readonly #lines = new ReportLines()
  readonly #pmaps: { variant: string; mappings: readonly MappingRow[] }[] = []
  readonly #problems: string[] = []

  /** Throws `BadInput` when something could not be written, before anything has started. */
  constructor(request: RunRequest, scenario: string) {
    for (const { path } of request.outputs) checkOutputPath(path)
    this.#request = request
    this.#folder = RunFolder.create(request.directory, scenario, request.variants)
    if (request.traceWaits === true) this.#folder.keepWaits()
  }

  /** Relative to where the command runs. */
  get shownPath(): string {
    return this.#folder.shownPath
  }

  /** What could not be written, one line each. */
  get problems(): readonly string[] {
    return [...this.#problems, ...this.#folder.problems]
  }

  begin(run: object): void {
    this.#folder.writeRun(run)
  }

  line(variant: number, line: SampleLine): void {
    this.#folder.writeLine(variant, line)
    this.#lines.add(variant, line)
  }

  waits(variant: number, line: WaitLine): void {
    this.#folder.writeWaits(variant, line)
  }

  mappings(variant: string, mappings: readonly MappingRow[]): void {
    this.#pmaps.push({ variant, mappings })
  }

  /** Writes all that is left; the summary comes last, so that its presence says "complete". */
  async end(summary: RunSummary): Promise<void> {
    await this.#folder.endSamples()
    this.#folder.writePmap({ variants: this.#pmaps })
    const html = this.#html(summary)
    if (html !== undefined) this.#folder.writeReport(html)
    for (const output of this.#request.outputs) await this.#write(output, summary, html)
    this.#folder.writeSummary(summary)
  }

  #html(summary: RunSummary): string | undefined {
    const page = readPage(dashboardPage)
    return page === undefined ? undefined : embedRun(page, { summary, ...this.#lines.contents() })
  }

  async #write(
    output: OutputRequest,
    summary: RunSummary,
    html: string | undefined,
  ): Promise<void> {
    const { variants } = this.#request
    const samples = join(this.#folder.path, SAMPLES_FILE)
    const sources = { samples, waits: join(this.#folder.path, WAITS_FILE), variants }
    try {
      if (output.kind === 'json') writeWholeFile(output.path, summaryJson(summary))
      else if (output.kind === 'html') this.#writeHtml(output.path, html)
      else if (output.kind === 'csv') await save(csvOf(samples, variants), output.path)
      else if (output.kind === 'trace') await save(traceEventsOf(sources), output.path)
      else copyFileSync(samples, output.path)
    } catch (error) {
      this.#problems.push(`${output.path} could not be written: ${diskProblem(error)}`)
    }
  }

  #writeHtml(path: string, html: string | undefined): void {
    if (html === undefined) {
      this.#problems.push(`${path} is not written: the page was never built (npm run build)`)
    } else {
      writeWholeFile(path, html)
    }
  }
}

/** Piece by piece: a long run's samples need not fit in memory. */
const save = (chunks: AsyncIterable<string>, path: string): Promise<void> =>
  pipeline(Readable.from(chunks), createWriteStream(path))
