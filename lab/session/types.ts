/**
 * What a run is asked to be, what it tells while it goes on, and what it comes to: the seam between
 * the session and whoever steers one (the command line, the dashboard's server, a test).
 */
import type { MachineName, RunningMachine, RunPlan, SpaceLimits } from '../machine/types.ts'
import type { RunSummary, SampleLine, VariantSummary } from '../metrics/types.ts'
import type { Assignment } from '../words/assignments.ts'

/** What `--out kind=FILE` can write. */
export const OUTPUT_KINDS = ['html', 'json', 'ndjson', 'csv', 'trace'] as const
type OutputKind = (typeof OUTPUT_KINDS)[number]

export interface OutputRequest {
  readonly kind: OutputKind
  readonly path: string
}

/** Comparisons a threshold may make. */
export const OPERATORS = ['<=', '>=', '<', '>'] as const

/** `--threshold 'rss.max<768MiB'`: a figure of each variant's summary, held against a limit. */
export interface Threshold {
  /** As the user wrote it. */
  readonly text: string
  /** Path into a `VariantSummary`: `rss.max`, `latencyNs.malloc.p99`. */
  readonly path: string
  readonly operator: (typeof OPERATORS)[number]
  /** In the summary's own unit: bytes, nanoseconds or a plain count. */
  readonly value: number
}

/** One invocation: one scenario under one or more variants. Values parsed. */
export interface RunRequest {
  /** Built-in scenario name, or the path of a scenario file. */
  readonly scenario: string
  /** Variants as the user wrote them: `glibc:arena_max=1`, `./my-design.ts`. At least one. */
  readonly variants: readonly string[]
  readonly params: readonly Assignment[]
  readonly machine: MachineName
  /** As `RunPlan.scheduleSeed`. */
  readonly scheduleSeed: number
  /** As `RunPlan.schedules`. */
  readonly schedules?: number
  /** Cost table of the virtual machine: a preset or the path of a file. */
  readonly costs: string
  /** As `SimulationPlan.lines`. */
  readonly lines: boolean
  readonly limits: SpaceLimits
  /** CPUs the modelled process sees. */
  readonly cores: number
  readonly seed: number
  /** Deadline in seconds; undefined: the scenario's own, if it has one. */
  readonly seconds: number | undefined
  readonly heapBytes: number
  /** Spins of an allocator mutex before it waits. */
  readonly spinCount: number
  readonly drain: boolean
  readonly fill: boolean
  /** Samples per second; `undefined` measures nothing but the end (`--no-metrics`). */
  readonly sampleHz: number | undefined
  /**
   * Variants run at once, each waiting at a phase mark until all have reached it; otherwise one
   * after the other.
   */
  readonly lockstep?: boolean
  /** Keeps every lock wait, for the trace-event file. */
  readonly traceWaits?: boolean
  /** Folder that holds `.arena-lab/`. */
  readonly directory: string
  readonly outputs: readonly OutputRequest[]
  readonly thresholds: readonly Threshold[]
  /** The command as typed, for run.json. */
  readonly command: readonly string[]
}

/** What is known before the first variant starts. */
export interface RunStart {
  readonly request: RunRequest
  /** The scenario's own name. */
  readonly scenario: string
  /** One plan per variant, everything resolved. */
  readonly plans: readonly RunPlan[]
  /** Run folder, relative to where the command runs. */
  readonly folder: string
}

/** Called on the main thread, in order. None may block; none is waited for. */
export interface RunHooks {
  onRunStart?(start: RunStart): void
  /** The variant's machine is past its start barrier. */
  onVariantStart?(variant: number, machine: RunningMachine): void
  onSample?(variant: number, line: SampleLine): void
  onVariantEnd?(variant: number, summary: VariantSummary): void
  /** One line for the user: a lowered `heap_max`, a full disk, a cut walk. */
  onNotice?(text: string): void
}

/** Exit codes of DESIGN 8. */
export const ExitCode = {
  EXPECTED: 0,
  INTERNAL: 1,
  USAGE: 2,
  CORRUPTED: 3,
  DEADLOCK: 4,
  NOT_TRUSTWORTHY: 7,
  THRESHOLD: 99,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export interface RunResult {
  readonly summary: RunSummary
  readonly exitCode: ExitCode
  /** What a user must know before trusting the result: failed writes, failed thresholds. */
  readonly problems: readonly string[]
}
