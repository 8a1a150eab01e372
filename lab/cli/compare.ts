/** `arena-lab compare`: variants of several past runs side by side. */
import { Command } from 'commander'
import type { RunSummary } from '../metrics/types.ts'
import { summaryJson } from '../report/exports.ts'
import { findRun } from '../report/stored-runs.ts'
import { summaryText } from '../report/summary-text.ts'
import { BadInput } from '../words/bad-input.ts'
import { outColumns, outStyle, print, type Streams } from './streams.ts'

interface CompareFlags {
  readonly json: boolean
  readonly dir: string
}

export function compareCommand(streams: Streams): Command {
  return new Command('compare')
    .summary('put the variants of past runs side by side')
    .description('Puts the variants of past runs side by side.')
    .argument('<runs...>', 'folders, or ends of their names')
    .option('--json', 'print JSON', false)
    .option('--dir <folder>', 'where .arena-lab/ is kept', '.')
    .action(async (names: readonly string[], flags: CompareFlags) => {
      const summaries = names.map((name) => readSummary(flags.dir, name))
      const together = sideBySide(summaries)
      const differences = differencesOf(summaries)
      for (const difference of differences) await print(streams.err, `note: ${difference}\n`)
      const text = flags.json
        ? summaryJson(together)
        : summaryText(together, outColumns(streams), outStyle(streams))
      await print(streams.out, text)
    })
}

function readSummary(directory: string, name: string): RunSummary {
  const run = findRun(directory, name)
  if (run.summary === undefined) throw new BadInput(`${run.name} did not end properly`)
  return run.summary
}

/** The first run's heading over the variants of all. */
function sideBySide(summaries: readonly RunSummary[]): RunSummary {
  const first = summaries[0]
  if (first === undefined) throw new BadInput('compare: expected at least one run')
  return {
    ...first,
    folder: null,
    variantsAsked: summaries.flatMap(({ variantsAsked }) => variantsAsked),
    variants: summaries.flatMap(({ variants }) => variants),
  }
}

/** What makes the runs hard to compare: they were not asked to do the same. */
function differencesOf(summaries: readonly RunSummary[]): string[] {
  const parts = ['scenario', 'machine', 'cores', 'seed', 'params', 'limits'] as const
  return parts
    .filter((part) => new Set(summaries.map((summary) => JSON.stringify(summary[part]))).size > 1)
    .map((part) => `the runs differ in their ${part}; the heading shows the first one's`)
}
