/**
 * Sweeps: `-P threads=1,2,4`, `-P threads=1..16`, `-P cores=1,2,4,…,192`. Each point is a run of
 * its own, with its own folder; they go one after the other.
 */
import { resolve } from 'node:path'
import { builtInScenarios } from '../../scenarios/index.ts'
import { checkOutputPath } from '../report/run-folder.ts'
import { sweepHtml } from '../report/sweep-html.ts'
import type { SweepAxis, SweepPoint, SweepSummary } from '../report/sweep-types.ts'
import { diskProblem, writeWholeFile } from '../report/whole-file.ts'
import type { Assignment } from '../words/assignments.ts'
import { parseWhole } from '../words/assignments.ts'
import { BadInput, quoted } from '../words/bad-input.ts'
import { loadScenario } from '../workload/load.ts'
import { resolveRequest } from './resolve.ts'
import { runVariants } from './run.ts'
import { ExitCode, type RunHooks, type RunRequest } from './types.ts'

/** Not a scenario's parameter: the CPUs of the modelled process. */
const CORES = 'cores'
/** A scenario's parameter that follows `cores` in a sweep, unless it is given. */
const THREADS = 'threads'
const CORES_MAX = 1024
const POINTS_MAX = 1000
const ELLIPSIS = /^(…|\.\.\.)$/

export interface SweepRequest {
  /** None: nothing is swept, and `plain` is the run. */
  readonly axes: readonly SweepAxis[]
  readonly plain: RunRequest
  /** One for each point, in order. */
  readonly points: readonly { values: Readonly<Record<string, string>>; request: RunRequest }[]
}

export interface SweepResult {
  readonly summary: SweepSummary
  readonly exitCode: ExitCode
  readonly problems: readonly string[]
}

/** Throws `BadInput` for values that cannot be. */
export async function sweepOf(request: RunRequest): Promise<SweepRequest> {
  const axes: SweepAxis[] = []
  const fixed: Assignment[] = []
  for (const assignment of request.params) {
    const values = valuesOf(assignment)
    if (values.length > 1) axes.push({ name: assignment.name, values })
    else fixed.push({ name: assignment.name, text: values[0]! })
  }
  const sweepsCores = [...axes, ...fixed].some(({ name }) => name === CORES)
  const follows = sweepsCores && (await threadsFollow(request))
  const points = product(axes).map((values) => {
    const given = [...fixed, ...Object.entries(values).map(([name, text]) => ({ name, text }))]
    return { values, request: pointRequest(request, given, follows) }
  })
  const plain = { ...points[0]!.request, outputs: request.outputs }
  if (axes.length === 0) return { axes, plain, points }
  if (points.length > POINTS_MAX) {
    throw new BadInput(`${points.length} points in one sweep: at most ${POINTS_MAX}`)
  }
  checkOutputs(request)
  // A point that cannot work is refused before the first one runs.
  for (const point of points) await resolveRequest(point.request)
  return { axes, plain, points }
}

/** The values of `1,2,4`, `1..16`, `1,2,4,…,192`; one for anything else. */
export function valuesOf({ name, text }: Assignment): string[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(text)
  if (range !== null) return integers(name, Number(range[1]), Number(range[2]))
  const given = text.split(',').map((value) => value.trim())
  if (given.includes(''))
    throw new BadInput(`parameter ${name}=${quoted(text)}: a value is missing`)
  return given.flatMap((value, place) =>
    ELLIPSIS.test(value) ? doublings(name, text, given[place - 1], given[place + 1]) : [value],
  )
}

function integers(name: string, from: number, to: number): string[] {
  if (to < from || to - from >= POINTS_MAX) {
    throw new BadInput(`parameter ${name}=${from}..${to}: expected up to ${POINTS_MAX} values`)
  }
  return Array.from({ length: to - from + 1 }, (_, step) => `${from + step}`)
}

/** What `…` stands for between two values: the doubled ones. */
function doublings(name: string, text: string, from = '', to = ''): string[] {
  const first = parseWhole(from)
  const last = parseWhole(to)
  if (first === undefined || last === undefined || first <= 0) {
    throw new BadInput(`parameter ${name}=${quoted(text)}: … stands between two numbers`)
  }
  const values: string[] = []
  for (let value = 2 * first; value < last; value *= 2) values.push(`${value}`)
  return values
}

function product(axes: readonly SweepAxis[]): Record<string, string>[] {
  let points: Record<string, string>[] = [{}]
  for (const { name, values } of axes) {
    points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })))
  }
  return points
}

async function threadsFollow({ scenario: name, params }: RunRequest): Promise<boolean> {
  const scenario = await loadScenario(name, builtInScenarios)
  const given = params.some((param) => param.name === THREADS)
  return !given && Object.hasOwn(scenario.params, THREADS)
}

function pointRequest(
  request: RunRequest,
  given: readonly Assignment[],
  threadsFollowCores: boolean,
): RunRequest {
  const params = given.filter(({ name }) => name !== CORES)
  const text = given.find(({ name }) => name === CORES)?.text
  if (text === undefined) return { ...request, params, outputs: [] }
  const cores = parseWhole(text) ?? 0
  if (cores < 1 || cores > CORES_MAX) {
    throw new BadInput(`cores=${quoted(text)}: expected a whole number from 1 to ${CORES_MAX}`)
  }
  const followed = threadsFollowCores ? [...params, { name: THREADS, text }] : params
  return { ...request, params: followed, cores, outputs: [] }
}

function checkOutputs({ outputs }: RunRequest): void {
  for (const { kind, path } of outputs) {
    if (kind !== 'html' && kind !== 'json') {
      throw new BadInput(`--out ${kind}=…: a sweep is written as html or json`)
    }
    checkOutputPath(path)
  }
}

/** Runs every point. As `runVariants`, it rejects only before the first one has started. */
export async function runSweep(
  request: RunRequest,
  sweep: SweepRequest,
  hooks: RunHooks,
  signal: AbortSignal,
): Promise<SweepResult> {
  const points: SweepPoint[] = []
  const problems: string[] = []
  let exitCode: ExitCode = ExitCode.EXPECTED
  for (const point of sweep.points) {
    if (signal.aborted) break
    const result = await runVariants(point.request, hooks, signal)
    points.push({ values: point.values, summary: result.summary })
    problems.push(...result.problems)
    if (result.exitCode !== ExitCode.EXPECTED) exitCode = result.exitCode
  }
  const summary: SweepSummary = {
    scenario: points[0]?.summary.scenario ?? request.scenario,
    machine: request.machine,
    seed: request.seed,
    axes: sweep.axes,
    points,
  }
  const unwritten = writeOutputs(request, summary)
  if (unwritten.length > 0 && exitCode === ExitCode.EXPECTED) exitCode = ExitCode.INTERNAL
  return { summary, exitCode, problems: [...problems, ...unwritten] }
}

function writeOutputs({ outputs }: RunRequest, summary: SweepSummary): string[] {
  const problems: string[] = []
  for (const { kind, path } of outputs) {
    try {
      const text = kind === 'html' ? sweepHtml(summary) : `${JSON.stringify(summary, null, 2)}\n`
      writeWholeFile(resolve(path), text)
    } catch (error) {
      problems.push(`${path} could not be written: ${diskProblem(error)}`)
    }
  }
  return problems
}
