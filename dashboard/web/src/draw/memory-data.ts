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

/**
 * Samples and safepoints merged by time. Causes are known at safepoints only; between two of them
 * the picture joins them by straight lines, before the first and after the last it leaves a gap.
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
    pushStack(data.stack, variant, next, t)
    if (isMark) {
      data.rss.push(marks[next]!.anatomy.rss)
      data.live.push(marks[next]!.anatomy.live)
      data.vmSize.push(null)
      next++
    } else {
      data.rss.push(totals.at(row, Total.RSS))
      data.live.push(totals.at(row, Total.LIVE))
      data.vmSize.push(totals.at(row, Total.VM_SIZE))
      row++
    }
  }
  return data
}

/** Cumulative causes at `t`, between mark `next - 1` and mark `next`. */
function pushStack(stack: Column[], variant: VariantStore, next: number, t: number): void {
  const after = variant.marks[next]
  const before = variant.marks[next - 1] ?? (after?.t === t ? after : undefined)
  if (before === undefined || after === undefined) {
    for (const column of stack) column.push(null)
    return
  }
  const share = after.t > before.t ? (t - before.t) / (after.t - before.t) : 1
  let sum = 0
  for (const [place, { key }] of CAUSES.entries()) {
    sum += before.anatomy[key] + (after.anatomy[key] - before.anatomy[key]) * share
    stack[CAUSES.length - 1 - place]!.push(sum)
  }
}
