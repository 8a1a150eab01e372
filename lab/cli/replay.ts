/** `arena-lab replay`: a trace file on a modelled or a real allocator. */
import { once } from 'node:events'
import { Command } from 'commander'
import { NativeFailure } from '../machine/native/replay.ts'
import { placementLines, type ReplayRecords } from '../machine/placements.ts'
import { HeapCorrupted } from '../machine/process.ts'
import { type ReplaySummary, replayTrace } from '../session/replay.ts'
import { ExitCode } from '../session/types.ts'
import { onlineCores } from '../session/verify/subject.ts'
import { BadInput } from '../words/bad-input.ts'
import { readableSize } from '../words/sizes.ts'
import { GIB } from '../words/units.ts'
import { errStyle, print, type Streams } from './streams.ts'
import { countOption, sizeOption } from './values.ts'

interface ReplayFlags {
  readonly allocator: string
  readonly preload?: string
  readonly cores: number
  readonly heap: number
  readonly placements: boolean
  readonly mallocInfo: boolean
  readonly json: boolean
}

const CORES_MAX = 1024
const LINES_AT_ONCE = 16_384

const EXAMPLES = `
Examples:
  arena-lab trace generate --seed 1 --threads 4 --ops 100000 --profile mixed > t.trace
  arena-lab replay t.trace -a glibc:arena_max=1
  arena-lab replay t.trace -a native:glibc --placements
  arena-lab replay t.trace -a native:mine --preload ./libmymalloc.so

Exit codes: 0 as expected · 2 bad input · 3 heap corrupted · 7 too large for --heap`

export function replayCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('replay')
    .summary('carry a trace out, op by op, on one allocator')
    .description('Carries a trace out in its order, on a modelled or a real allocator.')
    .argument('<file>', 'trace file, - for standard input')
    .option('-a, --allocator <variant>', 'design, native:NAME, or either with :tunable=…', 'glibc')
    .option('--preload <file>', 'library that native:NAME runs under')
    .option('--cores <n>', 'CPUs that a model sees', countOption('--cores', 1, CORES_MAX))
    .option('--heap <size>', 'room for a model’s heap', sizeOption('--heap'), 4 * GIB)
    .option('--placements', 'print where every block was placed, and nothing else', false)
    .option('--malloc-info', 'print malloc_info(0) of the end state', false)
    .option('--json', 'print the summary as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags: ReplayFlags) => {
      exit(await carryOut(file, { ...flags, cores: flags.cores ?? onlineCores() }, streams))
    })
}

async function carryOut(file: string, flags: ReplayFlags, streams: Streams): Promise<number> {
  if (flags.placements && flags.mallocInfo) {
    throw new BadInput('--placements prints nothing else: leave --malloc-info out')
  }
  const wanted = flags.placements ? 'placements' : flags.mallocInfo ? 'malloc-info' : 'summary'
  const request = {
    file,
    variant: flags.allocator,
    preload: flags.preload,
    cores: flags.cores,
    heapBytes: flags.heap,
    wanted,
  } as const
  try {
    const onRecords = (records: ReplayRecords) => printPlacements(streams, records)
    const { summary, mallocInfo } = await replayTrace(request, onRecords)
    if (wanted === 'malloc-info') await print(streams.out, mallocInfo)
    if (wanted === 'summary') await print(streams.out, textOf(summary, flags.json))
    return ExitCode.EXPECTED
  } catch (error) {
    if (!(error instanceof HeapCorrupted || error instanceof NativeFailure)) throw error
    await print(streams.err, `${errStyle(streams).bad(`${flags.allocator}: ${error.message}`)}\n`)
    return ExitCode.CORRUPTED
  }
}

async function printPlacements({ out }: Streams, records: ReplayRecords): Promise<void> {
  let lines: string[] = []
  const flush = async (): Promise<void> => {
    if (lines.length === 0) return
    lines.push('')
    if (!out.write(lines.join('\n'))) await once(out, 'drain')
    lines = []
  }
  for (const line of placementLines(records)) {
    lines.push(line)
    if (lines.length >= LINES_AT_ONCE) await flush()
  }
  await flush()
}

function textOf(summary: ReplaySummary, json: boolean): string {
  if (json) return `${JSON.stringify(summary, undefined, 2)}\n`
  const { variant, ops, seconds, replaySeconds, opsPerSecond, figures } = summary
  const rate = `${(opsPerSecond / 1e6).toFixed(2)} M ops/s`
  const lines = [`${variant}: ${ops} ops in ${replaySeconds.toFixed(2)} s (${rate})`]
  if (replaySeconds < seconds) lines.push(`  with reading the trace ${seconds.toFixed(2)} s`)
  const size = (name: string): string => readableSize(figures[name] ?? 0)
  lines.push(`  resident ${size('rss')}, mapped ${size('vmSize')}, process ${size('processRss')}`)
  lines.push(`  minor faults ${figures['minorFaults'] ?? 0}`)
  if ((figures['arena'] ?? 0) > 0 || (figures['hblkhd'] ?? 0) > 0) {
    lines.push(`  in arenas ${size('arena')}: in use ${size('uordblks')}, free ${size('fordblks')}`)
    lines.push(`  in mappings of their own ${size('hblkhd')} (${figures['hblks']} blocks)`)
  }
  return `${lines.join('\n')}\n`
}
