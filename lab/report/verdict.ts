/** What came of it, in sentences: one per variant, then what the comparison says to do. */
import type { RunSummary, VariantSummary } from '../metrics/types.ts'
import { MIB } from '../words/units.ts'
import { compact, mib, percent, ratio } from './figures.ts'
import { causesOf, strandedBytes } from './stranded.ts'

/** Differences of RSS smaller than this are not worth recommending anything. */
const SAME_WITHIN = 0.05
/** Nor are those below what any process needs to start. */
const TOO_SMALL_BYTES = 8 * MIB

const memoryLimit = (run: RunSummary): number | undefined => run.limits['memoryLimit'] ?? undefined

/** Label of the last phase mark a variant passed; undefined before the first. */
export const lastPhase = (variant: VariantSummary): string | undefined =>
  variant.phases.at(-1)?.label

/** `after day 3`, `before the first phase mark`; for runs without marks, the time. */
function whenItEnded(variant: VariantSummary): string {
  const last = lastPhase(variant)
  if (last !== undefined) return `after ${last}`
  return `after ${variant.seconds.toFixed(1)} s`
}

/** One sentence for one variant. */
export function variantVerdict(run: RunSummary, variant: VariantSummary): string {
  const first = variant.message.split('\n')[0] ?? ''
  switch (variant.outcome) {
    case 'completed':
      return completedVerdict(run, variant)
    case 'oom-killed':
      return `OOM-killed ${whenItEnded(variant)}: ${strandedVerdict(variant)}`
    case 'deadlock':
      return first || 'deadlock'
    case 'corrupted':
      return `heap corrupted ${whenItEnded(variant)}: ${first}`
    case 'interrupted':
      return `interrupted ${whenItEnded(variant)}: partial figures`
    default:
      return `ended early ${whenItEnded(variant)}: ${first}`
  }
}

function completedVerdict(run: RunSummary, variant: VariantSummary): string {
  const limit = memoryLimit(run)
  const failed = variant.failedAllocations
  const failures = failed > 0 ? `; ${compact(failed)} allocations failed` : ''
  if (limit !== undefined) {
    return `survives: peak ${percent(variant.rss.max, limit)} of the limit${failures}`
  }
  if (variant.live.end <= 0) {
    return `completed: ${mib(variant.rss.end)} resident, nothing live${failures}`
  }
  const times = ratio(variant.rss.end, variant.live.end)
  return `completed: ends at ${times} × live${failures}`
}

function strandedVerdict(variant: VariantSummary): string {
  const { anatomy } = variant
  if (variant.anatomyAt === null) return `${mib(variant.rss.end)} resident`
  const main = causesOf(anatomy)[0]
  const live = `${mib(anatomy.rss)} resident, ${mib(anatomy.live)} live`
  if (main === undefined || main.bytes < strandedBytes(anatomy) / 4) return live
  return `${live}, ${mib(main.bytes)} ${main.text}`
}

/** What the variants say together; empty lines never. */
export function comparison(run: RunSummary): string[] {
  const { variants } = run
  const missing = run.variantsAsked.slice(variants.length)
  if (missing.length > 0 || variants.some(({ outcome }) => outcome === 'interrupted')) {
    const notRun = missing.length > 0 ? ` (not run: ${listed(missing)})` : ''
    return [`Ended early: the figures are partial, and nothing is compared${notRun}.`]
  }
  const killed = variants.filter(({ outcome }) => outcome === 'oom-killed')
  const survived = variants.filter(({ outcome }) => outcome === 'completed')
  return [...outcomeLines(run, killed, survived), ...leftOut(variants)]
}

function outcomeLines(
  run: RunSummary,
  killed: readonly VariantSummary[],
  survived: readonly VariantSummary[],
): string[] {
  if (killed.length > 0) return killedComparison(run, killed, survived)
  if (survived.length > 1) return survivedComparison(survived)
  const only = survived[0]
  return run.variants.length === 1 && only !== undefined ? advice(only) : []
}

/** Variants that ended neither well nor by the limit: their figures say nothing about memory. */
function leftOut(variants: readonly VariantSummary[]): string[] {
  const broken = variants.filter(
    ({ outcome }) => outcome !== 'oom-killed' && outcome !== 'completed',
  )
  if (broken.length === 0 || variants.length === 1) return []
  const are = broken.length === 1 ? 'is' : 'are'
  return [
    `${listed(broken.map(({ variant }) => variant))} did not run properly and ${are} not compared.`,
  ]
}

function killedComparison(
  run: RunSummary,
  killed: readonly VariantSummary[],
  survived: readonly VariantSummary[],
): string[] {
  const limit = mib(memoryLimit(run) ?? killed[0]!.rss.max)
  const names = listed(killed.map(({ variant }) => variant))
  if (survived.length === 0) {
    const tried = killed.length === 1 ? `${names} does not survive` : `None of ${names} survives`
    return [`${tried} ${limit}.`, ...advice(killed[0]!)]
  }
  const byPeak = [...survived].sort((a, b) => a.rss.max - b.rss.max)
  const survivors = listed(byPeak.map(({ variant }) => variant))
  const survive = byPeak.length === 1 ? 'survives' : 'survive'
  const ends = killed.length === 1 ? ` ${whenItEnded(killed[0]!)}` : ''
  const lines = [`${survivors} ${survive} the ${limit} that ${kills(killed)} ${names}${ends}.`]
  lines.push(...priceOf(byPeak[0]!, killed[0]!))
  return lines
}

const kills = (killed: readonly VariantSummary[]): string => (killed.length > 1 ? 'kill' : 'kills')

/** What the fix costs: the rate of ops, and time lost on locks. */
function priceOf(fix: VariantSummary, baseline: VariantSummary): string[] {
  if (baseline.opsPerSecond <= 0 || fix.opsPerSecond <= 0) return []
  const rate = fix.opsPerSecond / baseline.opsPerSecond
  const speed =
    rate > 1 - SAME_WITHIN && rate < 1 + SAME_WITHIN
      ? 'at the same rate of ops'
      : `at ${ratio(rate, 1)} × the rate of ops`
  const waits = `lock wait ${seconds(fix.lockWaitNs)} against ${seconds(baseline.lockWaitNs)}`
  return [`${fix.variant} runs ${speed} of ${baseline.variant}; ${waits}.`]
}

const seconds = (ns: number): string => `${(ns / 1e9).toFixed(2)} s`

function survivedComparison(survived: readonly VariantSummary[]): string[] {
  const byEnd = [...survived].sort((a, b) => a.rss.end - b.rss.end)
  const [best, worst] = [byEnd[0]!, byEnd.at(-1)!]
  const saved = worst.rss.end - best.rss.end
  if (saved < SAME_WITHIN * worst.rss.end || saved < TOO_SMALL_BYTES) {
    return ['RSS at the end is about the same for all of them.', ...fastest(survived)]
  }
  return [
    `${best.variant} ends lowest: ${mib(best.rss.end)}, ${percent(saved, worst.rss.end)} less than ` +
      `${worst.variant} (${mib(worst.rss.end)}).`,
    ...priceOf(best, worst),
  ]
}

/** Where memory does not decide, speed may. */
function fastest(survived: readonly VariantSummary[]): string[] {
  const bySpeed = [...survived].sort((a, b) => b.opsPerSecond - a.opsPerSecond)
  const [best, ...others] = bySpeed
  const worst = others.at(-1)
  if (best === undefined || worst === undefined || worst.opsPerSecond <= 0) return []
  if (best.opsPerSecond < (1 + SAME_WITHIN) * worst.opsPerSecond) return []
  const times = others.map(
    ({ variant, opsPerSecond }) => `${ratio(best.opsPerSecond, opsPerSecond)} × ${variant}`,
  )
  return [
    `${best.variant} carries out most ops: ${compact(best.opsPerSecond)} per second, ` +
      `${listed(times)}.`,
  ]
}

/** RSS below so many times live is no problem worth advice. */
const HEALTHY_RATIO = 1.5

/** What to try next, where the cause has a known remedy in glibc's tunables. */
export function advice(variant: VariantSummary): string[] {
  const { anatomy } = variant
  const [design = '', set = ''] = variant.variant.split(':')
  if (design !== 'glibc' || variant.anatomyAt === null) return []
  if (anatomy.rss < HEALTHY_RATIO * anatomy.live) return []
  const main = causesOf(anatomy)[0]?.cause
  const fewerArenas = variant.arenas > 1 && !set.includes('arena_max')
  if ((main === 'pinnedFree' || main === 'freeInBins') && fewerArenas) {
    return ['Try -a glibc:arena_max=1 beside it: does sharing one arena hold RSS down?']
  }
  if (main === 'freeTop' && !set.includes('trim_threshold')) {
    return ['Try -a glibc:trim_threshold=131072 beside it: the tops are free but above it.']
  }
  if (main === 'threadCaches' && !set.includes('tcache_count')) {
    return ['Try -a glibc:tcache_count=0 beside it: thread caches hold most of it.']
  }
  return []
}

/** `a`, `a and b`, `a, b and c`. */
function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
