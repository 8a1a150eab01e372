/** The figures behind *How fast?*: rates between samples, latencies between looks. */
import type { Token } from '../palette.ts'
import { axisRange } from '../state.ts'
import { Latency, ThreadFigure, Total, type VariantStore } from '../store/variant.ts'
import { bucketsOf } from './time-axis.ts'

/** Rates are taken over this many pixels: fewer would draw noise. */
const BUCKET = 6

/** Points of a lane: nanoseconds, and one column of values per line. */
export interface LaneData {
  readonly t: readonly number[]
  readonly values: readonly (readonly number[])[]
}

interface LaneLine {
  readonly label: string
  readonly token: Token
  readonly dash: number[]
  readonly width: number
}

export interface Lane {
  readonly title: string
  readonly lines: readonly LaneLine[]
  /** Values are nanoseconds on a scale of decades; else they are rates per second. */
  readonly isTime: boolean
  data(variant: VariantStore, width: number): LaneData
}

const solid = (label: string, token: LaneLine['token'], width = 1.5): LaneLine => ({
  label,
  token,
  dash: [],
  width,
})
const dashed = (label: string, token: LaneLine['token'], dash: number[]): LaneLine => ({
  label,
  token,
  dash,
  width: 1.5,
})

const NO_LABEL = ''

export const LANES: readonly Lane[] = [
  {
    title: 'Ops of all threads',
    lines: [solid(NO_LABEL, 'accent')],
    isTime: false,
    data: (variant, width) => rates(variant, width, [Total.OPS]),
  },
  {
    title: 'Ops of a thread',
    lines: [
      dashed('fastest', 'muted', [4, 3]),
      solid('middle', 'accent', 2),
      dashed('slowest', 'muted', [1, 3]),
    ],
    isTime: false,
    data: (variant, width) => cached(variant, width, 'threads', () => threadRates(variant, width)),
  },
  {
    title: 'malloc',
    lines: latencyLines(),
    isTime: true,
    data: (variant) =>
      latencies(variant, [Latency.MALLOC_P50, Latency.MALLOC_P99, Latency.MALLOC_P999]),
  },
  {
    title: 'free',
    lines: latencyLines(),
    isTime: true,
    data: (variant) => latencies(variant, [Latency.FREE_P50, Latency.FREE_P99, Latency.FREE_P999]),
  },
  {
    title: 'Minor faults',
    lines: [solid(NO_LABEL, 'accent')],
    isTime: false,
    data: (variant, width) => rates(variant, width, [Total.FAULTS]),
  },
  {
    title: 'System calls',
    lines: [solid(NO_LABEL, 'accent')],
    isTime: false,
    data: (variant, width) => rates(variant, width, [Total.CALLS]),
  },
]

function latencyLines(): LaneLine[] {
  return [
    dashed('99.9 %', 'alarm', [4, 3]),
    solid('99 %', 'freeInBins'),
    solid('50 %', 'accent', 2),
  ].reverse()
}

function rates(variant: VariantStore, width: number, columns: readonly number[]): LaneData {
  return cached(variant, width, `rates ${columns.join()}`, () => {
    const { totals } = variant
    const buckets = bucketsOf(totals, variant, width, BUCKET)
    return {
      t: buckets.map(({ low, high }) => (totals.time(low) + totals.time(high)) / 2),
      values: columns.map((column) =>
        buckets.map(
          ({ low, high, seconds }) => (totals.at(high, column) - totals.at(low, column)) / seconds,
        ),
      ),
    }
  })
}

/** Of the threads that did anything in the stretch: the fastest, the middle and the slowest. */
function threadRates(variant: VariantStore, width: number): LaneData {
  const { threads, seats } = variant
  const buckets = bucketsOf(threads, variant, width, BUCKET)
  const values: [number[], number[], number[]] = [[], [], []]
  for (const { low, high, seconds } of buckets) {
    const busy: number[] = []
    for (let seat = 0; seat < seats; seat++) {
      const ops =
        variant.threadAt(high, seat, ThreadFigure.OPS) -
        variant.threadAt(low, seat, ThreadFigure.OPS)
      if (ops > 0) busy.push(ops / seconds)
    }
    busy.sort((a, b) => b - a)
    values[0].push(busy[0] ?? 0)
    values[1].push(busy[busy.length >> 1] ?? 0)
    values[2].push(busy.at(-1) ?? 0)
  }
  return {
    t: buckets.map(({ low, high }) => (threads.time(low) + threads.time(high)) / 2),
    values,
  }
}

function latencies({ latency }: VariantStore, columns: readonly number[]): LaneData {
  const rows = Array.from({ length: latency.length }, (_, row) => row)
  return {
    t: rows.map((row) => latency.time(row)),
    values: columns.map((column) => rows.map((row) => latency.at(row, column))),
  }
}

interface Cached {
  readonly key: string
  readonly data: LaneData
}
const known = new WeakMap<VariantStore, Map<string, Cached>>()

/** Every variant's scale needs every variant's data: made once for all pictures of a frame. */
function cached(
  variant: VariantStore,
  width: number,
  name: string,
  make: () => LaneData,
): LaneData {
  const key = `${variant.tEnd} ${width} ${axisRange().join()}`
  const ofVariant = known.get(variant) ?? new Map<string, Cached>()
  known.set(variant, ofVariant)
  const before = ofVariant.get(name)
  if (before?.key === key) return before.data
  const data = make()
  ofVariant.set(name, { key, data })
  return data
}
