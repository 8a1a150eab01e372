/** `arena-lab trace`: makes traces. */

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { Command, Option } from 'commander'
import { recordOptionsOf } from '../session/scenario-trace.ts'
import { type Assignment, parseAssignment } from '../words/assignments.ts'
import { BadInput, messageOf, quoted } from '../words/bad-input.ts'
import { TRACE_THREADS_MAX } from '../workload/trace/format.ts'
import { generateTrace } from '../workload/trace/generate.ts'
import { PROFILE_NAMES, type ProfileName } from '../workload/trace/profiles.ts'
import { type RecordNotes, recordTrace } from '../workload/trace/record.ts'
import { print, type Streams } from './streams.ts'
import { countOption, repeated, sizeOption } from './values.ts'

interface GenerateFlags {
  readonly seed: number
  readonly threads: number
  readonly ops: number
  readonly profile: ProfileName
  readonly mmapThreshold?: number
  readonly output?: string
}

interface RecordFlags {
  readonly param?: readonly Assignment[]
  readonly seed: number
  readonly ops: number
  readonly output?: string
}

const INT32_MAX = 2 ** 31 - 1
const OPS_MAX = 2 ** 31 - 1

export function traceCommand(streams: Streams): Command {
  return new Command('trace')
    .summary('make traces')
    .description('Makes traces: files of malloc and free calls that replay and verify carry out.')
    .addCommand(generateCommand(streams))
    .addCommand(recordCommand(streams))
}

function recordCommand(streams: Streams): Command {
  return new Command('record')
    .summary('a scenario, serialized')
    .description('Writes a scenario as a trace: its threads take turns, from yield to yield.')
    .argument('<scenario>', 'name of a scenario (arena-lab list scenarios), or a file')
    .option(
      '-P, --param <name=value>',
      'parameter of the scenario (repeatable)',
      repeated((text) => parseAssignment(text, 'parameter')),
    )
    .option('--seed <n>', 'same seed, same trace', countOption('--seed', 0, INT32_MAX), 1)
    .option('--ops <n>', 'end after so many', countOption('--ops', 1, OPS_MAX), OPS_MAX)
    .option('-o, --output <file>', 'where to (default: standard output)')
    .action(async (name: string, flags: RecordFlags) => {
      const { seed, ops: opsMax, param: params = [] } = flags
      const pieces = recordTrace(await recordOptionsOf({ scenario: name, params, seed, opsMax }))
      let notes: RecordNotes | undefined
      const withNotes = (function* () {
        notes = yield* pieces
      })()
      if (flags.output === undefined) await writeTo(streams.out, withNotes)
      else await writeFile(flags.output, withNotes)
      await print(streams.err, notesText(notes))
    })
}

function notesText(notes: RecordNotes | undefined): string {
  if (notes === undefined) return ''
  const lines = [`${notes.ops} ops of the scenario recorded`]
  if (notes.cut) lines.push('the scenario goes on: cut here (--ops sets where)')
  if (notes.stuck) lines.push('all threads waited for one another: the trace ends there')
  if (notes.partialWrites > 0) {
    lines.push(`${notes.partialWrites} writes of a block’s first pages left out: no trace has them`)
  }
  return `${lines.join('\n')}\n`
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
