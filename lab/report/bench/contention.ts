/**
 * Contention versus thread cache: what `contend` and `cached` come to side by side, by the number
 * of threads. The one shares a lock for every malloc and free, the other needs none.
 */
import type { BenchResult } from './types.ts'

/** One row: a workload under one variant with one spin count. */
export interface ContentionPoint {
  readonly threads: number
  readonly pairsPerSecond: number
  /** Pairs a second ÷ those with one thread; null where that was not measured. */
  readonly scaling: number | null
  readonly nativePairsPerSecond: number | null
  readonly nativeScaling: number | null
  readonly lockWaitShare: number
  readonly p99: number
  readonly p999: number
}

export interface ContentionSeries {
  readonly workload: string
  readonly variant: string
  readonly spin: number
  readonly points: readonly ContentionPoint[]
}

const SHOWN: readonly string[] = ['contend', 'cached']

/** Series of the two workloads, each by rising thread count. */
export function contentionSeries(results: readonly BenchResult[]): ContentionSeries[] {
  const groups = new Map<string, BenchResult[]>()
  for (const result of results) {
    if (!SHOWN.includes(result.workload) || result.latencyNs === null) continue
    const key = `${result.workload}\n${result.variant}\n${result.spin}`
    groups.set(key, [...(groups.get(key) ?? []), result])
  }
  return [...groups.values()].map((group) => seriesOf(group, results))
}

function seriesOf(group: readonly BenchResult[], all: readonly BenchResult[]): ContentionSeries {
  const { workload, variant, spin } = group[0]!
  // One thread waits for nobody, so that it was measured without spins only.
  const alone = all.find(
    (row) => row.workload === workload && row.variant === variant && row.threads === 1,
  )
  const ofSeries = alone === undefined || group.includes(alone) ? group : [alone, ...group]
  const points = ofSeries.map((row) => pointOf(row, alone)).sort((a, b) => a.threads - b.threads)
  return { workload, variant, spin, points }
}

function pointOf(row: BenchResult, alone: BenchResult | undefined): ContentionPoint {
  const { latencyNs } = row
  const nativeAlone = alone?.nativePairsPerSecond ?? null
  const native = row.nativePairsPerSecond
  return {
    threads: row.threads,
    pairsPerSecond: row.pairsPerSecond,
    scaling: alone === undefined ? null : row.pairsPerSecond / alone.pairsPerSecond,
    nativePairsPerSecond: native,
    nativeScaling: native === null || nativeAlone === null ? null : native / nativeAlone,
    lockWaitShare: row.lockWaitShare,
    p99: Math.max(latencyNs?.malloc.p99 ?? 0, latencyNs?.free.p99 ?? 0),
    p999: Math.max(latencyNs?.malloc.p999 ?? 0, latencyNs?.free.p999 ?? 0),
  }
}

/** What spinning changes: sentences, one per thread count that was measured with and without. */
export function spinSentences(series: readonly ContentionSeries[]): string[] {
  const sentences: string[] = []
  for (const spinning of series.filter(({ spin }) => spin > 0)) {
    const { workload, variant, spin, points } = spinning
    const without = series.find(
      (other) => other.workload === workload && other.variant === variant && other.spin === 0,
    )
    for (const point of points) {
      const base = without?.points.find(({ threads }) => threads === point.threads)
      if (base === undefined || point.threads === 1) continue
      const gain = point.pairsPerSecond / base.pairsPerSecond
      sentences.push(
        `${workload} ${variant}, ${point.threads} threads: with ${spin} spins before a lock is ` +
          `waited for, ${gain.toFixed(2)} × the pairs a second of none; waiting takes ` +
          `${percent(point.lockWaitShare)} of the time, not ${percent(base.lockWaitShare)}; ` +
          `p99.9 is ${durationText(point.p999)}, not ${durationText(base.p999)}`,
      )
    }
  }
  return sentences
}

/** `87 ns`, `15 µs`, `2.0 ms`. */
export function durationText(ns: number): string {
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(1)} ms`
  return ns >= 1e4 ? `${(ns / 1e3).toFixed(0)} µs` : `${ns} ns`
}

const percent = (share: number): string => `${Math.round(100 * share)} %`
