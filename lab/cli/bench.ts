/** `arena-lab bench`: what a malloc and a free cost, in the models and in the real allocators. */
import { availableParallelism } from 'node:os'
import { Command, Option } from 'commander'
import { BenchFolder } from '../report/bench/folder.ts'
import { benchJson, benchMarkdown, benchText } from '../report/bench/text.ts'
import type { BenchReport } from '../report/bench/types.ts'
import { runBench } from '../session/bench/bench.ts'
import type { BenchRequest, ScenarioAsked } from '../session/bench/types.ts'
import { ExitCode } from '../session/types.ts'
import { type Assignment, parseAssignment } from '../words/assignments.ts'
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
  readonly spin?: readonly number[]
  readonly native: boolean
  readonly floors: boolean
  readonly scenario?: string
  readonly param?: readonly Assignment[]
  readonly peers: boolean
  readonly dir: string
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
const SCENARIO_VARIANTS = ['glibc', 'tcmalloc']

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
  arena-lab bench --scenario seedservice -a glibc -a tcmalloc
  arena-lab bench -w contend -w cached -a glibc --threads 1,2,4 --spin 0,1000

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
    .option(
      '--threads <list>',
      'threads at work: 1,2,4 (default: 1 or 1,2,4)',
      listOf('--threads', 1, THREADS_MAX),
    )
    .option('--scenario <name>', 'a whole scenario instead of workloads, a name or a file')
    .option(
      '-P, --param <name=value>',
      'a parameter of the scenario (repeatable)',
      repeated((text) => parseAssignment(text, 'parameter')),
    )
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
    .option(
      '--spin <list>',
      'spins of a lock before it waits: 0,100',
      listOf('--spin', 0, SPIN_MAX),
    )
    .option('--no-native', 'measure the models alone')
    .option('--no-floors', 'do not measure what the loops cost without an allocator')
    .option('--no-peers', 'leave out allocators from npm')
    .option('--dir <folder>', 'where .arena-lab/ is kept', '.')
    .addOption(new Option('--json', 'print JSON').default(false).conflicts('markdown'))
    .option('--markdown', 'print a Markdown table', false)
    .option('--quiet', 'show no progress', false)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: BenchFlags) => exit(await carryOut(flags, streams)))
}

async function carryOut(flags: BenchFlags, streams: Streams): Promise<number> {
  const { err, out } = streams
  const request = requestOf(flags)
  const folder = BenchFolder.create(flags.dir, new Date())
  const interrupt = catchSignals(streams, () => {})
  const onStep = (text: string, number: number, of: number): void => {
    if (!flags.quiet) err.write(`${errStyle(streams).dim(`${number}/${of} ${text}`)}\n`)
  }
  try {
    const report = await runBench(request, { onStep }, interrupt.signal)
    await print(out, textOf(report, flags, streams))
    const problems = folder.write(report)
    for (const problem of problems) await print(err, `${errStyle(streams).bad(problem)}\n`)
    if (!flags.quiet) await print(err, `results in ${folder.shownPath}\n`)
    if (interrupt.signal.aborted) {
      const terminated = interrupt.signal.reason === 'SIGTERM'
      return terminated ? ExitCode.TERMINATED : ExitCode.INTERRUPTED
    }
    return problems.length > 0 ? ExitCode.INTERNAL : ExitCode.EXPECTED
  } catch (error) {
    folder.discard()
    throw error
  } finally {
    interrupt.release()
  }
}

function requestOf(flags: BenchFlags): BenchRequest {
  return {
    workloads: flags.workload ?? BENCH_WORKLOADS.map(({ name }) => name),
    variants: flags.allocator ?? (flags.scenario === undefined ? VARIANTS : SCENARIO_VARIANTS),
    threads: flags.threads,
    rounds: flags.rounds,
    warmMs: Math.round(flags.warmup * 1000),
    measuredMs: Math.max(1, Math.round(flags.seconds * 1000)),
    seed: flags.seed,
    cores: flags.cores,
    heapBytes: 4 * GIB,
    spins: flags.spin,
    native: flags.native,
    floors: flags.floors,
    scenario: scenarioOf(flags),
    peers: flags.peers,
  }
}

function scenarioOf(flags: BenchFlags): ScenarioAsked | undefined {
  const { scenario, param, workload, threads } = flags
  if (scenario === undefined) {
    if (param !== undefined) throw new BadInput('-P is a parameter of a scenario: --scenario NAME')
    return undefined
  }
  if (workload !== undefined || threads !== undefined) {
    throw new BadInput('--scenario measures no workload: leave -w and --threads out')
  }
  return { scenario, params: param ?? [] }
}

function textOf(report: BenchReport, flags: BenchFlags, streams: Streams): string {
  if (flags.json) return benchJson(report)
  return flags.markdown ? benchMarkdown(report) : benchText(report, outStyle(streams))
}

/** `a,b` and repetitions of it. */
const manyOf =
  (option: string) =>
  (text: string, before: readonly string[] | undefined): readonly string[] => {
    const names = text.split(',').map((name) => name.trim())
    if (!names.includes('')) return [...(before ?? []), ...names]
    throw new BadInput(`${option} ${quoted(text)}: expected names such as replace-small,remote`)
  }

/** Whole numbers of a range: `1,2,4`. */
const listOf =
  (option: string, min: number, max: number) =>
  (text: string): readonly number[] => {
    const read = countOption(option, min, max)
    return [...new Set(text.split(',').map((part) => read(part.trim())))]
  }
