/** Percentiles of the latencies of timed ops, which machines count in log-linear buckets. */
import type { Control } from '../words/control.ts'
import { HISTOGRAM_BUCKETS, HISTOGRAMS_PER_SEAT, nsOfBucket } from '../words/histogram.ts'
import type { LatencySummary } from './types.ts'

/**
 * What reading the clock costs, in ns: Node takes about 40 for it on common hosts. A value below it
 * says nothing but "faster than can be seen", and is shown as `< 40 ns`.
 */
export const CLOCK_FLOOR_NS = 40

/** Counts of one kind of op (`Timed`), all seats together. */
function bucketsOf(control: Control, kind: number): Float64Array {
  const sums = new Float64Array(HISTOGRAM_BUCKETS)
  for (let seat = 0; seat < control.plan.seats; seat++) {
    const row = (seat * HISTOGRAMS_PER_SEAT + kind) * HISTOGRAM_BUCKETS
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
      sums[bucket]! += control.histograms[row + bucket]!
    }
  }
  return sums
}

/**
 * The duration, in ns, that `share` (0..1) of the counted ops did not exceed: the top of the bucket
 * that holds it, so at most 6.25 % too high. 0 when nothing was counted.
 */
function percentile(buckets: Float64Array, share: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0)
  if (total === 0) return 0
  const wanted = Math.max(1, Math.ceil(total * share))
  let seen = 0
  for (let bucket = 0; bucket < buckets.length; bucket++) {
    seen += buckets[bucket]!
    if (seen >= wanted) return nsOfBucket(bucket + 1) - 1
  }
  return nsOfBucket(buckets.length) - 1
}

export const latencyOf = (control: Control, kind: number): LatencySummary =>
  summaryOf(bucketsOf(control, kind))

/** Latencies of one kind of op, stretch by stretch. One isolate. */
export class LatencyWindow {
  readonly #control: Control
  readonly #kind: number
  #before: Float64Array = new Float64Array(HISTOGRAM_BUCKETS)

  constructor(control: Control, kind: number) {
    this.#control = control
    this.#kind = kind
  }

  /** Of what was timed since the last call. */
  next(): LatencySummary {
    const now = bucketsOf(this.#control, this.#kind)
    const before = this.#before
    this.#before = now
    return summaryOf(now.map((count, bucket) => count - before[bucket]!))
  }
}

function summaryOf(buckets: Float64Array): LatencySummary {
  return {
    p50: percentile(buckets, 0.5),
    p99: percentile(buckets, 0.99),
    p999: percentile(buckets, 0.999),
    timed: buckets.reduce((sum, count) => sum + count, 0),
  }
}
