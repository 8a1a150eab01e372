/** `arena-lab bench`: what a malloc and a free cost, in the models and in the real allocators. */
import { availableParallelism } from 'node:os'
import { Command, Option } from 'commander'
import { benchJson, benchMarkdown, benchText } from '../report/bench/text.ts'
import { runBench } from '../session/bench/bench.ts'
import { ExitCode } from '../session/types.ts'
import { BadInput, quoted } from '../words/bad-input.ts'
import { GIB } from '../words/units.ts'
import { BENCH_WORKLOADS } from '../workload/bench/workloads.ts'
import { catchSignals } from './interrupt.ts'
import { errStyle, outStyle, print, type Streams } from './streams.ts'
import { countOption, repeated, secondsOption } from './values.ts'

interface BenchFlags {
  readonly workload?: readonly string[]
  readonly allocator?: readonly string[]
  readonly threads?: readonly number[]
  readonly rounds: number
  readonly seconds: number
  readonly warmup: number
  readonly seed: number
  readonly cores: number
  readonly spin: number
  readonly native: boolean
  readonly json: boolean
  readonly markdown: boolean
  readonly quiet: boolean
}

const COUNT_MAX = 2 ** 31 - 1
const THREADS_MAX = 64
const ROUNDS_MAX = 1000
const CORES_MAX = 1024
const SPIN_MAX = 1_000_000
const VARIANTS = ['glibc', 'glibc:tcache_count=0', 'tcmalloc']

const workloadLines = BENCH_WORKLOADS.map(
  ({ name, summary }) => `  ${name.padEnd(14)} ${summary}`,
).join('\n')

const EXAMPLES = `
Workloads:
${workloadLines}

A pair is a malloc and a free; every block's first word is written. Model and native carry out the
same ops, one after the other, round by round; the first round is discarded. Both figures include
the loop that carries the ops out.

Examples:
  arena-lab bench -w replace-small,replace-wide -a tcmalloc
  arena-lab bench -w contend -w cached -a glibc --threads 1,2,4 --spin 100

Exit codes: 0 measured · 1 a run failed · 2 bad input · 130, 143 interrupted`

export function benchCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('bench')
    .summary('measure the models beside the real allocators')
    .description(
      'Measures what a malloc and a free cost, in the models and in the real allocators.',
    )
    .option('-w, --workload <names>', 'which (repeatable, or a,b; default: all)', manyOf('-w'))
    .option(
      '-a, --allocator <variant>',
      `design, or design:tunable=value,… (repeatable; default: ${VARIANTS.join(', ')})`,
      repeated((text) => text),
    )
    .option('--threads <list>', 'threads at work: 1,2,4 (default: 1 or 1,2,4)', threadList)
    .option('--rounds <n>', 'measured rounds', countOption('--rounds', 1, ROUNDS_MAX), 5)
    .addOption(
      new Option('--seconds <duration>', 'measured in each run')
        .argParser(secondsOption('--seconds'))
        .default(0.5, '500ms'),
    )
    .addOption(
      new Option('--warmup <duration>', 'before it, in each run')
        .argParser(secondsOption('--warmup'))
        .default(0.5, '500ms'),
    )
    .option('--seed <n>', 'of sizes and places', countOption('--seed', 0, COUNT_MAX), 1)
    .option(
      '--cores <n>',
      'CPUs that a model sees',
      countOption('--cores', 1, CORES_MAX),
      availableParallelism(),
    )
    .option('--spin <n>', 'spins of a lock before it waits', countOption('--spin', 0, SPIN_MAX), 0)
    .option('--no-native', 'measure the models alone')
    .addOption(new Option('--json', 'print JSON').default(false).conflicts('markdown'))
    .option('--markdown', 'print a Markdown table', false)
    .option('--quiet', 'show no progress', false)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: BenchFlags) => exit(await carryOut(flags, streams)))
}

async function carryOut(flags: BenchFlags, streams: Streams): Promise<number> {
  const interrupt = catchSignals(streams, () => {})
  const { err, out } = streams
  try {
    const report = await runBench(
      {
        workloads: flags.workload ?? BENCH_WORKLOADS.map(({ name }) => name),
        variants: flags.allocator ?? VARIANTS,
        threads: flags.threads,
        rounds: flags.rounds,
        warmMs: Math.round(flags.warmup * 1000),
        measuredMs: Math.max(1, Math.round(flags.seconds * 1000)),
        seed: flags.seed,
        cores: flags.cores,
        heapBytes: 4 * GIB,
        spinCount: flags.spin,
        native: flags.native,
      },
      {
        onCell: (text, number, of) => {
          if (!flags.quiet) err.write(`${errStyle(streams).dim(`${number}/${of} ${text}`)}\n`)
        },
      },
      interrupt.signal,
    )
    const text = flags.json
      ? benchJson(report)
      : flags.markdown
        ? benchMarkdown(report)
        : benchText(report, outStyle(streams))
    await print(out, text)
    if (!interrupt.signal.aborted) return ExitCode.EXPECTED
    return interrupt.signal.reason === 'SIGTERM' ? ExitCode.TERMINATED : ExitCode.INTERRUPTED
  } finally {
    interrupt.release()
  }
}

/** `a,b` and repetitions of it. */
const manyOf =
  (option: string) =>
  (text: string, before: readonly string[] | undefined): readonly string[] => {
    const names = text.split(',').map((name) => name.trim())
    if (!names.includes('')) return [...(before ?? []), ...names]
    throw new BadInput(`${option} ${quoted(text)}: expected names such as replace-small,remote`)
  }

function threadList(text: string): readonly number[] {
  const read = countOption('--threads', 1, THREADS_MAX)
  return [...new Set(text.split(',').map((part) => read(part.trim())))]
}
