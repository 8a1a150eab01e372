/** What the server tells the start page: what there is to run, what was run, and what runs now. */
import type { TunableSpec } from '../allocators/tunables.ts'
import type { Outcome } from '../lab/machine/types.ts'
import type { ParamSpec } from '../lab/workload/scenario.ts'

export interface ScenarioEntry {
  readonly name: string
  readonly summary: string
  readonly params: Readonly<Record<string, ParamSpec>>
}

export interface DesignEntry {
  readonly name: string
  readonly summary: string
  readonly tunables: Readonly<Record<string, TunableSpec>>
}

/** What a run can be made of. */
export interface Catalogue {
  readonly scenarios: readonly ScenarioEntry[]
  readonly designs: readonly DesignEntry[]
  /** Names that `--machine` takes, and what each is. */
  readonly machines: readonly { readonly name: string; readonly summary: string }[]
  /** CPUs of this host: the cores that the modelled process sees unless told otherwise. */
  readonly cores: number
}

/** A past run, newest first in the list. Bytes. */
export interface PastRun {
  /** Name of its folder: what `/run/NAME` serves. */
  readonly name: string
  /** Seconds since 1970 at which it began. */
  readonly startedAt: number
  readonly scenario: string
  /** The link that sets the same run up again; empty when nothing tells what it was to be. */
  readonly query: string
  /** False for one that left no summary: it is still under way, or did not end properly. */
  readonly ended: boolean
  /** Variants that were asked for. */
  readonly asked: readonly string[]
  /** Those that it reached; none when it did not end properly. */
  readonly variants: readonly {
    readonly label: string
    readonly outcome: Outcome
    readonly rssMax: number
    readonly rssPerLive: number
  }[]
}

export interface PastRuns {
  readonly runs: readonly PastRun[]
  /** Older ones that the list leaves out. */
  readonly left: number
}

/** What the session does at the moment. */
export interface SessionState {
  readonly activity: 'idle' | 'starting' | 'running' | 'ending'
  readonly mode: 'running' | 'stepping' | 'paused'
  /** The phase mark that all variants stand at; empty between marks. */
  readonly mark: string
  /** Folder name of the run under way or the last one; empty before the first. */
  readonly run: string
  /** The command line that does the same; empty before the first run. */
  readonly command: string
  /** The link that sets it up again; empty when the page cannot say it. */
  readonly query: string
  /** Whether the run keeps every lock wait. */
  readonly traceWaits: boolean
  /** Why the last run could not start, or what went wrong with it. */
  readonly problem: string
}
