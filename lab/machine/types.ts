/** What every machine is given, and what it gives back. */
import type { SpaceLimits } from '../memory/address-space.ts'
import type { SharedRun } from './shared-run.ts'
import type { Costs } from './virtual/costs.ts'

/** Machines that carry out scenarios (`start.ts` starts them). */
export const MACHINE_NAMES = ['threads', 'virtual', 'explore'] as const
export type MachineName = (typeof MACHINE_NAMES)[number]

/** A design by name or file, with its resolved tunables: plain data, sent to workers. */
interface VariantPlan {
  /** As the user wrote it: `glibc:arena_max=1`. */
  readonly label: string
  /** Registry name, or the path of a user's design file. */
  readonly design: string
  readonly tunables: Readonly<Record<string, number>>
}

/** One run: one design, one scenario, one machine. Plain data, sent to workers as it is. */
export interface RunPlan {
  readonly machine: MachineName
  /** Varies what a simulated scheduler may choose: ties, slice lengths, switches. Else unused. */
  readonly scheduleSeed: number
  /** How many schedules the explore machine carries out, from number `scheduleSeed` on. */
  readonly schedules?: number
  readonly variant: VariantPlan
  /** Built-in scenario name, or the path of a user's scenario file. */
  readonly scenario: string
  readonly params: Readonly<Record<string, number | boolean>>
  readonly seed: number
  /** CPUs the modelled process sees. */
  readonly cores: number
  /** Lab threads alive at once. */
  readonly threads: number
  readonly heapBytes: number
  readonly limits: SpaceLimits
  /** Seconds until the deadline; undefined: roles run to their end. */
  readonly seconds: number | undefined
  /** Free everything at the deadline, then idle. */
  readonly drain: boolean
  /** `write` fills every byte. */
  readonly fill: boolean
  /** Spins of a mutex before it waits; 0 as glibc. */
  readonly spinCount: number
  /** Keeps every wait for a lock, for the trace-event file. */
  readonly traceWaits?: boolean
  /** Of the virtual machine only. */
  readonly simulation?: SimulationPlan | undefined
}

/** What the virtual machine is told beside all that. */
export interface SimulationPlan {
  readonly costs: Costs
  /** Follow every cache line of the heap, not only those of locks and atomics. */
  readonly lines: boolean
  /** Samples per second of simulated time; undefined: none. */
  readonly sampleHz: number | undefined
}

/** What only a simulation knows. */
export interface SimulationFigures {
  /** Name of the cost table. */
  readonly costs: string
  /** Seconds that simulated cores were busy, all together. */
  readonly cpuSeconds: number
  readonly contextSwitches: number
  /** Cache lines that went from one core to another: lock words are counted apart. */
  readonly lineTransfers: number
  /** Writes to a line whose last writer wrote another block of it, by how the blocks came there. */
  readonly activeSharing: number
  readonly passiveSharing: number
}

export type Outcome =
  | 'completed'
  | 'oom-killed'
  | 'deadlock'
  | 'corrupted'
  | 'crashed'
  | 'interrupted'

/** What the explore machine went through. Counts over all schedules that ended well. */
export interface Explored {
  readonly schedules: number
  /** Accesses to words, locks, atomics and system calls: at each, another could have gone on. */
  readonly accesses: number
  readonly switches: number
  /** Safepoints at which the whole heap was checked. */
  readonly checks: number
  /** Schedules whose lab threads were stopped: too long, or out of memory. */
  readonly cut: number
  /** Number of the schedule that failed. */
  readonly failedSchedule: number | undefined
  /** Its last switches, a line each, after a line that says how it went as a whole. */
  readonly account?: readonly string[]
  /** The command that carries it out again; filled in by the session. */
  readonly replay?: string
}

export interface MachineOutcome {
  readonly outcome: Outcome
  /** One or more lines for the user: what died, who held what, which lock. Empty when completed. */
  readonly message: string
  /** False when the lab itself fell short (heap buffer full): the results mean nothing. */
  readonly trustworthy: boolean
  /** Label of the phase under way when it ended early. */
  readonly phase: string | undefined
  /** Nanoseconds from the start barrier to the end, safepoints excluded. */
  readonly ns: number
  /** Nanoseconds spent stopped at safepoints. */
  readonly stoppedNs: number
  /** What the explore machine went through. */
  readonly explored?: Explored | undefined
  /** Of a simulation only. */
  readonly simulation?: SimulationFigures | undefined
}

/** Why every lab thread is parked. */
export interface Safepoint {
  readonly reason: 'phase' | 'tick' | 'end' | 'oom' | 'request'
  readonly label: string
  readonly ns: number
  /** False when lab threads were stopped in the middle of ops: what is found is partial. */
  readonly clean: boolean
}

/** What a machine tells while it runs. It never waits for `onPhase`, but for `onSafepoint`. */
export interface MachineListener {
  /** The shared state is laid out and the workers are starting; nobody runs until it settles. */
  onPrepared?(run: SharedRun): Promise<void>
  /** Every lab thread is parked until the promise settles. */
  onSafepoint(safepoint: Safepoint): Promise<void>
  /** A sample is due by the machine's own clock, which stands still meanwhile. */
  onSample?(): void
}

/** A run under way. */
export interface RunningMachine {
  readonly plan: RunPlan
  /** The shared buffers, and the process as any isolate may look at it. */
  readonly run: SharedRun
  /** What the design changed of its tunables to fit the run, for the user. */
  readonly notice: string | undefined
  /** It calls `onSample` when one is due; absent: samples go by the host's clock. */
  readonly takesSamples?: boolean
  /** Nanoseconds of the run's clock so far. */
  now(): number
  /** Of the lab threads' clock at the start barrier: the event log is in their time. */
  readonly startNs?: number
  pause(): Promise<void>
  resume(): void
  /** Ends the run early; `finished` then says `interrupted`. */
  stop(): void
  readonly finished: Promise<MachineOutcome>
}

export type { SpaceLimits }
