/** Fixed summaries that tests render: the main job's two variants, figures as in CASES C1. */
import type { ArenaSummary, RunSummary, VariantSummary } from '../../metrics/types.ts'
import { MIB } from '../../words/units.ts'

const arena = (index: number, pinnedMib: number): ArenaSummary => ({
  name: index === 0 ? 'main arena' : `arena ${index}`,
  system: 64 * MIB,
  resident: 50 * MIB,
  live: 12 * MIB,
  pinnedFree: pinnedMib * MIB,
  free: 30 * MIB,
  top: MIB,
  attachedThreads: 1,
})

const day = (label: string, seconds: number, rssMib: number) => ({
  label,
  seconds,
  rss: rssMib * MIB,
  vmSize: 2 * rssMib * MIB,
  live: 260 * MIB,
  minorFaults: 256 * rssMib,
  ops: 1e6 * seconds,
})

export const killed: VariantSummary = {
  variant: 'glibc',
  outcome: 'oom-killed',
  outcomePhase: 'day 2',
  message: 'out of memory: lab thread 34 touched a page beyond the memory limit of 768MiB',
  seconds: 4.25,
  ops: 5_123_456,
  opsPerSecond: 1_234_567,
  trustworthy: true,
  rssPerLive: 3,
  rss: { max: 768 * MIB, end: 768 * MIB },
  vmSize: { max: 1100 * MIB, end: 1100 * MIB },
  live: { max: 520 * MIB, end: 256 * MIB },
  minorFaults: 196_608,
  systemCalls: { brk: 120, mmap: 40, munmap: 22, mremap: 0, mprotect: 9000, madvise: 0 },
  arenas: 14,
  frees: 1_000_000,
  remoteFrees: 998_000,
  failedAllocations: 0,
  lockWaitNs: 123_000_000,
  failedTries: 0,
  recordingShare: 0.31,
  stoppedShare: 0.004,
  latencyNs: {
    malloc: { p50: 12, p99: 1535, p999: 20_479, timed: 40_000 },
    free: { p50: 95, p99: 2047, p999: 40_959, timed: 15_000 },
  },
  anatomy: {
    live: 256 * MIB,
    blockOverhead: 10 * MIB,
    threadCaches: MIB,
    pinnedFree: 400 * MIB,
    freeTop: 12 * MIB,
    freeInBins: 83 * MIB,
    allocatorState: 2 * MIB,
    other: 4 * MIB,
    rss: 768 * MIB,
  },
  anatomyAt: 'oom',
  partial: false,
  arenaDetails: Array.from({ length: 14 }, (_, index) => arena(index, 20 + index)),
  locks: [],
  violations: [],
  phases: [day('day 0', 0.4, 267), day('day 1', 1.5, 610), day('day 2', 2.8, 701)],
  cpu: { seconds: 8, mainSeconds: 0.1 },
  notices: [],
}

export const survivor: VariantSummary = {
  ...killed,
  variant: 'glibc:arena_max=1',
  outcome: 'completed',
  outcomePhase: null,
  message: '',
  seconds: 11.5,
  opsPerSecond: 765_432,
  rssPerLive: 2.05,
  rss: { max: 536 * MIB, end: 533 * MIB },
  live: { max: 520 * MIB, end: 260 * MIB },
  arenas: 1,
  lockWaitNs: 9_870_000_000,
  anatomy: {
    ...killed.anatomy,
    live: 260 * MIB,
    pinnedFree: 120 * MIB,
    freeInBins: 125 * MIB,
    rss: 534 * MIB,
  },
  anatomyAt: 'end',
  arenaDetails: [arena(0, 120)],
  phases: [
    day('day 0', 0.5, 267),
    day('day 1', 2.5, 525),
    day('day 2', 4.8, 528),
    day('day 3', 6.8, 529),
  ],
}

export const mainJob: RunSummary = {
  scenario: 'seedservice',
  machine: 'threads',
  cores: 2,
  seed: 42,
  params: { days: 10, skew: true },
  limits: { memoryLimit: 768 * MIB, addressSpaceLimit: null, overcommitMemory: 0 },
  folder: '.arena-lab/runs/20260101T000000Z-seedservice-glibc-a1b2c3',
  variantsAsked: ['glibc', 'glibc:arena_max=1'],
  variants: [killed, survivor],
}
