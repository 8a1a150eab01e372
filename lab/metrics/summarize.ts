/** Boils a finished (or interrupted) variant down to its entry in summary.json. Main thread. */
import type { MachineOutcome } from '../machine/types.ts'
import type { Control } from '../words/control.ts'
import { Counter } from '../words/events.ts'
import { Timed } from '../words/histogram.ts'
import { CounterSums } from './counters.ts'
import { latencyOf } from './percentiles.ts'
import type {
  Anatomy,
  ArenaSummary,
  LockSample,
  PhaseSummary,
  SafepointSample,
  VariantSummary,
} from './types.ts'

/** What is left of a run when its machine has ended. */
export interface FinishedRun {
  /** The variant, as the user wrote it. */
  readonly variant: string
  readonly outcome: MachineOutcome
  readonly control: Control
  /** Figures of the address space at the end, and the kernel's own high-water mark of RSS. */
  readonly space: { readonly rss: number; readonly rssMax: number; readonly vmSize: number }
  /** Highest figures that samples and safepoints saw. */
  readonly liveMax: number
  readonly vmSizeMax: number
  /** Every safepoint, in order. */
  readonly safepoints: readonly SafepointSample[]
  /** Every lock that was ever taken. */
  readonly locks: readonly LockSample[]
  readonly cpu: VariantSummary['cpu']
  readonly notices: readonly string[]
}

/** Locks kept in the summary: those waited for longest. */
const LOCKS_KEPT = 16
const NS_PER_SECOND = 1e9

export function summarizeVariant(run: FinishedRun): VariantSummary {
  const { outcome, control, space } = run
  const sums = new CounterSums(control).refresh()
  const recordingNs = sums.of(Counter.RECORDING_NS)
  const recordingShare = outcome.ns > 0 ? Math.min(1, recordingNs / outcome.ns) : 0
  const seconds = outcome.ns / NS_PER_SECOND
  const carryOutSeconds = seconds * (1 - recordingShare)
  const last = finalSafepoint(run.safepoints)
  const live = sums.of(Counter.LIVE_BYTES)
  const ops = sums.of(Counter.OPS)
  return {
    variant: run.variant,
    outcome: outcome.outcome,
    outcomePhase: outcome.outcome === 'completed' ? null : (outcome.phase ?? null),
    message: outcome.message,
    seconds,
    ops,
    opsPerSecond: carryOutSeconds > 0 ? ops / carryOutSeconds : 0,
    trustworthy: outcome.trustworthy,
    rss: { max: Math.max(space.rssMax, space.rss), end: space.rss },
    rssPerLive: shareOf(space.rss, live),
    vmSize: { max: Math.max(run.vmSizeMax, space.vmSize), end: space.vmSize },
    live: { max: Math.max(run.liveMax, live), end: live },
    minorFaults: sums.of(Counter.MINOR_FAULTS),
    systemCalls: {
      brk: sums.of(Counter.SYS_BRK),
      mmap: sums.of(Counter.SYS_MMAP),
      munmap: sums.of(Counter.SYS_MUNMAP),
      mremap: sums.of(Counter.SYS_MREMAP),
      mprotect: sums.of(Counter.SYS_MPROTECT),
      madvise: sums.of(Counter.SYS_MADVISE),
    },
    arenas: last?.heap.arenas.length ?? 0,
    frees: sums.of(Counter.FREES),
    remoteFrees: sums.of(Counter.REMOTE_FREES),
    failedAllocations: sums.of(Counter.FAILED_ALLOCATIONS),
    lockWaitNs: sums.of(Counter.LOCK_WAIT_NS),
    failedTries: sums.of(Counter.TRYLOCK_FAILURES),
    recordingShare,
    stoppedShare: shareOf(outcome.stoppedNs, outcome.ns + outcome.stoppedNs),
    latencyNs: {
      malloc: latencyOf(control, Timed.MALLOC),
      free: latencyOf(control, Timed.FREE),
    },
    anatomy: last?.anatomy ?? unknownAnatomy(space.rss),
    anatomyAt: last === undefined ? null : last.label || last.reason,
    partial: last?.heap.partial ?? true,
    arenaDetails: last === undefined ? [] : arenasOf(last),
    locks: longestWaited(run.locks),
    violations: run.safepoints.flatMap((safepoint) => safepoint.violations),
    phases: phasesOf(run.safepoints),
    cpu: run.cpu,
    notices: run.notices,
    ...(outcome.simulation === undefined ? {} : { simulation: outcome.simulation }),
    ...(outcome.explored === undefined ? {} : { explored: outcome.explored }),
  }
}

/**
 * The state to explain: that of the OOM kill or of the end, else the last that was seen. A walk
 * that failed at once has seen nothing.
 */
function finalSafepoint(safepoints: readonly SafepointSample[]): SafepointSample | undefined {
  const seen = safepoints.filter(({ heap }) => !heap.partial || heap.arenas.length > 0)
  const closing = seen.findLast(({ reason }) => reason === 'end' || reason === 'oom')
  return closing ?? seen.at(-1)
}

function phasesOf(safepoints: readonly SafepointSample[]): PhaseSummary[] {
  return safepoints
    .filter(({ reason }) => reason === 'phase')
    .map(({ label, t, rss, vmSize, live, minorFaults, ops }) => ({
      label,
      seconds: t / NS_PER_SECOND,
      rss,
      vmSize,
      live,
      minorFaults,
      ops,
    }))
}

function arenasOf(safepoint: SafepointSample): ArenaSummary[] {
  return safepoint.heap.arenas.map((arena, index) => {
    const found = safepoint.arenas[index]
    return {
      name: arena.name,
      system: arena.systemBytes,
      resident: found?.resident ?? 0,
      live: found?.live ?? 0,
      pinnedFree: found?.pinnedFree ?? 0,
      free: arena.freeBytes,
      top: arena.topBytes,
      attachedThreads: arena.attachedThreads,
    }
  })
}

function longestWaited(locks: readonly LockSample[]): LockSample[] {
  return [...locks].sort((a, b) => b.waitNs - a.waitNs).slice(0, LOCKS_KEPT)
}

/** Without any safepoint nothing is known but the sum. */
function unknownAnatomy(rss: number): Anatomy {
  return {
    live: 0,
    blockOverhead: 0,
    threadCaches: 0,
    pinnedFree: 0,
    freeTop: 0,
    freeInBins: 0,
    allocatorState: 0,
    other: rss,
    rss,
  }
}

const shareOf = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)
