/** The soak: random traces over threads × profiles, for every set of tunables. */
import type { NativeSettings } from '../../machine/native/environment.ts'
import { PROFILE_NAMES, type ProfileName } from '../../workload/trace/profiles.ts'
import { type CompareOptions, type Comparison, compareTrace } from './compare.ts'
import type { Subject } from './subject.ts'
import { randomSource, type TraceSource } from './trace-source.ts'

/** The sets of tunables that the model is held to when no variant is named. */
export const SOAK_VARIANTS: readonly string[] = [
  'glibc',
  'glibc:tcache_count=0',
  'glibc:arena_max=1',
  'glibc:arena_max=2',
  'glibc:arena_max=4',
  'glibc:mmap_threshold=131072',
  'glibc:mmap_threshold=4096',
  'glibc:trim_threshold=131072',
  'glibc:trim_threshold=0,top_pad=0',
  'glibc:top_pad=1048576',
  'glibc:mmap_max=0',
  'glibc:mxfast=0',
  'glibc:tcache_max=64',
  'glibc:tcache_count=100',
]

/** Beyond the soak's sets: tunables that lead where none of those does. */
export const MORE_VARIANTS: readonly string[] = [
  'glibc:perturb=85',
  'glibc:tcache_unsorted_limit=3',
  'glibc:trim_threshold=-1',
  'glibc:mmap_max=3',
  'glibc:arena_test=1',
  'glibc:top_pad=100000000',
]

export const SOAK_THREADS: readonly number[] = [1, 2, 4, 16, 40]
/** The least mmap threshold where none is assigned: DEFAULT_MMAP_THRESHOLD. */
const MMAP_THRESHOLD = 128 * 1024

export interface SoakOptions extends CompareOptions {
  readonly seed: number
  /** Traces of each variant. */
  readonly traces: number
  /** Ops of each trace. */
  readonly ops: number
  /** Thread counts and profiles that traces take in turn. */
  readonly threads: readonly number[]
  readonly profiles: readonly ProfileName[]
  /** Comparisons under way at once. */
  readonly jobs: number
}

/** Sums over all traces of one variant. */
export interface SoakRow {
  readonly variant: string
  readonly traces: number
  readonly ops: number
  readonly placements: number
  readonly checkpoints: number
  /** memaligns left out. */
  readonly left: number
  /** Traces that differ. */
  readonly differing: number
}

/** The first trace of a variant that differs. */
export interface SoakFailure {
  readonly subject: Subject
  readonly source: TraceSource
  readonly comparison: Comparison
}

export interface SoakListener {
  /** A variant is through. */
  onVariant?(row: SoakRow): void
}

export interface SoakResult {
  readonly rows: readonly SoakRow[]
  readonly failures: readonly SoakFailure[]
}

/** Every variant is carried out to its end, whatever the others show; `signal` ends it early. */
export async function soak(
  subjects: readonly Subject[],
  options: SoakOptions,
  listener: SoakListener,
  signal: AbortSignal,
): Promise<SoakResult> {
  const rows: SoakRow[] = []
  const failures: SoakFailure[] = []
  for (const [place, subject] of subjects.entries()) {
    const row = { variant: subject.label, ...zeros }
    let failure: SoakFailure | undefined
    await inParallel(options.jobs, options.traces, async (number) => {
      if (signal.aborted) return
      // Every trace of the soak has a seed of its own.
      const seed = options.seed + place * options.traces + number
      const source = soakTrace(subject.settings, options, number, seed)
      const comparison = await compareTrace(source, subject, options)
      // A replayer that Ctrl-C has ended shows nothing.
      if (signal.aborted && comparison.difference?.what === 'abort') return
      row.traces++
      row.ops += comparison.ops
      row.placements += comparison.placements
      row.checkpoints += comparison.checkpoints
      row.left += comparison.left.length
      if (comparison.difference !== undefined) {
        row.differing++
        failure ??= { subject, source, comparison }
      }
    })
    rows.push(row)
    listener.onVariant?.(row)
    if (failure !== undefined) failures.push(failure)
  }
  return { rows, failures }
}

const zeros = { traces: 0, ops: 0, placements: 0, checkpoints: 0, left: 0, differing: 0 }

/**
 * Trace `number` of a variant. Thread counts turn fastest, and profiles with them, one further each
 * round: so many traces as there are of either meet all of either, and their product every pair.
 */
export function soakTrace(
  settings: NativeSettings,
  options: Pick<SoakOptions, 'threads' | 'profiles' | 'ops'>,
  number: number,
  seed: number,
): TraceSource {
  const { threads, profiles, ops } = options
  const round = Math.floor(number / threads.length)
  const assigned = Number(settings['mmap_threshold'] ?? MMAP_THRESHOLD)
  return randomSource({
    seed,
    threads: threads[number % threads.length]!,
    ops,
    profile: profiles[(number + round) % profiles.length] ?? 'mixed',
    mmapThreshold: Math.min(assigned, MMAP_THRESHOLD),
  })
}

export const SOAK_PROFILES: readonly ProfileName[] = PROFILE_NAMES

/** Calls `work` for 0 … count - 1, at most `most` at once, started in order. */
async function inParallel(
  most: number,
  count: number,
  work: (number: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: Math.min(most, count) }, one))
}
