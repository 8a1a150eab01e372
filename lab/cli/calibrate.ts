/** `arena-lab calibrate`: a cost table of this machine for `--machine virtual --costs FILE`. */
import { Command } from 'commander'
import { type CostTable, costPresets, costUnit, DEFAULT_PRESET } from '../machine/virtual/costs.ts'
import { checkOutputPath } from '../report/run-folder.ts'
import { writeWholeFile } from '../report/whole-file.ts'
import { calibrate } from '../session/calibrate.ts'
import { print, type Streams } from './streams.ts'

const DEFAULT_FILE = 'costs.json'

interface CalibrateFlags {
  readonly out: string
  readonly json: boolean
}

export function calibrateCommand(streams: Streams): Command {
  return new Command('calibrate')
    .summary('measure this machine: a cost table for --machine virtual')
    .description(
      'Measures what locks, cache lines, page faults and system calls cost on this machine, and ' +
        'writes a cost table for `run --machine virtual --costs FILE`. Needs a C compiler.',
    )
    .option('--out <file>', 'where to write the table', DEFAULT_FILE)
    .option('--json', 'print the table instead of writing it', false)
    .action(async (flags: CalibrateFlags) => {
      if (!flags.json) checkOutputPath(flags.out)
      const table = await calibrate(new Date())
      const text = `${JSON.stringify(table, null, 2)}\n`
      if (flags.json) {
        await print(streams.out, text)
        return
      }
      writeWholeFile(flags.out, text)
      await print(
        streams.out,
        `${tableText(table)}\nWritten to ${flags.out}: ${usage(flags.out)}\n`,
      )
    })
}

const usage = (file: string): string =>
  `arena-lab run larson --machine virtual --cores 64 --costs ${file}`

/** What was measured, beside the default preset. */
function tableText(table: CostTable): string {
  const standard = costPresets()[DEFAULT_PRESET]!.costs
  const measured = Object.entries(table.costs).filter(([name, { source }]) => {
    return source !== standard[name]?.source
  })
  const width = Math.max(...measured.map(([name]) => name.length))
  const lines = measured.map(([name, { value }]) => {
    const usual = standard[name]?.value ?? 0
    const unit = costUnit(name) === 'count' ? '' : costUnit(name)
    const figure = `${`${value}`.padStart(7)} ${unit.padEnd(2)}`
    return `  ${name.padEnd(width)}  ${figure}   (${DEFAULT_PRESET}: ${usual})`
  })
  return `${lines.join('\n')}\n`
}
