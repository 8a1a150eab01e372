/** `arena-lab rm`: removes past runs. */
import { Command } from 'commander'
import { findRunByName, removeRun } from '../report/stored-runs.ts'
import { print, type Streams } from './streams.ts'

export function rmCommand(streams: Streams): Command {
  return new Command('rm')
    .summary('remove past runs')
    .description('Removes the folders of past runs.')
    .argument('<runs...>', 'names of their folders, or ends of them')
    .option('--dir <folder>', 'where .arena-lab/ is kept', '.')
    .action(async (names: readonly string[], { dir }: { dir: string }) => {
      // All are found before any is removed: a mistyped one must not cost the others.
      const runs = names.map((name) => findRunByName(dir, name))
      for (const run of runs) {
        removeRun(run)
        await print(streams.err, `removed ${run.name}\n`)
      }
    })
}
