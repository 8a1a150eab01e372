/** Runs a scenario under a real malloc with free-running threads: for speed and resident memory. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NativeOptions } from './replay.ts'
import { runReplayer } from './replay.ts'
import { type ScenarioFilesOptions, writeScenarioFiles } from './scenario-files.ts'

/** What the process looked like at a phase mark, or at the end. */
interface NativePhase {
  /** Undefined at the end. */
  readonly label: string | undefined
  /** Since the start. */
  readonly ns: number
  /** Anonymous bytes resident, above those before the first op. */
  readonly rss: number
  readonly vmSize: number
  /** Requested bytes held. */
  readonly live: number
  readonly minorFaults: number
  readonly ops: number
  readonly failedAllocations: number
}

export interface NativeScenarioResult {
  /** In order; the last one is the end. */
  readonly phases: readonly NativePhase[]
  readonly seconds: number
  readonly ops: number
  readonly opsPerSecond: number
}

const NS_PER_SECOND = 1e9
const END_LABEL = 0xffff_ffff
/** Figures of a report, in order; scenario.c has the same. */
const Report = {
  LABEL: 0,
  NS: 1,
  RSS: 2,
  VM_SIZE: 3,
  LIVE: 4,
  FAULTS: 5,
  OPS: 6,
  FAILED: 7,
} as const

/** `BadInput` when compiler, library or scenario will not do; NativeFailure when the run dies. */
export async function runNativeScenario(
  scenario: ScenarioFilesOptions,
  options: NativeOptions,
): Promise<NativeScenarioResult> {
  const recorded = await RecordedScenario.record(scenario)
  try {
    return await recorded.run(options)
  } finally {
    await recorded.remove()
  }
}

/** A scenario's ops in files, for any number of runs. */
export class RecordedScenario {
  readonly #folder: string
  readonly #labels: readonly string[]

  private constructor(folder: string, labels: readonly string[]) {
    this.#folder = folder
    this.#labels = labels
  }

  static async record(scenario: ScenarioFilesOptions): Promise<RecordedScenario> {
    const folder = await mkdtemp(join(tmpdir(), 'arena-lab-scenario-'))
    try {
      const { phases } = await writeScenarioFiles(folder, scenario)
      return new RecordedScenario(folder, phases)
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** NativeFailure when it dies. Aborting `options.signal` ends it: without a result. */
  async run(options: NativeOptions): Promise<NativeScenarioResult> {
    const reports: Float64Array[] = []
    for await (const { checks } of runReplayer(['scenario', this.#folder], [], options)) {
      reports.push(...checks)
    }
    const [before, ...rest] = reports
    const phases = rest.map((report) => phaseOf(report, before!, this.#labels))
    const end = phases.at(-1)
    if (end === undefined) throw new Error('the native run was ended before its own end')
    const seconds = end.ns / NS_PER_SECOND
    return { phases, seconds, ops: end.ops, opsPerSecond: end.ops / seconds }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

function phaseOf(
  report: Float64Array,
  before: Float64Array,
  labels: readonly string[],
): NativePhase {
  const label = report[Report.LABEL]!
  return {
    label: label === END_LABEL ? undefined : labels[label],
    ns: report[Report.NS]!,
    rss: report[Report.RSS]! - before[Report.RSS]!,
    vmSize: report[Report.VM_SIZE]! - before[Report.VM_SIZE]!,
    live: report[Report.LIVE]!,
    minorFaults: report[Report.FAULTS]!,
    ops: report[Report.OPS]!,
    failedAllocations: report[Report.FAILED]!,
  }
}
