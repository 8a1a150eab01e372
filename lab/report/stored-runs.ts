/** Runs of the past: finding their folders, reading what is in them, removing them. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { RunSummary } from '../metrics/types.ts'
import { BadInput, quoted } from '../words/bad-input.ts'
import { unknownName } from '../words/nearest.ts'
import type { AskedRun } from './embedded-run.ts'
import { PMAP_FILE, type PmapFile, RUN_FILE, RUNS, SUMMARY_FILE } from './run-folder.ts'

export interface StoredRun {
  readonly name: string
  readonly path: string
  /** Undefined when the run never ended properly. */
  readonly summary: RunSummary | undefined
  /** Variants that were asked for. */
  readonly asked: readonly string[]
  /** What is to be shown of it: its summary, or what was asked for; undefined for neither. */
  readonly shown: RunSummary | AskedRun | undefined
}

/** Names of the run folders below `directory`, oldest first. */
export function runNames(directory: string): string[] {
  try {
    return readdirSync(join(directory, RUNS), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
  } catch {
    return []
  }
}

/** Every run below `directory`, oldest first. */
export const storedRuns = (directory: string): StoredRun[] =>
  runNames(directory).map((name) => readStoredRun(join(directory, RUNS, name)))

/** The run of exactly this name below `directory`, or undefined. */
export function storedRun(directory: string, name: string): StoredRun | undefined {
  return runNames(directory).includes(name) ? readStoredRun(join(directory, RUNS, name)) : undefined
}

/**
 * The run that the user means: `last`, a folder's name, the id at its end, any part that only one
 * name has, or the path of a run folder. Throws `BadInput` when there is none, or more than one.
 */
export function findRun(directory: string, wanted: string): StoredRun {
  return isRunFolder(wanted) ? readStoredRun(wanted) : findRunByName(directory, wanted)
}

/** As `findRun`, below `directory` alone: what may be removed. */
export function findRunByName(directory: string, wanted: string): StoredRun {
  const names = runNames(directory)
  const newest = names.at(-1)
  if (newest === undefined) {
    throw new BadInput(`there are no runs below ${quoted(join(directory, RUNS))}`)
  }
  if (wanted === 'last') return readStoredRun(join(directory, RUNS, newest))
  const exact = names.filter((name) => name === wanted || name.endsWith(`-${wanted}`))
  const found = exact.length > 0 ? exact : names.filter((name) => name.includes(wanted))
  if (found.length > 1) {
    throw new BadInput(
      `${quoted(wanted)} fits ${found.length} runs: ${found.slice(-3).reverse().join(', ')}` +
        `${found.length > 3 ? ', …' : ''}`,
    )
  }
  const only = found[0]
  if (only === undefined) throw unknownName('run', wanted, [...names].reverse())
  return readStoredRun(join(directory, RUNS, only))
}

export function removeRun(run: StoredRun): void {
  rmSync(run.path, { recursive: true, force: true })
}

/** The mappings of each variant at its end; undefined when they were not written. */
export const readPmap = (run: StoredRun): PmapFile | undefined =>
  readJson<PmapFile>(join(run.path, PMAP_FILE))

function isRunFolder(path: string): boolean {
  return statSync(join(path, RUN_FILE), { throwIfNoEntry: false })?.isFile() ?? false
}

function readStoredRun(path: string): StoredRun {
  const summary = readSummary(path)
  const shown = summary ?? askedRun(path)
  return { name: basename(path), path, summary, asked: shown?.variantsAsked ?? [], shown }
}

/** The part of run.json that tells what a run was to be. */
interface RunFile {
  readonly scenario: string
  readonly machine: RunSummary['machine']
  readonly seed: number
  readonly plans: readonly {
    readonly variant: { readonly label: string }
    readonly cores: number
    readonly params: RunSummary['params']
    readonly limits: Partial<RunSummary['limits']>
  }[]
}

/** Of a run that left no summary: what its plans say. */
function askedRun(path: string): AskedRun | undefined {
  const run = readJson<RunFile>(join(path, RUN_FILE))
  const plan = Array.isArray(run?.plans) ? run.plans[0] : undefined
  if (run === undefined || plan === undefined) return undefined
  const { memoryLimit = null, addressSpaceLimit = null } = plan.limits
  return {
    scenario: run.scenario,
    machine: run.machine,
    seed: run.seed,
    cores: plan.cores,
    params: plan.params,
    limits: { ...plan.limits, memoryLimit, addressSpaceLimit } as RunSummary['limits'],
    variantsAsked: run.plans.map(({ variant }) => variant.label),
  }
}

function readSummary(path: string): RunSummary | undefined {
  const summary = readJson<RunSummary>(join(path, SUMMARY_FILE))
  return Array.isArray(summary?.variants) ? summary : undefined
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return undefined
  }
}
