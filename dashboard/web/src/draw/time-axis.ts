/** The time axis below pictures that draw it themselves, the moment, and what lies between. */
import { colour, pictureFont } from '../palette.ts'
import { alignment, axisRange, moment, momentOf, timeline } from '../state.ts'
import type { SeriesTable } from '../store/series-table.ts'
import type { VariantStore } from '../store/variant.ts'
import { GUTTER, MARGIN_RIGHT } from './layout.ts'

/** Axis position under a point `left` pixels from the edge of a picture of this width. */
export function xAtLeft(left: number, pictureWidth: number): number {
  const [min, max] = axisRange()
  return min + ((left - GUTTER) / (pictureWidth - GUTTER - MARGIN_RIGHT)) * (max - min)
}

/** Pixels from the edge for an axis position, in a plot of `width` pixels. */
export function leftOf(x: number, width: number): number {
  const [min, max] = axisRange()
  return GUTTER + ((x - min) / (max - min)) * width
}

/** A stretch of the axis: from where to where it is drawn, and rows of a table it spans. */
export interface Bucket {
  readonly left: number
  readonly width: number
  readonly low: number
  readonly high: number
  /** Seconds between the two rows. */
  readonly seconds: number
}

/**
 * Cuts the axis on show into stretches of `pixels` and finds each one's rows of a table. Rates are
 * then differences between two rows, however many rows or pixels there are.
 */
export function bucketsOf(
  table: SeriesTable,
  variant: VariantStore,
  width: number,
  pixels: number,
): Bucket[] {
  const axis = timeline(variant)
  const [min, max] = axisRange()
  const buckets: Bucket[] = []
  for (let left = 0; left < width; left += pixels) {
    const from = axis.t(min + (left / width) * (max - min))
    if (from >= variant.tEnd) break
    const to = axis.t(min + (Math.min(left + pixels, width) / width) * (max - min))
    const low = Math.max(table.rowAt(from), 0)
    const high = Math.max(table.rowAt(to), Math.min(low + 1, table.length - 1))
    const seconds = (table.time(high) - table.time(low)) / 1e9
    if (seconds <= 0) continue
    buckets.push({
      left: GUTTER + left,
      width: Math.min(pixels, width - left),
      low,
      high,
      seconds,
    })
  }
  return buckets
}

/** A tick of the time axis: `2.5 s`, or phases passed. */
export const tickText = (x: number): string =>
  `${Number(x.toFixed(6))}${alignment.value === 'time' ? ' s' : ''}`

/** Ticks, their labels and the moment looked at, below `top`. */
export function drawTimeAxis(
  pen: CanvasRenderingContext2D,
  variant: VariantStore,
  top: number,
  width: number,
): void {
  const [min, max] = axisRange()
  const step = niceStep((max - min) / Math.max(2, width / 70))
  const at = (x: number): number => Math.round(leftOf(x, width)) + 0.5
  pen.strokeStyle = colour('line')
  pen.fillStyle = colour('muted')
  pen.lineWidth = 1
  pen.font = pictureFont(11)
  pen.textAlign = 'center'
  pen.textBaseline = 'middle'
  for (let x = Math.ceil(min / step) * step; x <= max; x += step) {
    pen.beginPath()
    pen.moveTo(at(x), top)
    pen.lineTo(at(x), top + 4)
    pen.stroke()
    pen.fillText(tickText(x), at(x), top + 15)
  }
  if (moment.value === null) return
  const x = at(timeline(variant).x(momentOf(variant)))
  pen.strokeStyle = colour('ink')
  pen.beginPath()
  pen.moveTo(x, 0)
  pen.lineTo(x, top)
  pen.stroke()
}

/** Phase marks as faint dashed lines, and the OOM kill, from `top` to `bottom`. */
export function drawPhaseLines(
  pen: CanvasRenderingContext2D,
  variant: VariantStore,
  [top, bottom]: readonly [number, number],
  width: number,
): void {
  const axis = timeline(variant)
  pen.save()
  pen.lineWidth = 1
  for (const mark of variant.marks) {
    if (mark.reason !== 'phase' && mark.reason !== 'oom') continue
    const x = Math.round(leftOf(axis.x(mark.t), width)) + 0.5
    if (x < GUTTER || x > GUTTER + width) continue
    pen.strokeStyle = colour(mark.reason === 'oom' ? 'alarm' : 'muted')
    pen.globalAlpha = mark.reason === 'oom' ? 1 : 0.4
    pen.setLineDash(mark.reason === 'oom' ? [] : [2, 3])
    pen.beginPath()
    pen.moveTo(x, top)
    pen.lineTo(x, bottom)
    pen.stroke()
  }
  pen.restore()
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? least
}
