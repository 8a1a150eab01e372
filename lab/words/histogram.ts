/**
 * Log-linear latency buckets: 16 per power of two, from 0 ns to about 137 s, so that a bucket is at
 * most 6.25 % wide. One `Int32` count each, one row per seat and kind of op.
 */
const SUB_BITS = 4
const SUB_BUCKETS = 1 << SUB_BITS
const EXPONENT_MAX = 36
export const HISTOGRAM_BUCKETS = (EXPONENT_MAX - SUB_BITS + 2) * SUB_BUCKETS
/** What is timed: one op in `SAMPLE_EVERY`. */
export const Timed = { MALLOC: 0, FREE: 1, REALLOC: 2 } as const
export const HISTOGRAMS_PER_SEAT = 4
export const SAMPLE_EVERY = 64
/**
 * A lab thread that has timed so many ops times one in `SAMPLE_RARELY` from then on, which counts
 * for those it stands for: two looks at the clock take longer than most ops.
 */
export const SAMPLES_DENSE = 4096
export const SAMPLE_RARELY = 512

/** Bucket of a duration. `ns` is an integer ≥ 0. */
export function bucketOfNs(ns: number): number {
  if (ns < SUB_BUCKETS) return ns | 0
  if (ns > 0x7fffffff) return bucketOfLongNs(ns)
  const exponent = 31 - Math.clz32(ns)
  const sub = (ns >>> (exponent - SUB_BITS)) & (SUB_BUCKETS - 1)
  return (exponent - SUB_BITS + 1) * SUB_BUCKETS + sub
}

function bucketOfLongNs(ns: number): number {
  // Above 2^31 ns the shift would lose bits: halve 16 times first, and add those steps back.
  const bucket = bucketOfNs(Math.floor(ns / 65536)) + 16 * SUB_BUCKETS
  return Math.min(bucket, HISTOGRAM_BUCKETS - 1)
}

/** Lowest duration, in ns, that falls into a bucket. */
export function nsOfBucket(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket
  const exponent = Math.floor(bucket / SUB_BUCKETS) + SUB_BITS - 1
  return (SUB_BUCKETS + (bucket % SUB_BUCKETS)) * 2 ** (exponent - SUB_BITS)
}
