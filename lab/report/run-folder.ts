/**
 * The folder of one invocation, `.arena-lab/runs/<utc>-<scenario>-<design>-<id>/`:
 *
 *   run.json         what was asked for: options, seed, versions, host; there from the start
 *   samples.ndjson   one line per sample, safepoint or rare event, written as the run goes;
 *                    each names its `variant` by its place in run.json
 *   waits.ndjson     each wait for a lock, where the run was asked to keep them (--trace-waits)
 *   pmap.json        the mappings of each variant at its end
 *   summary.json     what came of it; its absence says that the run did not end properly
 *   report.html      one offline page
 */
import { randomBytes } from 'node:crypto'
import { accessSync, constants, rmSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { MappingRow } from '../memory/address-space.ts'
import type { RunSummary, SampleLine } from '../metrics/types.ts'
import type { WaitLine } from '../metrics/wait-reader.ts'
import { BadInput, quoted } from '../words/bad-input.ts'
import { makeFolder } from '../words/cache-directory.ts'
import { SampleWriter } from './sample-writer.ts'
import { diskProblem, writeWholeFile } from './whole-file.ts'

/** Below the folder that `--dir` names, or the current one. */
export const RUNS = join('.arena-lab', 'runs')
export const SAMPLES_FILE = 'samples.ndjson'
export const SUMMARY_FILE = 'summary.json'
export const RUN_FILE = 'run.json'
export const PMAP_FILE = 'pmap.json'
export const WAITS_FILE = 'waits.ndjson'
const REPORT_FILE = 'report.html'

/** pmap.json: per variant. */
export interface PmapFile {
  readonly variants: readonly {
    readonly variant: string
    readonly mappings: readonly MappingRow[]
  }[]
}

export class RunFolder {
  readonly path: string
  readonly #samples: SampleWriter
  /** Undefined for a run that keeps none. */
  #waits: SampleWriter | undefined
  /** What could not be written, one line each. */
  readonly problems: string[] = []

  private constructor(path: string) {
    this.path = path
    this.#samples = new SampleWriter(join(path, SAMPLES_FILE))
  }

  /**
   * Makes the folder and proves that it can be written to. Throws `BadInput` otherwise, before
   * anything has started.
   */
  static create(directory: string, scenario: string, variants: readonly string[]): RunFolder {
    const runs = join(directory, RUNS)
    const path = join(runs, folderName(scenario, variants, new Date()))
    try {
      makeFolder(path)
      accessSync(path, constants.W_OK | constants.X_OK)
      return new RunFolder(path)
    } catch (error) {
      throw new BadInput(
        `cannot write results below ${quoted(directory)}: ${diskProblem(error)}; ` +
          '--dir names another folder',
        { cause: error },
      )
    }
  }

  /** The path as the summary names it: relative to where the command runs. */
  get shownPath(): string {
    return relative(process.cwd(), this.path) || '.'
  }

  /** Nothing has started yet: takes the folder away again. */
  async discard(): Promise<void> {
    await this.#samples.close()
    await this.#waits?.close()
    rmSync(this.path, { recursive: true, force: true })
  }

  writeRun(run: object): void {
    this.#writeJson(RUN_FILE, run)
  }

  writeLine(variant: number, line: SampleLine): void {
    this.#samples.write(variant, line)
  }

  /** Waits are asked for: the file is there even when nobody waits. */
  keepWaits(): void {
    this.#waits = new SampleWriter(join(this.path, WAITS_FILE))
  }

  /** Dropped unless they were asked for. */
  writeWaits(variant: number, line: WaitLine): void {
    this.#waits?.write(variant, line)
  }

  /** Waits until every line is on its way to the disk. Before the report is made from them. */
  async endSamples(): Promise<void> {
    await this.#endFile(SAMPLES_FILE, this.#samples)
    if (this.#waits !== undefined) await this.#endFile(WAITS_FILE, this.#waits)
  }

  async #endFile(file: string, writer: SampleWriter): Promise<void> {
    await writer.close()
    const { problem, dropped } = writer
    if (problem !== undefined) {
      this.problems.push(
        `${file} is cut, ${dropped} lines are missing: ${problem} (kept as ${file}.partial)`,
      )
    } else if (dropped > 0) {
      this.problems.push(`${dropped} lines of ${file} were left out: the disk was too slow`)
    }
  }

  writePmap(pmap: PmapFile): void {
    this.#writeJson(PMAP_FILE, pmap)
  }
  writeReport(html: string): void {
    this.#writeText(REPORT_FILE, html)
  }
  /** Last of all: its presence says that the folder is complete. */
  writeSummary(summary: RunSummary): void {
    this.#writeJson(SUMMARY_FILE, summary)
  }

  #writeJson(file: string, value: object): void {
    this.#writeText(file, `${JSON.stringify(value, null, 2)}\n`)
  }

  #writeText(file: string, text: string): void {
    try {
      writeWholeFile(join(this.path, file), text)
    } catch (error) {
      this.problems.push(`${file} could not be written: ${diskProblem(error)}`)
    }
  }
}

const NAME_PART_MAX = 40

/** `20260101T101112Z-seedservice-glibc-and-1-more-3f9a1c`. */
export function folderName(scenario: string, variants: readonly string[], date: Date): string {
  const utc = date.toISOString().replace(/[-:]|\.\d+/g, '')
  const more = variants.length > 1 ? `-and-${variants.length - 1}-more` : ''
  const design = `${namePart(variants[0] ?? 'none')}${more}`
  return `${utc}-${namePart(scenario)}-${design}-${randomBytes(3).toString('hex')}`
}

/** What is safe in a file name everywhere; of a path, its last part. */
function namePart(text: string): string {
  const last = text.split(/[\\/]/).at(-1) ?? ''
  const safe = last.replace(/[^A-Za-z0-9_=.,]+/g, '.').replace(/^\.+|\.+$/g, '')
  return safe.slice(0, NAME_PART_MAX) || 'unnamed'
}

/** May a file be written here, as far as can be told without writing it? Throws `BadInput`. */
export function checkOutputPath(path: string): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false })
    if (there?.isDirectory()) throw new Error('it is a folder')
    if (there !== undefined) accessSync(path, constants.W_OK)
    // Whole files are made beside their place, so the folder must be writable in any case.
    accessSync(dirname(resolve(path)), constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new BadInput(`cannot write ${quoted(path)}: ${diskProblem(error)}`, { cause: error })
  }
}
