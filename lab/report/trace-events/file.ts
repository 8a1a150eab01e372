/** A run as a Chrome trace-event file, which ui.perfetto.dev opens. */
import { existsSync } from 'node:fs'
import { readSeries, readWaits } from '../../metrics/series.ts'
import { pidOf, type TraceEvent } from './events.ts'
import { LockEvents } from './lock-events.ts'
import { RunEvents } from './run-events.ts'

/** What the file is made from. */
export interface TraceSources {
  /** Path of samples.ndjson. */
  readonly samples: string
  /** Path of waits.ndjson; it need not be there. */
  readonly waits: string
  /** Labels of the variants, by their number in the files. */
  readonly variants: readonly string[]
}

/** Rejects when the samples cannot be read. Piece by piece: only lock waits are held in memory. */
export async function* traceEventsOf(sources: TraceSources): AsyncGenerator<string> {
  const kept = existsSync(sources.waits)
  const locks = sources.variants.map((_, variant) => new LockEvents(variant))
  if (kept) for await (const line of readWaits(sources.waits)) locks[line.variant]?.add(line)
  const runs = sources.variants.map((_, variant) => new RunEvents(variant))

  // No displayTimeUnit: it need not be there, and some viewers took it for the unit of the times.
  yield '{"traceEvents":[\n'
  for (const [variant, label] of sources.variants.entries()) {
    for (const event of processNames(variant, label)) yield `${JSON.stringify(event)},\n`
  }
  for await (const line of readSeries(sources.samples)) {
    const run = runs[line.variant]
    if (run === undefined) continue
    let text = ''
    for (const event of run.add(line)) text += `${JSON.stringify(event)},\n`
    if (text !== '') yield text
  }
  for (const [variant, run] of runs.entries()) {
    const lock = locks[variant]!
    for (const event of run.finish(lock.spans)) yield `${JSON.stringify(event)},\n`
    for (const event of lock.events()) yield `${JSON.stringify(event)},\n`
  }
  // The list may not end in a comma: a last name, said twice, ends it.
  yield `${JSON.stringify(processNames(0, sources.variants[0] ?? '')[0])}\n],\n`
  yield `"otherData":${JSON.stringify(aboutTheFile(kept, locks, runs))}}\n`
}

function processNames(variant: number, label: string): TraceEvent[] {
  const pid = pidOf(variant)
  return [
    { ph: 'M', pid, tid: 0, name: 'process_name', args: { name: label } },
    { ph: 'M', pid, tid: 0, name: 'process_sort_index', args: { sort_index: pid } },
  ]
}

/** What a reader must know before believing the picture. */
function aboutTheFile(
  kept: boolean,
  locks: readonly LockEvents[],
  runs: readonly RunEvents[],
): Record<string, string | number> {
  const dropped = locks.reduce((sum, lock) => sum + lock.dropped, 0)
  const leftOut = runs.reduce((sum, run) => sum + run.flowsLeftOut, 0)
  return {
    by: 'arena-lab',
    lockWaits: kept
      ? `each wait is kept, ${dropped} of them were dropped; holds are shown while others wait`
      : 'not kept: run with --trace-waits or --out trace=FILE',
    lockWaitsDropped: dropped,
    remoteFrees: 'one arrow per pair of seats and stretch between two thread matrices',
    arrowsLeftOut: leftOut,
  }
}
