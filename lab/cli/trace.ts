/** `arena-lab trace`: makes traces. */

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { Command, Option } from 'commander'
import { BadInput, messageOf, quoted } from '../words/bad-input.ts'
import { TRACE_THREADS_MAX } from '../workload/trace/format.ts'
import { generateTrace } from '../workload/trace/generate.ts'
import { PROFILE_NAMES, type ProfileName } from '../workload/trace/profiles.ts'
import type { Streams } from './streams.ts'
import { countOption, sizeOption } from './values.ts'

interface GenerateFlags {
  readonly seed: number
  readonly threads: number
  readonly ops: number
  readonly profile: ProfileName
  readonly mmapThreshold?: number
  readonly output?: string
}

const INT32_MAX = 2 ** 31 - 1
const OPS_MAX = 2 ** 31 - 1

export function traceCommand(streams: Streams): Command {
  return new Command('trace')
    .summary('make traces')
    .description('Makes traces: files of malloc and free calls that replay and verify carry out.')
    .addCommand(generateCommand(streams))
}

function generateCommand(streams: Streams): Command {
  return new Command('generate')
    .summary('a random trace')
    .description('Writes a random trace that reaches all kinds of ops, bins and thread lives.')
    .option('--seed <n>', 'same seed, same trace', countOption('--seed', 0, INT32_MAX), 1)
    .option('--threads <n>', 'alive at once', countOption('--threads', 1, TRACE_THREADS_MAX), 4)
    .option('--ops <n>', 'lines', countOption('--ops', 1, OPS_MAX), 100_000)
    .addOption(
      new Option('--profile <name>', 'what it is made of').choices(PROFILE_NAMES).default('mixed'),
    )
    .option(
      '--mmap-threshold <size>',
      'least mmap threshold the trace is meant for (keeps wide alignments exact)',
      sizeOption('--mmap-threshold'),
    )
    .option('-o, --output <file>', 'where to (default: standard output)')
    .action(async ({ output, ...flags }: GenerateFlags) => {
      const pieces = generateTrace(flags)
      if (output === undefined) await writeTo(streams.out, pieces)
      else await writeFile(output, pieces)
    })
}

async function writeFile(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
  const file = createWriteStream(path)
  try {
    await writeTo(file, pieces)
    file.end()
    await finished(file)
  } catch (error) {
    throw new BadInput(`-o ${quoted(path)}: ${messageOf(error)}`, { cause: error })
  }
}

async function writeTo(out: NodeJS.WritableStream, pieces: Iterable<Uint8Array>): Promise<void> {
  for (const piece of pieces) {
    if (!out.write(piece)) await once(out, 'drain')
  }
}
