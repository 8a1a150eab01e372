/**
 * What a benchmark leaves behind, in `.arena-lab/bench/<utc>/`: bench.json, bench.md, and
 * contention.svg where contention was measured. Not among the runs: it is none of one scenario.
 */
import { accessSync, constants, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { BadInput, messageOf, quoted } from '../../words/bad-input.ts'
import { makeFolder } from '../../words/cache-directory.ts'
import { diskProblem, writeWholeFile } from '../whole-file.ts'
import { contentionSeries } from './contention.ts'
import { contentionPlot } from './contention-plot.ts'
import { benchJson, benchMarkdown } from './text.ts'
import type { BenchReport } from './types.ts'

const BENCH = join('.arena-lab', 'bench')

export class BenchFolder {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** Makes it and proves that it can be written to; throws `BadInput` otherwise. */
  static create(directory: string, now: Date): BenchFolder {
    const stamp = now.toISOString().replace(/[-:]/g, '').replace(/\..*/, 'Z')
    const path = join(directory, BENCH, `${stamp}-${process.pid}`)
    try {
      makeFolder(path)
      accessSync(path, constants.W_OK | constants.X_OK)
      return new BenchFolder(path)
    } catch (error) {
      throw new BadInput(
        `cannot write results below ${quoted(directory)}: ${diskProblem(error)}; ` +
          '--dir names another folder',
        { cause: error },
      )
    }
  }

  /** Relative to where the command runs. */
  get shownPath(): string {
    return relative(process.cwd(), this.path) || '.'
  }

  /** Nothing was measured: takes the folder away again. */
  discard(): void {
    rmSync(this.path, { recursive: true, force: true })
  }

  /** What could not be written, one line each. */
  write(report: BenchReport): string[] {
    const files: [string, string | undefined][] = [
      ['bench.json', benchJson(report)],
      ['bench.md', benchMarkdown(report)],
      ['contention.svg', contentionPlot(contentionSeries(report.results))],
    ]
    const problems: string[] = []
    for (const [name, content] of files) {
      if (content === undefined) continue
      try {
        writeWholeFile(join(this.path, name), content)
      } catch (error) {
        problems.push(`${join(this.path, name)}: ${messageOf(error)}`)
      }
    }
    return problems
  }
}
