/** The figures behind *Where did the memory go?*: what is drawn, and what its table shows. */
import type { Anatomy } from '../../../../lab/metrics/types.ts'
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
    const t = isMark ? marks[next]!.t : totals.time(row)
    data.x.push(timeline.x(t))
    if (isMark) {
      const { anatomy } = marks[next]!
      data.rss.push(anatomy.rss)
      data.live.push(anatomy.live)
      data.vmSize.push(null)
      pushStack(data.stack, anatomy.rss, anatomy.live, anatomy, anatomy, 0)
      next++
    } else {
      const rss = totals.at(row, Total.RSS)
      const live = totals.at(row, Total.LIVE)
      data.rss.push(rss)
      data.live.push(live)
      data.vmSize.push(totals.at(row, Total.VM_SIZE))
      const before = marks[next - 1] ?? marks[next]
      const after = marks[next] ?? before
      const span = (after?.t ?? 0) - (before?.t ?? 0)
      const share = span > 0 ? (t - before!.t) / span : 0
      pushStack(data.stack, rss, Math.min(live, rss), before?.anatomy, after?.anatomy, share)
      row++
    }
  }
  return data
}

/** Adds cumulative causes that end at `rss`; what is above `live` is divided as two anatomies. */
function pushStack(
  stack: Column[],
  rss: number,
  live: number,
  before: Anatomy | undefined,
  after: Anatomy | undefined,
  share: number,
): void {
  if (before === undefined || after === undefined) {
    for (const column of stack) column.push(null)
    return
  }
  let rest = 0
  for (const { key } of REST) rest += before[key] + (after[key] - before[key]) * share
  const scale = rest > 0 ? (rss - live) / rest : 0
  let sum = live
  stack[CAUSES.length - 1]!.push(sum)
  for (const [place, { key }] of REST.entries()) {
    sum += (before[key] + (after[key] - before[key]) * share) * scale
    stack[CAUSES.length - 2 - place]!.push(sum)
  }
}
