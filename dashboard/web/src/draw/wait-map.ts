/** Draws *Who waits for whom?* for one variant: locks or threads by time, coloured by waiting. */
import { colour, heatColour, pictureFont } from '../palette.ts'
import { variants, waitRows } from '../state.ts'
import type { SeriesTable } from '../store/series-table.ts'
import { ThreadFigure, type VariantStore } from '../store/variant.ts'
import { drawRowName, drawTrack, TimePicture } from './canvas-picture.ts'
import { GUTTER } from './layout.ts'
import { type Bucket, bucketsOf, drawTimeAxis } from './time-axis.ts'

/** Width of one cell of the map, pixels. */
const BUCKET = 4
/** Rows shown at most: those that waited, or were waited for, longest. */
const ROWS_MAX = 32
/** Threads waiting at once that have the strongest colour, when rows are locks. */
export const WAITERS_MAX = 4

/** What one row of the map is: its name, and nanoseconds waited up to a row of the table. */
interface WaitRow {
  readonly name: string
  readonly place: number
}

const tableOf = (variant: VariantStore): SeriesTable =>
  waitRows.value === 'locks' ? variant.locks : variant.threads

function waitNs(variant: VariantStore, row: number, place: number): number {
  return waitRows.value === 'locks'
    ? variant.lockWaitNs(row, place)
    : variant.threadAt(row, place, ThreadFigure.LOCK_WAIT_NS)
}

/** Rows worth showing: locks by time waited for them, threads in the order of their seats. */
function rowsOf(variant: VariantStore): WaitRow[] {
  const isLocks = waitRows.value === 'locks'
  const last = tableOf(variant).length - 1
  const all = isLocks
    ? variant.lockNames.map((name, place) => ({ name, place }))
    : Array.from({ length: variant.seats }, (_, place) => ({ name: `thread ${place}`, place }))
  const waited = all
    .map((row) => ({ ...row, ns: waitNs(variant, last, row.place) }))
    .filter(({ ns }) => ns > 0)
    .sort((a, b) => b.ns - a.ns)
    .slice(0, ROWS_MAX)
  return isLocks ? waited : waited.sort((a, b) => a.place - b.place)
}

function rowsShown(): number {
  return Math.max(1, ...variants.value.map((variant) => rowsOf(variant).length))
}
const rowHeight = (rows: number): number => Math.max(12, Math.min(20, Math.floor(300 / rows)))

/** The root keeps small shares visible. */
const heatShare = (share: number): number => Math.sqrt(Math.min(share, 1))

export class WaitMap extends TimePicture {
  paint(): void {
    const rows = rowsOf(this.variant)
    const height = rowHeight(rowsShown())
    const shown = Math.max(rows.length, 1)
    const pen = this.penFor(shown * height)
    if (pen === undefined) return
    const width = this.plotWidth
    const buckets = bucketsOf(tableOf(this.variant), this.variant, width, BUCKET)
    pen.font = pictureFont(height < 14 ? 10 : 11)
    for (const [place, row] of rows.entries()) {
      this.#drawRow(pen, row, place * height, height, width, buckets)
    }
    if (rows.length === 0) {
      pen.fillStyle = colour('muted')
      pen.fillText('nobody has waited yet', GUTTER, height / 2)
    }
    drawTimeAxis(pen, this.variant, shown * height, width)
  }

  #drawRow(
    pen: CanvasRenderingContext2D,
    { name, place }: WaitRow,
    top: number,
    height: number,
    width: number,
    buckets: readonly Bucket[],
  ): void {
    drawRowName(pen, name, top + height / 2)
    drawTrack(pen, top, width, height - 1)
    const most = waitRows.value === 'locks' ? WAITERS_MAX : 1
    for (const { left, width: wide, low, high, seconds } of buckets) {
      const ns = waitNs(this.variant, high, place) - waitNs(this.variant, low, place)
      const fill = heatColour(heatShare(ns / 1e9 / seconds / most))
      if (fill === undefined) continue
      pen.fillStyle = fill
      pen.fillRect(left, top, wide, height - 1)
    }
  }
}
