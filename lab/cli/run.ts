/** `arena-lab run`: one scenario under one or more variants, to a verdict. */
import { availableParallelism, totalmem } from 'node:os'
import { Command, Option } from 'commander'
import type { MachineName } from '../machine/types.ts'
import { DEFAULT_PRESET } from '../machine/virtual/costs.ts'
import { summaryJson } from '../report/exports.ts'
import { summaryText } from '../report/summary-text.ts'
import { sweepText } from '../report/sweep-text.ts'
import { runVariants } from '../session/run.ts'
import { runSweep, type SweepResult, sweepOf } from '../session/sweep.ts'
import { parseThreshold } from '../session/thresholds.ts'
import type { OutputRequest, RunRequest, Threshold } from '../session/types.ts'
import { type Assignment, parseAssignment } from '../words/assignments.ts'
import { BadInput } from '../words/bad-input.ts'
import { GIB } from '../words/units.ts'
import { DASHBOARD_PORT, openRunDashboard, type RunDashboard } from './dashboard.ts'
import { together } from './hooks.ts'
import { catchSignals, type Interrupt } from './interrupt.ts'
import { Progress } from './progress.ts'
import { errStyle, outColumns, outStyle, print, type Streams } from './streams.ts'
import {
  countOption,
  machineOption,
  outputOption,
  repeated,
  secondsOption,
  sizeOption,
} from './values.ts'

/** What commander makes of the flags. */
interface RunFlags {
  readonly allocator?: readonly string[]
  readonly param?: readonly Assignment[]
  readonly list?: readonly Assignment[]
  readonly machine: MachineName
  readonly scheduleSeed: number
  readonly schedules?: number
  readonly costs: string
  readonly lines: boolean
  readonly memoryLimit?: number
  readonly addressSpaceLimit?: number
  readonly overcommitMemory: 0 | 1 | 2
  readonly overcommitRatio: number
  readonly ram: number
  readonly cores: number
  readonly seed: number
  readonly seconds?: number
  readonly heap: number
  readonly spin: number
  readonly drain: boolean
  readonly fill: boolean
  readonly sampleHz: number
  readonly metrics: boolean
  readonly dir: string
  readonly out?: readonly OutputRequest[]
  readonly threshold?: readonly Threshold[]
  readonly lockstep: boolean
  readonly traceWaits: boolean
  readonly dashboard?: number | true
  readonly control: boolean
  readonly json: boolean
  readonly quiet: boolean
}

const INT32_MAX = 2 ** 31 - 1
const CORES_MAX = 1024
const SPIN_MAX = 1_000_000
const SAMPLE_HZ_MAX = 1000
const PERCENT_MAX = 1000
const PORT_MAX = 65_535

const EXAMPLES = `
Examples:
  arena-lab run seedservice -a glibc -a glibc:arena_max=1 --memory-limit 768MiB
  arena-lab run seedservice -a glibc -P days=4 -P skew=false --out html=report.html
  arena-lab run larson -a glibc -a tcmalloc -P cores=1,2,4,…,64 -P work=20000 \\
    --machine virtual --out html=larson.html
  arena-lab run ./my-scenario.ts -a ./my-design.ts --threshold 'rss.max<512MiB'

Exit codes: 0 as expected · 1 something failed · 2 bad input · 3 heap corrupted · 4 deadlock
  7 result not trustworthy · 99 a threshold failed · 130, 143 interrupted`

/** `exit` gets the exit code once everything is written. */
export function runCommand(streams: Streams, exit: (code: number) => void): Command {
  const command = new Command('run')
    .summary('run a scenario under one or more allocators, and say which fix works')
    .description('Runs a scenario under one or more allocators and says which fix works.')
    .argument('<scenario>', 'name of a scenario (arena-lab list scenarios), or a file')
  addOptions(command)
  return command
    .addHelpText('after', EXAMPLES)
    .action(async (scenario: string, flags: RunFlags) => {
      const request = requestOf(scenario, flags, process.argv.slice(2))
      exit(await carryOut(request, flags, streams))
    })
}

/** What `arena-lab run …` is asked for, `run` itself the first word. Throws as commander does. */
export function parseRunArguments(words: readonly string[]): RunRequest {
  let request: RunRequest | undefined
  const command = new Command('run')
    .argument('<scenario>')
    .exitOverride()
    .configureOutput({ writeOut: () => {}, outputError: () => {} })
    .action((scenario: string, flags: RunFlags) => {
      request = requestOf(scenario, flags, words)
    })
  addOptions(command)
  command.parse(words.slice(1), { from: 'user' })
  if (request === undefined) throw new BadInput('nothing to run')
  return request
}

function addOptions(command: Command): void {
  addWhatToRun(command)
  addProcessOptions(command)
  addResultOptions(command)
}

function addWhatToRun(command: Command): void {
  command
    .option(
      '-a, --allocator <variant>',
      'design, or design:tunable=value,… (repeatable; default: glibc)',
      repeated((text) => text),
    )
    .option(
      '-P, --param <name=value>',
      'a parameter of the scenario (repeatable)',
      repeated((text) => parseAssignment(text, 'parameter')),
    )
    .option(
      '-L, --list <name=a,b,…>',
      'one run for each value; -P takes lists and ranges (1..16) too (repeatable)',
      repeated((text) => parseAssignment(text, 'parameter')),
    )
    .addOption(
      new Option('--machine <name>', 'what carries the scenario out')
        .argParser(machineOption)
        .default('threads'),
    )
    .option(
      '--schedule-seed <n>',
      'of the choices a simulated scheduler has (--machine virtual, explore); 0: none',
      countOption('--schedule-seed', 0, INT32_MAX),
      0,
    )
    .option(
      '--schedules <n>',
      'how many the explore machine carries out, from --schedule-seed on (default: 1000)',
      countOption('--schedules', 1, INT32_MAX),
    )
    .option('--costs <table>', 'of --machine virtual: laptop, server-2s or a file', DEFAULT_PRESET)
    .option('--lines', 'of --machine virtual: follow every cache line of the heap', false)
    .option('--seed <n>', 'of all random choices', countOption('--seed', 0, INT32_MAX), 1)
    .option('--seconds <duration>', 'end roles after so long', secondsOption('--seconds'))
    .option('--lockstep', 'run variants at once, phase by phase, not one after the other', false)
    .option('--drain', 'free everything at the end of --seconds', false)
    .option('--fill', 'write every byte of a block, not only its pages', false)
}

function addProcessOptions(command: Command): void {
  const cores = availableParallelism()
  command
    .optionsGroup('The modelled process:')
    .option('--memory-limit <size>', 'OOM kill above so much RSS', sizeOption('--memory-limit'))
    .option('--address-space-limit <size>', 'as ulimit -v', sizeOption('--address-space-limit'))
    .option(
      '--overcommit-memory <mode>',
      'as vm.overcommit_memory: 0, 1 or 2',
      countOption('--overcommit-memory', 0, 2),
      0,
    )
    .option(
      '--overcommit-ratio <percent>',
      'as vm.overcommit_ratio',
      countOption('--overcommit-ratio', 0, PERCENT_MAX),
      50,
    )
    .addOption(
      new Option('--ram <size>', 'memory of the modelled machine, for --overcommit-memory')
        .argParser(sizeOption('--ram'))
        .default(totalmem(), "this host's"),
    )
    .option('--cores <n>', 'CPUs it sees', countOption('--cores', 1, CORES_MAX), cores)
    .addOption(
      new Option('--heap <size>', 'address space for its heaps')
        .argParser(sizeOption('--heap'))
        .default(4 * GIB, '4GiB'),
    )
    .option('--spin <n>', 'spins of a lock before it waits', countOption('--spin', 0, SPIN_MAX), 0)
}

function addResultOptions(command: Command): void {
  command
    .optionsGroup('Results:')
    .option('--json', 'print the summary as JSON', false)
    .option(
      '--out <kind=FILE>',
      'also write html, json, ndjson, csv or trace, for ui.perfetto.dev (repeatable)',
      repeated(outputOption),
    )
    .option(
      '--threshold <figure<limit>',
      "exit 99 unless it holds for every variant: 'rss.max<768MiB' (repeatable)",
      repeated(parseThreshold),
    )
    .option(
      '--dashboard [port]',
      `show the run in a browser while it goes on (port ${DASHBOARD_PORT})`,
      countOption('--dashboard', 0, PORT_MAX),
    )
    .option('--control', 'the page of --dashboard may pause, step and stop the run', false)
    .option('--trace-waits', 'keep each lock wait, for the trace', false)
    .option('--dir <folder>', 'where .arena-lab/ is kept', '.')
    .option('--sample-hz <n>', 'samples a second', countOption('--sample-hz', 1, SAMPLE_HZ_MAX), 20)
    .option('--no-metrics', 'take no samples: only to measure what they cost')
    .option('--quiet', 'show no progress', false)
}

function requestOf(scenario: string, flags: RunFlags, words: readonly string[]): RunRequest {
  if (flags.control && flags.dashboard === undefined) {
    throw new BadInput('--control says what the page may do: it needs --dashboard')
  }
  refuseForeignFlags(flags)
  const outputs = flags.out ?? []
  return {
    scenario,
    variants: flags.allocator ?? ['glibc'],
    params: [...(flags.param ?? []), ...(flags.list ?? [])],
    machine: flags.machine,
    scheduleSeed: flags.scheduleSeed,
    ...(flags.schedules === undefined ? {} : { schedules: flags.schedules }),
    costs: flags.costs,
    lines: flags.lines,
    limits: {
      memoryLimit: flags.memoryLimit,
      addressSpaceLimit: flags.addressSpaceLimit,
      overcommitMemory: flags.overcommitMemory,
      overcommitRatio: flags.overcommitRatio,
      ramBytes: flags.ram,
    },
    cores: flags.cores,
    seed: flags.seed,
    seconds: flags.seconds,
    heapBytes: flags.heap,
    spinCount: flags.spin,
    drain: flags.drain,
    fill: flags.fill,
    sampleHz: flags.metrics ? flags.sampleHz : undefined,
    directory: flags.dir,
    lockstep: flags.lockstep,
    traceWaits: flags.traceWaits || outputs.some(({ kind }) => kind === 'trace'),
    outputs,
    thresholds: flags.threshold ?? [],
    command: words,
  }
}

/** What one machine alone understands is refused with another, before anything starts. */
function refuseForeignFlags({ machine, schedules, costs, lines }: RunFlags): void {
  const given: readonly [string, MachineName, boolean][] = [
    ['--schedules', 'explore', schedules !== undefined],
    ['--costs', 'virtual', costs !== DEFAULT_PRESET],
    ['--lines', 'virtual', lines],
  ]
  for (const [flag, its, isGiven] of given) {
    if (!isGiven || machine === its) continue
    throw new BadInput(`${flag} is of --machine ${its}: the machine is '${machine}'`)
  }
}

async function carryOut(request: RunRequest, flags: RunFlags, streams: Streams): Promise<number> {
  const progress = flags.quiet ? undefined : new Progress(streams)
  const interrupt = catchSignals(streams, () => progress?.end())
  const dashboard = await openDashboard(request, flags, streams, interrupt)
  try {
    const hooks = together([progress, dashboard?.run].filter((hook) => hook !== undefined))
    const sweep = await sweepOf(request)
    if (sweep.axes.length > 0) {
      const result = await runSweep(request, sweep, hooks, interrupt.signal)
      progress?.end()
      await printSweep(result, flags, streams)
      return result.exitCode
    }
    const steering = dashboard?.run.steering
    const result = await runVariants(sweep.plain, hooks, interrupt.signal, steering)
    const { summary, exitCode, problems } = result
    dashboard?.run.over(problems.join('; '))
    progress?.end()
    const text = flags.json
      ? summaryJson(summary)
      : summaryText(summary, outColumns(streams), outStyle(streams))
    await print(streams.out, text)
    const style = errStyle(streams)
    for (const problem of problems) await print(streams.err, `${style.bad(problem)}\n`)
    if (dashboard !== undefined) await waitForReader(streams, interrupt)
    return exitCode
  } finally {
    progress?.end()
    interrupt.release()
    await dashboard?.close()
  }
}

async function printSweep(
  { summary, problems }: SweepResult,
  flags: RunFlags,
  streams: Streams,
): Promise<void> {
  const text = flags.json
    ? `${JSON.stringify(summary, null, 2)}\n`
    : sweepText(summary, outColumns(streams), outStyle(streams))
  await print(streams.out, text)
  for (const problem of problems) await print(streams.err, `${errStyle(streams).bad(problem)}\n`)
}

async function openDashboard(
  request: RunRequest,
  flags: RunFlags,
  streams: Streams,
  interrupt: Interrupt,
): Promise<RunDashboard | undefined> {
  if (flags.dashboard === undefined) return undefined
  const port = flags.dashboard === true ? DASHBOARD_PORT : flags.dashboard
  return openRunDashboard(port, flags.control, request.directory, streams, interrupt)
}

/** Somebody at a terminal looks at the page until Ctrl-C; a script does not. */
async function waitForReader({ err }: Streams, { wasPressed, pressed }: Interrupt): Promise<void> {
  if (err.isTTY !== true || wasPressed()) return
  await print(err, 'The dashboard stays open: Ctrl-C ends it.\n')
  await pressed
}
