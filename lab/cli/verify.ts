/** `arena-lab verify`: the model and the real allocator, side by side on the same traces. */
import { writeFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { checkHeap } from '../session/resolve.ts'
import { recordOptionsOf } from '../session/scenario-trace.ts'
import { ExitCode } from '../session/types.ts'
import type { CheckpointRss, Comparison } from '../session/verify/compare.ts'
import { compareKernelEffects } from '../session/verify/kernel-effects.ts'
import { traceText } from '../session/verify/shrink.ts'
import {
  SOAK_PROFILES,
  SOAK_THREADS,
  SOAK_VARIANTS,
  type SoakFailure,
  type SoakResult,
  soak,
} from '../session/verify/soak.ts'
import {
  requireSameRelease,
  requireVerifiable,
  type Subject,
  subjectOf,
} from '../session/verify/subject.ts'
import { fileSource, scenarioSource, type TraceSource } from '../session/verify/trace-source.ts'
import { HEAP_BYTES, hostOptions, shrinkDifference, verifyTrace } from '../session/verify/verify.ts'
import {
  callsText,
  checkpointText,
  differenceText,
  equalText,
  explanationText,
  leftText,
  soakTable,
} from '../session/verify/verify-text.ts'
import { type Assignment, parseAssignment } from '../words/assignments.ts'
import { BadInput, messageOf, quoted } from '../words/bad-input.ts'
import { PROFILE_NAMES, type ProfileName } from '../workload/trace/profiles.ts'
import { catchSignals } from './interrupt.ts'
import { errStyle, print, type Streams } from './streams.ts'
import { countOption, repeated, sizeOption } from './values.ts'

interface VerifyFlags {
  readonly allocator?: readonly string[]
  readonly random?: number
  readonly scenario?: string
  readonly param?: readonly Assignment[]
  readonly ops: number
  readonly seed: number
  readonly threads?: readonly number[]
  readonly profile?: ProfileName
  readonly jobs: number
  readonly heap: number
  readonly shrink: boolean
  readonly syscalls: boolean
  readonly checkpoints: boolean
  readonly output: string
  readonly json: boolean
}

const COUNT_MAX = 2 ** 31 - 1
const THREADS_MAX = 1000
const JOBS_MAX = 64

const EXAMPLES = `
Examples:
  arena-lab verify t.trace
  arena-lab verify t.trace -a glibc:tcache_count=0 --shrink
  arena-lab verify --scenario seedservice -P skew=true --checkpoints
  arena-lab verify --random 200 --ops 200000
  arena-lab verify -a tcmalloc -a tcmalloc:release_rate=10 --random 50 --threads 16

Compares every placement, mallinfo2, resident bytes and every chunk at each checkpoint, and
malloc_info at the end, with the glibc of this machine (tcmalloc: MallocExtension’s
properties at checkpoints, its statistics at the end; not skip_sbrk, nor constants compiled in).

Exit codes: 0 all equal · 1 something differs · 2 bad input · 7 too large for --heap`

export function verifyCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('verify')
    .summary('hold the glibc or tcmalloc model to the real one, block by block')
    .description('Holds a model to the real allocator: the same traces into both.')
    .argument('[file]', 'trace file, - for standard input; or --random, or --scenario')
    .option(
      '-a, --allocator <variant>',
      'glibc or tcmalloc, with :tunable=… (repeatable; default: glibc, with --random all its sets)',
      repeated((text) => text),
    )
    .option('--scenario <name>', 'this scenario as a trace: its threads take turns')
    .option(
      '-P, --param <name=value>',
      'parameter of the scenario (repeatable)',
      repeated((text) => parseAssignment(text, 'parameter')),
    )
    .option('--random <n>', 'random traces per variant', countOption('--random', 1, COUNT_MAX))
    .option('--ops <n>', 'ops of a random trace', countOption('--ops', 1, COUNT_MAX), 200_000)
    .option(
      '--seed <n>',
      'of the scenario, or of the first random trace',
      countOption('--seed', 0, COUNT_MAX),
      1,
    )
    .option(
      '--threads <n>',
      `threads of random traces (repeatable; default: ${SOAK_THREADS.join(', ')})`,
      repeated(countOption('--threads', 1, THREADS_MAX)),
    )
    .addOption(new Option('--profile <name>', 'of random traces').choices(PROFILE_NAMES))
    .option('--jobs <n>', 'comparisons at once', countOption('--jobs', 1, JOBS_MAX), 2)
    .option('--heap <size>', 'room for the model’s heap', sizeOption('--heap'), HEAP_BYTES)
    .option('--checkpoints', 'print resident bytes at each checkpoint: after each phase', false)
    .option('--syscalls', 'compare system calls too, by strace (one trace, glibc)', false)
    .option('--shrink', 'reduce a trace that differs to a minimal one', false)
    .option('-o, --output <file>', 'where the minimal trace goes', 'shrunk.trace')
    .option('--json', 'print JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, flags: VerifyFlags) => {
      checkHeap(flags.heap)
      const source = await oneSource(file, flags)
      const named = flags.allocator ?? (source === undefined ? SOAK_VARIANTS : ['glibc'])
      const subjects = await Promise.all(named.map(subjectOf))
      for (const subject of subjects) requireVerifiable(subject)
      await requireSameRelease(subjects)
      const job = new VerifyJob(flags, streams)
      exit(source === undefined ? await job.random(subjects) : await job.one(source, subjects))
    })
}

/** The trace of the file or the scenario; undefined for random ones. */
async function oneSource(
  file: string | undefined,
  flags: VerifyFlags,
): Promise<TraceSource | undefined> {
  const { random, scenario, param: params = [], seed } = flags
  const given = [file, random, scenario].filter((value) => value !== undefined).length
  if (given !== 1) {
    throw new BadInput('verify: expected a trace file, or --scenario NAME, or --random N')
  }
  if (scenario === undefined && params.length > 0) {
    throw new BadInput('verify: -P is for --scenario')
  }
  if (random !== undefined && (flags.checkpoints || flags.syscalls)) {
    throw new BadInput('verify: --checkpoints and --syscalls are for one trace, not for --random')
  }
  if (file !== undefined) return fileSource(file)
  if (scenario === undefined) return undefined
  const request = { scenario, params, seed, opsMax: COUNT_MAX }
  return scenarioSource(await recordOptionsOf(request))
}

class VerifyJob {
  readonly #flags: VerifyFlags
  readonly #streams: Streams

  constructor(flags: VerifyFlags, streams: Streams) {
    this.#flags = flags
    this.#streams = streams
  }

  async one(source: TraceSource, subjects: readonly Subject[]): Promise<number> {
    const { out } = this.#streams
    const results: object[] = []
    let exitCode: number = ExitCode.EXPECTED
    for (const subject of subjects) {
      const atCheckpoints: CheckpointRss[] = []
      const onCheckpoint = (rss: CheckpointRss): void => {
        if (this.#flags.checkpoints) atCheckpoints.push(rss)
      }
      const verdict = await verifyTrace(
        source,
        subject,
        hostOptions(this.#flags.heap),
        onCheckpoint,
      )
      const { comparison, explanation } = verdict
      const { difference } = comparison
      const rss = this.#flags.checkpoints ? { checkpointRss: atCheckpoints } : {}
      results.push({ variant: subject.label, ...comparison, explanation, ...rss })
      if (!this.#flags.json) {
        await print(out, leftText(comparison.left))
        for (const at of atCheckpoints) await print(out, checkpointText(at))
        if (difference === undefined) await print(out, equalText(subject, comparison))
        else await print(out, differenceText(subject.label, difference))
        if (explanation !== undefined) await print(out, explanationText(explanation))
      }
      if (this.#flags.syscalls && !(await this.#sameCalls(source, subject))) {
        exitCode = ExitCode.INTERNAL
      }
      if (difference === undefined) continue
      exitCode = ExitCode.INTERNAL
      if (this.#flags.shrink) await this.#shrink(source, subject, comparison)
    }
    if (this.#flags.json) await print(out, `${JSON.stringify(results, undefined, 2)}\n`)
    return exitCode
  }

  async #sameCalls(source: TraceSource, subject: Subject): Promise<boolean> {
    const { calls, difference } = await compareKernelEffects(
      source,
      subject,
      hostOptions(this.#flags.heap),
    )
    const { out, err } = this.#streams
    await print(this.#flags.json ? err : out, callsText(subject.label, calls, difference))
    return difference === undefined
  }

  async random(subjects: readonly Subject[]): Promise<number> {
    const { random = 1, ops, seed, jobs, threads = SOAK_THREADS, profile } = this.#flags
    const { out, err } = this.#streams
    const profiles = profile === undefined ? SOAK_PROFILES : [profile]
    await print(err, `seed ${seed}: ${random} traces of ${ops} ops for each variant\n`)
    const interrupt = catchSignals(this.#streams, () => {})
    const options = {
      ...hostOptions(this.#flags.heap),
      seed,
      traces: random,
      ops,
      threads,
      profiles,
      jobs,
    }
    const result = await soak(
      subjects,
      options,
      {
        onVariant: (row) =>
          err.write(`${row.variant}: ${row.traces} traces, ${row.differing} differ\n`),
      },
      interrupt.signal,
    )
    interrupt.release()
    await print(out, this.#flags.json ? soakJson(result) : soakTable(result.rows))
    for (const failure of result.failures) await this.#explain(failure)
    if (interrupt.signal.aborted) return ExitCode.INTERRUPTED
    return result.failures.length > 0 ? ExitCode.INTERNAL : ExitCode.EXPECTED
  }

  async #explain({ subject, source, comparison }: SoakFailure): Promise<void> {
    const { err } = this.#streams
    const { explanation } = await verifyTrace(source, subject)
    await print(err, `${source.name}\n${differenceText(subject.label, comparison.difference!)}`)
    if (explanation !== undefined) await print(err, explanationText(explanation))
    if (this.#flags.shrink) await this.#shrink(source, subject, comparison)
  }

  async #shrink(source: TraceSource, subject: Subject, comparison: Comparison): Promise<void> {
    const { output } = this.#flags
    const { err } = this.#streams
    const shrunk = await shrinkDifference(
      source,
      subject,
      hostOptions(this.#flags.heap),
      comparison.difference!,
      (ops, trials) => {
        if (err.isTTY) err.write(`\rshrinking: ${ops} ops after ${trials} trials `)
      },
    )
    const text = traceText(shrunk.trace, `${source.name}, reduced; differs for ${subject.label}`)
    try {
      await writeFile(output, text)
    } catch (error) {
      throw new BadInput(`-o ${quoted(output)}: ${messageOf(error)}`, { cause: error })
    }
    const style = errStyle(this.#streams)
    const { ops } = shrunk.trace.totals
    await print(err, `${style.bold(`reduced to ${ops} ops: ${output}`)}\n`)
    await print(err, differenceText(subject.label, shrunk.difference))
  }
}

const soakJson = ({ rows, failures }: SoakResult): string =>
  `${JSON.stringify(
    {
      rows,
      failures: failures.map(({ subject, source, comparison }) => ({
        variant: subject.label,
        trace: source.name,
        difference: comparison.difference,
      })),
    },
    undefined,
    2,
  )}\n`
