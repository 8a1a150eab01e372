/** `arena-lab show`: a past run again. */
import { Command } from 'commander'
import { summaryJson } from '../report/exports.ts'
import { pmapText } from '../report/pmap-text.ts'
import { findRun, readPmap, type StoredRun } from '../report/stored-runs.ts'
import { summaryText } from '../report/summary-text.ts'
import { BadInput } from '../words/bad-input.ts'
import { outColumns, outStyle, print, type Streams } from './streams.ts'

interface ShowFlags {
  readonly pmap: boolean
  readonly json: boolean
  readonly dir: string
}

export function showCommand(streams: Streams): Command {
  return new Command('show')
    .summary('show a past run again')
    .description('Shows the summary of a past run, or what was mapped at its end.')
    .argument('[run]', 'its folder, the end of its name, or last', 'last')
    .option('--pmap', 'list the mappings at the end of each variant, as pmap -x does', false)
    .option('--json', 'print JSON', false)
    .option('--dir <folder>', 'where .arena-lab/ is kept', '.')
    .action(async (name: string, flags: ShowFlags) => {
      const run = findRun(flags.dir, name)
      await print(streams.out, flags.pmap ? pmapOf(run, flags) : summaryOf(run, flags, streams))
    })
}

function summaryOf(run: StoredRun, flags: ShowFlags, streams: Streams): string {
  if (run.summary === undefined) {
    throw new BadInput(
      `${run.name} did not end properly, so it has no summary; samples.ndjson in ${run.path} ` +
        'holds what it had written',
    )
  }
  return flags.json
    ? summaryJson(run.summary)
    : summaryText(run.summary, outColumns(streams), outStyle(streams))
}

function pmapOf(run: StoredRun, flags: ShowFlags): string {
  const pmap = readPmap(run)
  if (pmap === undefined) throw new BadInput(`${run.name} has no list of mappings`)
  if (flags.json) return `${JSON.stringify(pmap, null, 2)}\n`
  return pmap.variants.map(({ variant, mappings }) => pmapText(variant, mappings)).join('\n')
}
