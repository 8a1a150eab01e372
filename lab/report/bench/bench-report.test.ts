/** Goal: a benchmark's figures are told as they are: tables, scaling, spins, the plot. */
import { describe, expect, it } from 'vitest'
import { PLAIN } from '../style.ts'
import { contentionSeries, durationText, spinSentences } from './contention.ts'
import { contentionPlot } from './contention-plot.ts'
import { wasmMimalloc } from './references.ts'
import { benchMarkdown, benchText } from './text.ts'
import type { BenchReport, BenchResult, Spread } from './types.ts'

const spread = (median: number): Spread => ({ median, min: median - 1, max: median + 2 })

function row(changes: Partial<BenchResult>): BenchResult {
  const latency = { p50: 50, p99: 900, p999: 12_345, timed: 10 }
  return {
    workload: 'contend',
    variant: 'glibc',
    threads: 1,
    spin: 0,
    nsPerPair: spread(100),
    native: spread(50),
    ratio: 2,
    lapNsPerPair: spread(99),
    nativeLapNsPerPair: spread(49.5),
    lapRatio: 2,
    ratioOfRounds: spread(2),
    spread: 0.03,
    nativeSpread: 0.06,
    pairsPerSecond: 10e6,
    nativePairsPerSecond: 20e6,
    opsPerSecond: 20e6,
    lockWaitShare: 0.25,
    latencyNs: { malloc: latency, free: { ...latency, p99: 800 } },
    remoteShare: 0,
    wasmMimalloc: null,
    pairs: 1000,
    nativePairs: 2000,
    setByWorkload: '',
    rounds: 5,
    ...changes,
  }
}

const reportOf = (results: readonly BenchResult[]): BenchReport => ({
  results,
  floors: [{ workload: 'contend', model: 12, native: 2.4 }],
  scenarios: [],
  host: { cpus: 2, cpuModel: 'a <CPU>', node: 'v20' },
  notes: ['a note'],
})

const curve = [
  row({}),
  row({ threads: 2, pairsPerSecond: 4e6, nativePairsPerSecond: 10e6, lockWaitShare: 0.8 }),
  row({ threads: 2, spin: 100, pairsPerSecond: 6e6, native: null, nativePairsPerSecond: null }),
  row({ workload: 'cached', threads: 2, pairsPerSecond: 40e6 }),
]

describe('bench report: contention versus thread cache', () => {
  it('series by spin count; both start at the one measurement with one thread', () => {
    const series = contentionSeries(curve)
    const shown = series.map(({ workload, spin, points }) => [
      workload,
      spin,
      points.map(({ threads, scaling, nativeScaling }) => [threads, scaling, nativeScaling]),
    ])
    expect(shown).toEqual([
      [
        'contend',
        0,
        [
          [1, 1, 1],
          [2, 0.4, 0.5],
        ],
      ],
      [
        'contend',
        100,
        [
          [1, 1, 1],
          [2, 0.6, null],
        ],
      ],
      ['cached', 0, [[2, null, null]]],
    ])
  })

  it('one sentence says what spinning changes', () => {
    expect(spinSentences(contentionSeries(curve))).toEqual([
      'contend glibc, 2 threads: with 100 spins before a lock is waited for, 1.50 × the pairs a ' +
        'second of none; waiting takes 25 % of the time, not 80 %; p99.9 is 12 µs, not 12 µs',
    ])
    expect([87, 15_400, 2_000_000].map(durationText)).toEqual(['87 ns', '15 µs', '2.0 ms'])
  })

  it('the plot has a line for every series and native, and a mark for every point', () => {
    const plot = contentionPlot(contentionSeries([row({ variant: 'a<b' }), ...curve]))!
    expect(plot.match(/<polyline/g)).toHaveLength(7)
    expect(plot.match(/<circle/g)).toHaveLength(10)
    expect(plot).toContain('contend a&lt;b, native')
    expect(plot).not.toMatch(/NaN|undefined|Infinity/)
    expect(contentionPlot([])).toBeUndefined()
  })
})

describe('bench report: text', () => {
  it('rows in columns, what is missing as a dash, notes below', () => {
    const text = benchText(reportOf([row({ native: null, ratio: null })]), PLAIN)
    const line = text.split('\n').find((found) => found.startsWith('contend'))!
    expect(line.split(/ {2,}/)).toEqual([
      ...['contend', 'glibc', '1', '100', '99.0 … 102', '–', '–', '–'],
      ...['99.0', '49.5', '2.00', '10.0', '20.0', '–'],
    ])
    expect(text).toContain('as): contend 12.0 (native 2.4).')
    expect(text.trimEnd().endsWith('a note')).toBe(true)
  })

  it('Markdown: every row has as many cells as the heading', () => {
    const tables = benchMarkdown(reportOf(curve))
      .split('\n')
      .filter((line) => line.startsWith('|'))
    const cells = tables.map((line) => line.split('|').length)
    expect(new Set(cells)).toEqual(new Set([16, 12]))
    expect(tables).toHaveLength(2 + 4 + 2 + 5)
  })
})

describe('bench report: the WebAssembly row', () => {
  it('is scaled by native now ÷ native then', () => {
    const of = { workload: 'replace-small', threads: 1, variant: 'tcmalloc' }
    expect(wasmMimalloc({ ...of, native: spread(16.4) })).toEqual({ nsPerPair: 33, scaled: 66 })
    expect(wasmMimalloc({ ...of, native: null })).toEqual({ nsPerPair: 33, scaled: null })
    expect(wasmMimalloc({ ...of, variant: 'mine', native: spread(5) })?.scaled).toBeNull()
    expect(wasmMimalloc({ ...of, workload: 'contend', native: spread(5) })).toBeNull()
  })
})
