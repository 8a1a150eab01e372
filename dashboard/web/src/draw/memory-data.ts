/** The figures behind *Where did the memory go?*: what is drawn, and what its table shows. */
import { CAUSES } from '../palette.ts'
import type { Timeline } from '../store/timeline.ts'
import { Total, type VariantStore } from '../store/variant.ts'

type Column = (number | null)[]

/** Columns over one axis; bytes. */
export interface MemoryData {
  readonly x: number[]
  /** Cumulative causes, the whole stack first: painted one over the other, each down to zero. */
  readonly stack: Column[]
  readonly rss: Column
  readonly live: Column
  readonly vmSize: Column
}

/** Causes but live: what is left of RSS is theirs. */
const REST = CAUSES.slice(1)

/**
 * Samples and safepoints merged by time. At a safepoint every cause is measured. At a sample only
 * RSS and live are: what lies between them is divided as at the safepoints before and after,
 * weighed by how near they are. So the stack always ends at RSS, and live is always what it was.
 */
export function memoryData(variant: VariantStore, timeline: Timeline): MemoryData {
  const { totals, marks } = variant
  const data: MemoryData = {
    x: [],
    stack: CAUSES.map(() => []),
    rss: [],
    live: [],
    vmSize: [],
  }
  let row = 0
  let next = 0
  while (row < totals.length || next < marks.length) {
    const isMark =
      next < marks.length && (row >= totals.length || marks[next]!.t <= totals.time(row))
    if (isMark) {
      const { t, anatomy } = marks[next++]!
      data.x.push(timeline.x(t))
      data.rss.push(anatomy.rss)
      data.live.push(anatomy.live)
      data.vmSize.push(null)
      pushStack(
        data.stack,
        CAUSES.map(({ key }) => anatomy[key]),
      )
    } else {
      data.x.push(timeline.x(totals.time(row)))
      data.rss.push(totals.at(row, Total.RSS))
      data.live.push(totals.at(row, Total.LIVE))
      data.vmSize.push(totals.at(row, Total.VM_SIZE))
      pushStack(data.stack, causesOfSample(variant, row, next))
      row++
    }
  }
  return data
}

/** Bytes of each of `CAUSES` at time `t` (ns), as drawn; undefined before the first safepoint. */
export function causesAt(variant: VariantStore, t: number): readonly number[] | undefined {
  const { totals, marks } = variant
  const next = marks.findIndex((mark) => mark.t > t)
  const passed = next < 0 ? marks.length : next
  const mark = marks[passed - 1]
  const row = totals.rowAt(t)
  const isMark = mark !== undefined && (row < 0 || mark.t >= totals.time(row))
  return isMark ? CAUSES.map(({ key }) => mark.anatomy[key]) : causesOfSample(variant, row, passed)
}

/** Causes at sample `row`, between safepoints `next - 1` and `next`. */
function causesOfSample(variant: VariantStore, row: number, next: number): number[] | undefined {
  const { totals, marks } = variant
  const before = marks[next - 1] ?? marks[next]
  const after = marks[next] ?? before
  if (row < 0 || before === undefined || after === undefined) return undefined
  const span = after.t - before.t
  const share = span > 0 ? Math.max(totals.time(row) - before.t, 0) / span : 0
  const rss = totals.at(row, Total.RSS)
  const live = Math.min(totals.at(row, Total.LIVE), rss)
  const rest = REST.map(
    ({ key }) => before.anatomy[key] + (after.anatomy[key] - before.anatomy[key]) * share,
  )
  const whole = rest.reduce((sum, bytes) => sum + bytes, 0)
  const scale = whole > 0 ? (rss - live) / whole : 0
  return [live, ...rest.map((bytes) => bytes * scale)]
}

/** Adds causes to the columns, each with all below it; a gap where they are not known. */
function pushStack(stack: Column[], causes: readonly number[] | undefined): void {
  let sum = 0
  for (const place of CAUSES.keys()) {
    sum += causes?.[place] ?? 0
    stack[CAUSES.length - 1 - place]!.push(causes === undefined ? null : sum)
  }
}
