/**
 * The shapes of what a run measures: one line of `samples.ndjson`, what a safepoint adds, and
 * `summary.json`. Bytes and nanoseconds throughout. Others read these files: add fields, never
 * rename one.
 */
import type { HeapReport, Violation } from '../../allocators/contract.ts'
import type { Explored, Outcome, SimulationFigures } from '../machine/types.ts'
import type { Survey } from './survey-types.ts'

/** RSS by cause. At a safepoint the parts add up to `rss` exactly. */
export interface Anatomy {
  /** Resident bytes of blocks the workload holds (requested part). */
  readonly live: number
  /** Headers of live blocks, and what they were rounded up by. */
  readonly blockOverhead: number
  /** Free, in threads' caches. */
  readonly threadCaches: number
  /** Free whole pages kept by a block above them in their heap, or in a newer heap of the arena. */
  readonly pinnedFree: number
  /** Free at the end of a heap. */
  readonly freeTop: number
  /** Free in bins, sharing its pages with something that is not free. */
  readonly freeInBins: number
  /** The allocator's own state. */
  readonly allocatorState: number
  /** Resident pages that no design accounts for: thread stacks, static data of the process. */
  readonly other: number
  readonly rss: number
}

/** What one arena adds to the anatomy. */
export interface ArenaAnatomy {
  readonly resident: number
  /** Requested bytes that are resident. */
  readonly live: number
  readonly pinnedFree: number
}

export interface ArenaSample {
  readonly name: string
  /** Bytes got from the system, and resident bytes of them. */
  readonly system: number
  readonly resident: number
  readonly top: number
  readonly attachedThreads: number
  /** As of the last safepoint. */
  readonly live: number
  readonly free: number
  readonly lockWaitNs: number
}

export interface LockSample {
  readonly name: string
  readonly acquisitions: number
  readonly spinAcquisitions: number
  readonly waits: number
  readonly waitNs: number
  readonly waitNsMax: number
  readonly waitersMax: number
  readonly ownerSwitches: number
  /** Failed tryLocks; 0 where a machine counts them by lab thread only, as `threads` does. */
  readonly failedTries: number
}

/** One seat: what its lab thread does, and its running totals (earlier lab threads' included). */
export interface ThreadSample {
  /** Lab thread number; -1 when the seat is free. */
  readonly thread: number
  readonly ops: number
  readonly lockWaitNs: number
  /** A `SeatState`, in lower case. */
  readonly state: string
}

/** One line of samples.ndjson: taken without stopping anybody. Counts are running totals. */
export interface Sample {
  readonly type: 'sample'
  /** Nanoseconds since the start barrier. */
  readonly t: number
  readonly rss: number
  readonly vmSize: number
  readonly live: number
  readonly liveBlocks: number
  readonly usable: number
  readonly threadCaches: number
  readonly ops: number
  readonly mallocs: number
  readonly frees: number
  readonly remoteFrees: number
  readonly minorFaults: number
  readonly systemCalls: number
  readonly lockWaitNs: number
  readonly lockWaits: number
  readonly failedAllocations: number
  readonly phase: string
  readonly arenas: readonly ArenaSample[]
  readonly locks: readonly LockSample[]
  /** By seat. */
  readonly threads: readonly ThreadSample[]
  /** Remote-free matrix: `[freeing][allocating]` blocks by seat; every 10th sample only. */
  readonly matrix?: readonly (readonly number[])[]
}

/** One line of samples.ndjson: what `inspect` found while everybody was parked. */
export interface SafepointSample {
  readonly type: 'safepoint'
  readonly t: number
  readonly reason: 'phase' | 'tick' | 'end' | 'oom' | 'request'
  readonly label: string
  readonly rss: number
  readonly vmSize: number
  readonly live: number
  readonly minorFaults: number
  readonly anatomy: Anatomy
  readonly heap: HeapReport
  readonly violations: readonly Violation[]
  /** By arena of `heap.arenas`: resident, live requested and pinned-free bytes. */
  readonly arenas: readonly ArenaAnatomy[]
  /** Ops carried out so far. */
  readonly ops: number
  /** Of `anatomy.other`: blocks the process itself holds, which no cell names. */
  readonly processBlocks: number
  /** Page by page, and more; absent when the walk failed. */
  readonly survey?: Survey
}

/** One line of samples.ndjson: something rare that happened. */
export interface LogSample {
  readonly type: 'event'
  readonly t: number
  readonly thread: number
  readonly event: string
  readonly a: number
  readonly b: number
}

export type SampleLine = Sample | SafepointSample | LogSample

/** Nanoseconds; 0 when nothing was timed. Values under `CLOCK_FLOOR_NS` only say "faster". */
export interface LatencySummary {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** Ops timed; from the 4097th of a lab thread on, each counts for eight. */
  readonly timed: number
}

/** Taken at a phase mark. Counts are running totals since the start barrier. */
export interface PhaseSummary {
  readonly label: string
  readonly seconds: number
  readonly rss: number
  readonly vmSize: number
  readonly live: number
  readonly minorFaults: number
  readonly ops: number
}

/** One arena (or the design's equivalent), at the safepoint that the summary explains. */
export interface ArenaSummary {
  readonly name: string
  /** Bytes got from the system, and resident bytes of them. */
  readonly system: number
  readonly resident: number
  /** Requested bytes that are resident. */
  readonly live: number
  readonly pinnedFree: number
  /** Free bytes as the design counts them, the top not included. */
  readonly free: number
  readonly top: number
  readonly attachedThreads: number
}

/** One entry of summary.json's `variants`. */
export interface VariantSummary {
  readonly variant: string
  readonly outcome: Outcome
  /** Label of the last phase mark passed before an early end; null when completed. */
  readonly outcomePhase: string | null
  readonly message: string
  readonly seconds: number
  readonly ops: number
  readonly opsPerSecond: number
  /** False when the lab itself fell short, so that the figures mean nothing. */
  readonly trustworthy: boolean
  readonly rss: { readonly max: number; readonly end: number }
  /** RSS ÷ live at the end; 0 when nothing is live. */
  readonly rssPerLive: number
  readonly vmSize: { readonly max: number; readonly end: number }
  readonly live: { readonly max: number; readonly end: number }
  readonly minorFaults: number
  readonly systemCalls: {
    readonly brk: number
    readonly mmap: number
    readonly munmap: number
    readonly mremap: number
    readonly mprotect: number
    readonly madvise: number
  }
  readonly arenas: number
  readonly frees: number
  readonly remoteFrees: number
  readonly failedAllocations: number
  readonly lockWaitNs: number
  /** tryLock calls that found the lock held. */
  readonly failedTries: number
  /** Share of the run that recording took, 0..1; rates leave it out. See Counter.RECORDING_NS. */
  readonly recordingShare: number
  /** Share of the run spent stopped at safepoints, 0..1. */
  readonly stoppedShare: number
  readonly latencyNs: { readonly malloc: LatencySummary; readonly free: LatencySummary }
  readonly anatomy: Anatomy
  /** Which safepoint `anatomy` and `arenaDetails` are of; null when there was none. */
  readonly anatomyAt: string | null
  /** True when that safepoint's walk was cut, or no safepoint was reached. */
  readonly partial: boolean
  readonly arenaDetails: readonly ArenaSummary[]
  /** Those waited for longest. */
  readonly locks: readonly LockSample[]
  readonly violations: readonly Violation[]
  readonly phases: readonly PhaseSummary[]
  /** CPU seconds of all threads, and of the main thread, which samples; null where unknown. */
  readonly cpu: { readonly seconds: number; readonly mainSeconds: number | null }
  readonly notices: readonly string[]
  /** Of the virtual machine only. */
  readonly simulation?: SimulationFigures
  /** Of the explore machine only: the other figures are of its last schedule. */
  readonly explored?: Explored
}

/** summary.json, and what `--json` prints. */
export interface RunSummary {
  readonly scenario: string
  readonly machine: string
  readonly cores: number
  readonly seed: number
  readonly params: Readonly<Record<string, number | boolean>>
  readonly limits: Readonly<Record<string, number | null>>
  /** Run folder, relative to where the command ran; null when nothing was written. */
  readonly folder: string | null
  /** True when all variants ran at once, in lock-step by phase. */
  readonly lockstep?: boolean
  /** Every variant that was asked for: an interrupted run may have reached only some of them. */
  readonly variantsAsked: readonly string[]
  readonly variants: readonly VariantSummary[]
}
