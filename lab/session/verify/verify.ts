/** Holds a model to the real allocator, trace by trace: what `arena-lab verify` calls. */
import { GIB } from '../../words/units.ts'
import type { Trace, TraceChunk } from '../../workload/trace/chunk.ts'
import {
  type CompareOptions,
  type Comparison,
  compareTrace,
  type Difference,
  type OnCheckpoint,
} from './compare.ts'
import { type Explanation, explainDifference } from './explain.ts'
import { shrinkTrace } from './shrink.ts'
import { onlineCores, requireVerifiable, type Subject } from './subject.ts'
import { memorySource, type TraceSource } from './trace-source.ts'

/** Room for the arenas of a common host: 8 × cores of 64 MiB each, and the brk heap. */
export const HEAP_BYTES = 4 * GIB
const THREADS_MAX = 2048

/** As the host is: so many cores, and threads enough for every trace. */
export const hostOptions = (heapBytes = HEAP_BYTES): CompareOptions => ({
  cores: onlineCores(),
  heapBytes,
  threadsMax: THREADS_MAX,
})

export interface Verdict {
  readonly comparison: Comparison
  /** Present when they differ. */
  readonly explanation: Explanation | undefined
}

/** Compares, and looks closer where they differ. `BadInput` for what cannot be compared. */
export async function verifyTrace(
  source: TraceSource,
  subject: Subject,
  options: CompareOptions = hostOptions(),
  onCheckpoint?: OnCheckpoint,
): Promise<Verdict> {
  requireVerifiable(subject)
  const comparison = await compareTrace(source, subject, options, onCheckpoint)
  const { difference } = comparison
  const explanation = difference && (await explainDifference(source, subject, options, difference))
  return { comparison, explanation }
}

export interface Shrunk {
  readonly trace: Trace
  readonly difference: Difference
}

/**
 * A minimal trace that differs as the given one does (whatever the difference then is). `onSmaller`
 * hears of each step.
 */
export async function shrinkDifference(
  source: TraceSource,
  subject: Subject,
  options: CompareOptions,
  difference: Difference,
  onSmaller: (ops: number, trials: number) => void,
): Promise<Shrunk> {
  let last = difference
  const stillDiffers = async (trace: Trace): Promise<boolean> => {
    const comparison = await compareTrace(memorySource('a shrunk trace', trace), subject, options)
    if (comparison.difference === undefined) return false
    last = comparison.difference
    return true
  }
  const start = await traceUntil(source, difference.at?.op ?? Number.POSITIVE_INFINITY)
  const trace = await shrinkTrace(start, stillDiffers, { onSmaller })
  return { trace, difference: last }
}

/** Ops 0 … `op` of a trace, in memory. */
async function traceUntil(source: TraceSource, op: number): Promise<Trace> {
  const chunks: TraceChunk[] = []
  let ops = 0
  for await (const chunk of source.chunks()) {
    if (chunk.firstOp > op) break
    const length = Math.min(chunk.length, op + 1 - chunk.firstOp)
    chunks.push({ ...columnsOf(chunk), length })
    ops += length
  }
  return { chunks, totals: { ops, lines: ops, threads: 0, slots: 0, checkpoints: 0 } }
}

/** A chunk's columns, which are not its own enumerable fields in every implementation. */
const columnsOf = (chunk: TraceChunk): TraceChunk => ({
  firstOp: chunk.firstOp,
  length: chunk.length,
  code: chunk.code,
  thread: chunk.thread,
  block: chunk.block,
  slot: chunk.slot,
  size: chunk.size,
  extra: chunk.extra,
  line: chunk.line,
  labels: chunk.labels,
})
