/**
 * Looks at a process that stands still: what its design says of every stretch of its memory, what
 * that makes of RSS, and whether every invariant holds. These are two walks, so that they can go on
 * at once on two cores. Without a safepoint (after a worker's death) a walk may meet anything, so
 * whatever goes wrong marks the result as partial.
 */
import type { HeapReport, Violation } from '../../allocators/contract.ts'
import type { LabProcess } from '../machine/process.ts'
import type { SharedRun } from '../machine/shared-run.ts'
import type { Safepoint } from '../machine/types.ts'
import type { MappingRow } from '../memory/address-space.ts'
import { eachChannelCell } from '../sync/channel-content.ts'
import { messageOf } from '../words/bad-input.ts'
import { Counter } from '../words/events.ts'
import { AnatomyTally } from './anatomy.ts'
import { BlockIndex, indexBlocks } from './block-index.ts'
import { CounterSums } from './counters.ts'
import { Residency } from './residency.ts'
import { detailed, Surveyor } from './surveyor.ts'
import type { SafepointSample } from './types.ts'

/** What to look for beside the anatomy. */
export interface LookWishes {
  /** List the mappings, as pmap does. */
  readonly mappings: boolean
  /** Everybody is parked; false after a worker's death. */
  readonly atRest: boolean
}

/** What a look found; whoever asked for it adds what the check of the invariants said. */
export interface Observation {
  readonly sample: Omit<SafepointSample, 'violations'>
  readonly mappings: readonly MappingRow[] | undefined
  /** One line for the user when the walk failed. */
  readonly problem: string | undefined
}

export interface CheckResult {
  readonly violations: readonly Violation[]
  /** One line for the user when the check itself failed. */
  readonly problem: string | undefined
}

/** Keeps its hash of blocks from look to look. One isolate. */
export class Observatory {
  readonly #run: SharedRun
  readonly #process: LabProcess
  readonly #residency: Residency
  readonly #sums: CounterSums
  readonly #blocks = new BlockIndex()
  readonly #surveyor: Surveyor

  /** `process` speaks for nobody in particular: it is only read through. */
  constructor(run: SharedRun, process: LabProcess) {
    this.#run = run
    this.#process = process
    this.#residency = new Residency(run.control)
    this.#sums = new CounterSums(run.control)
    this.#surveyor = new Surveyor(run, process)
  }

  look(safepoint: Safepoint, wishes: LookWishes): Observation {
    const { control } = this.#run
    indexBlocks(control, this.#blocks)
    eachChannelCell(control, (block, requested) => this.#blocks.add(block, requested))
    const tally = new AnatomyTally(this.#residency, this.#blocks)
    const { heap, problem } = this.#walk(tally, wishes)
    const { rssBytes, vmSizeBytes } = this.#process.space.figures()
    const { anatomy, arenas } = tally.result(rssBytes)
    const sums = this.#sums.refresh()
    // Listing takes the mmap_lock, which a dead lab thread may hold for ever.
    const listed = wishes.atRest && (wishes.mappings || detailed(safepoint))
    const mappings = listed ? this.#process.space.mappings() : undefined
    const sample = {
      type: 'safepoint' as const,
      t: safepoint.ns,
      reason: safepoint.reason,
      label: safepoint.label,
      rss: rssBytes,
      vmSize: vmSizeBytes,
      live: sums.of(Counter.LIVE_BYTES),
      minorFaults: sums.of(Counter.MINOR_FAULTS),
      ops: sums.of(Counter.OPS),
      anatomy,
      heap,
      arenas,
      processBlocks: tally.processBlocks,
      ...(problem === undefined
        ? { survey: this.#surveyor.survey(safepoint, heap, sums, mappings) }
        : {}),
    }
    return { sample, mappings: wishes.mappings ? mappings : undefined, problem }
  }

  #walk(
    tally: AnatomyTally,
    wishes: LookWishes,
  ): { heap: HeapReport; problem: string | undefined } {
    const { design, init } = this.#run
    try {
      const report = design.inspect(this.#process, init.tunables, this.#surveyor.over(tally.visit))
      const heap = wishes.atRest ? report : { ...report, partial: true }
      return { heap, problem: undefined }
    } catch (error) {
      return { heap: nothingSeen(design.name), problem: problemText(error) }
    }
  }
}

/** Every invariant of the design; only at a safepoint, with everybody between ops. */
export function checkHeap(run: SharedRun, process: LabProcess): CheckResult {
  try {
    const violations = run.design.check(process, run.init.tunables)
    return { violations, problem: undefined }
  } catch (error) {
    return { violations: [], problem: problemText(error) }
  }
}

const problemText = (error: unknown): string =>
  `the walk of the heap failed, its figures are partial: ${messageOf(error)}`

function nothingSeen(design: string): HeapReport {
  return { design, partial: true, arenas: [], mappedBlocks: 0, mappedBytes: 0, totals: {} }
}
