/** What came of it, in sentences: one per variant, then what the comparison says to do. */
import type { Explored } from '../machine/types.ts'
import type { RunSummary, VariantSummary } from '../metrics/types.ts'
import { MIB } from '../words/units.ts'
import { compact, grouped, mib, percent, ratio } from './figures.ts'
import { type Cause, causesOf, strandedBytes } from './stranded.ts'

/** Differences of RSS smaller than this are not worth recommending anything. */
const SAME_WITHIN = 0.05
/** So many times the faults of another variant are worth a line. */
const FAULT_STORM = 10
/** Beyond so many times live the two figures say more than their ratio. */
const RATIO_TOLD_MAX = 100
/** Nor are those below what any process needs to start. */
const TOO_SMALL_BYTES = 8 * MIB

const memoryLimit = (run: RunSummary): number | undefined => run.limits['memoryLimit'] ?? undefined

/** Label of the last phase mark a variant passed; undefined before the first. */
const lastPhase = (variant: VariantSummary): string | undefined => variant.phases.at(-1)?.label

/** `after day 3`, `before the first phase mark`; for runs without marks, the time. */
function whenItEnded(variant: VariantSummary): string {
  const schedule = variant.explored?.failedSchedule
  if (schedule !== undefined) return `in schedule ${schedule}`
  const last = lastPhase(variant)
  if (last !== undefined) return `after "${last}"`
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
  if (variant.explored !== undefined) return exploredVerdict(variant.explored)
  const limit = memoryLimit(run)
  const failed = variant.failedAllocations
  const failures = failed > 0 ? `; ${compact(failed)} allocations failed` : ''
  if (limit !== undefined) {
    return `survives: peak ${percent(variant.rss.max, limit)} of the limit${failures}`
  }
  if (variant.live.end <= 0) {
    return `completed: ${mib(variant.rss.end)} resident, nothing live${failures}`
  }
  if (variant.rssPerLive > RATIO_TOLD_MAX) {
    const live = mib(variant.live.end)
    return `completed: ${mib(variant.rss.end)} resident for ${live} live${failures}`
  }
  return `completed: ends at ${ratio(variant.rss.end, variant.live.end)} × live${failures}`
}

function exploredVerdict({ schedules, accesses, switches, checks, cut }: Explored): string {
  const tooLong =
    cut > 0 ? `; ${compact(cut)} of them were cut short: too long, or out of memory` : ''
  return (
    `nothing found in ${compact(schedules)} schedules (${compact(accesses)} accesses, ` +
    `${compact(switches)} switches, ${compact(checks)} checks of the heap)${tooLong}`
  )
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
  // Figures of a last schedule are no measure of anything.
  if (variants.some(({ explored }) => explored !== undefined)) return []
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
  if (survived.length > 1) return survivedComparison(run, survived)
  const only = survived[0]
  return run.variants.length === 1 && only !== undefined ? advice(run, only) : []
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
    return [`${tried} ${limit}.`, ...advice(run, killed[0]!)]
  }
  const byPeak = [...survived].sort((a, b) => a.rss.max - b.rss.max)
  const survivors = listed(byPeak.map(({ variant }) => variant))
  const survive = byPeak.length === 1 ? 'survives' : 'survive'
  const ends = killed.length === 1 ? ` ${whenItEnded(killed[0]!)}` : ''
  const lines = [`${survivors} ${survive} the ${limit} that ${kills(killed)} ${names}${ends}.`]
  lines.push(...priceOf(run, byPeak[0]!, killed[0]!))
  return lines
}

const kills = (killed: readonly VariantSummary[]): string => (killed.length > 1 ? 'kill' : 'kills')

/** Variants that ran at once took each other's CPU: their speeds say nothing of them. */
const sharedTheHost = ({ lockstep, machine }: RunSummary): boolean =>
  lockstep === true && machine === 'threads'

/** What the fix costs: the rate of ops, and time lost on locks. */
function priceOf(run: RunSummary, fix: VariantSummary, baseline: VariantSummary): string[] {
  if (sharedTheHost(run)) return []
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

function survivedComparison(run: RunSummary, survived: readonly VariantSummary[]): string[] {
  const byEnd = [...survived].sort((a, b) => a.rss.end - b.rss.end)
  const [best, worst] = [byEnd[0]!, byEnd.at(-1)!]
  const saved = worst.rss.end - best.rss.end
  if (saved < SAME_WITHIN * worst.rss.end || saved < TOO_SMALL_BYTES) {
    return ['RSS at the end is about the same for all of them.', ...fastest(run, survived)]
  }
  return [
    `${best.variant} ends lowest: ${mib(best.rss.end)}, ` +
      `${percent(saved, worst.rss.end)} less than ${worst.variant} (${mib(worst.rss.end)}).`,
    ...priceOf(run, best, worst),
  ]
}

/** Where memory does not decide, speed may. */
function fastest(run: RunSummary, survived: readonly VariantSummary[]): string[] {
  if (sharedTheHost(run)) return []
  const bySpeed = [...survived].sort((a, b) => b.opsPerSecond - a.opsPerSecond)
  const [best, ...others] = bySpeed
  const worst = others.at(-1)
  if (best === undefined || worst === undefined || worst.opsPerSecond <= 0) return []
  if (best.opsPerSecond < (1 + SAME_WITHIN) * worst.opsPerSecond) return []
  const times = others.map(
    ({ variant, opsPerSecond }) =>
      `${ratio(best.opsPerSecond, opsPerSecond)} × as many as ${variant}`,
  )
  return [
    `${best.variant} carries out most ops: ${compact(best.opsPerSecond)} per second, ` +
      `${listed(times)}.`,
    ...faultsApart(best, worst),
  ]
}

/** A storm of page faults is what makes an allocator slow without any memory to show for it. */
function faultsApart(best: VariantSummary, worst: VariantSummary): string[] {
  if (worst.minorFaults < FAULT_STORM * Math.max(1, best.minorFaults)) return []
  const [many, few] = [grouped(worst.minorFaults), grouped(best.minorFaults)]
  return [`${worst.variant} takes ${many} minor faults, ${best.variant} ${few}.`]
}

/** RSS below so many times live is no problem worth advice. */
const HEALTHY_RATIO = 1.5

/** What to try next, where the cause has a known remedy in glibc's tunables. */
function advice(run: RunSummary, variant: VariantSummary): string[] {
  const { anatomy } = variant
  if (variant.variant !== 'glibc' || variant.anatomyAt === null) return []
  if (anatomy.rss < HEALTHY_RATIO * anatomy.live) return []
  const remedy = REMEDIES[causesOf(anatomy)[0]?.cause ?? 'other']
  if (remedy === ONE_ARENA && variant.arenas < 2) return []
  if (remedy === undefined || run.variantsAsked.includes(remedy.variant)) return []
  return [`Try -a ${remedy.variant} beside it: ${remedy.question}`]
}

const ONE_ARENA = {
  variant: 'glibc:arena_max=1',
  question: 'does sharing one arena hold RSS down?',
} as const

const REMEDIES: Readonly<Partial<Record<Cause, { variant: string; question: string }>>> = {
  pinnedFree: ONE_ARENA,
  freeInBins: ONE_ARENA,
  freeTop: {
    variant: 'glibc:trim_threshold=131072',
    question: 'does trimming the tops earlier give it back?',
  },
  threadCaches: {
    variant: 'glibc:tcache_count=0',
    question: 'do the thread caches hold it?',
  },
}

/** `a`, `a and b`, `a, b and c`. */
function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
