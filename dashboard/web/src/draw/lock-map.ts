/** Draws *Who waits for whom?* for one variant: locks by time, coloured by time spent waiting. */
import { digits } from '../format.ts'
import type { Picture } from '../frame.ts'
import { colour, heatColour, pictureFont } from '../palette.ts'
import { alignment, axisRange, moment, momentOf, timeline, variants } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { cutText, penOf } from './canvas.ts'
import { GUTTER, MARGIN_RIGHT } from './memory-chart.ts'

const AXIS_HEIGHT = 26
/** Width of one cell of the map, pixels. */
const BUCKET = 4
/** Locks shown at most: those that were waited for longest. */
const LOCKS_MAX = 32

/** Places of the locks worth showing, by time waited for them so far, longest first. */
function busiestLocks(variant: VariantStore): number[] {
  const row = variant.locks.length - 1
  return variant.lockNames
    .map((_, place) => place)
    .filter((place) => variant.lockWaitNs(row, place) > 0)
    .sort((a, b) => variant.lockWaitNs(row, b) - variant.lockWaitNs(row, a))
    .slice(0, LOCKS_MAX)
}

function rowsShown(): number {
  return Math.max(1, ...variants.value.map((variant) => busiestLocks(variant).length))
}
const rowHeight = (rows: number): number => Math.max(12, Math.min(20, Math.floor(300 / rows)))
const lockMapHeight = (): number => {
  const rows = rowsShown()
  return rows * rowHeight(rows) + AXIS_HEIGHT
}

/** Threads that waited at once for a lock, on the average of a stretch: ns waited per ns. */
function waiters(variant: VariantStore, place: number, from: number, to: number): number {
  const { locks } = variant
  const low = Math.max(locks.rowAt(from), 0)
  const high = Math.max(locks.rowAt(to), Math.min(low + 1, locks.length - 1))
  const span = locks.time(high) - locks.time(low)
  if (span <= 0) return 0
  return (variant.lockWaitNs(high, place) - variant.lockWaitNs(low, place)) / span
}

/** Four waiters at once have the strongest colour; the root keeps the small ones visible. */
const waitShare = (waiting: number): number => Math.sqrt(Math.min(waiting / 4, 1))

export class LockMap implements Picture {
  readonly element: HTMLCanvasElement
  readonly #variant: VariantStore
  #width = 0

  constructor(element: HTMLCanvasElement, variant: VariantStore) {
    this.element = element
    this.#variant = variant
  }

  resize(width: number): void {
    this.#width = width
  }

  /** Axis position under a point of the canvas. */
  xAt(left: number): number {
    const [min, max] = axisRange()
    return min + ((left - GUTTER) / (this.#width - GUTTER - MARGIN_RIGHT)) * (max - min)
  }

  paint(): void {
    const pen = penOf(this.element, this.#width, lockMapHeight())
    if (pen === undefined) return
    const rows = busiestLocks(this.#variant)
    const height = rowHeight(rowsShown())
    const width = this.#width - GUTTER - MARGIN_RIGHT
    const axis = timeline(this.#variant)
    const [min, max] = axisRange()
    const end = this.#variant.tEnd
    pen.font = pictureFont(height < 14 ? 10 : 11)
    for (const [row, place] of rows.entries()) {
      const top = row * height
      pen.fillStyle = colour('muted')
      pen.textAlign = 'right'
      pen.fillText(
        cutText(pen, this.#variant.lockNames[place]!, GUTTER - 8),
        GUTTER - 8,
        top + height / 2,
      )
      pen.fillStyle = colour('line')
      pen.globalAlpha = 0.45
      pen.fillRect(GUTTER, top, width, height - 1)
      pen.globalAlpha = 1
      for (let left = 0; left < width; left += BUCKET) {
        const from = axis.t(min + (left / width) * (max - min))
        const to = axis.t(min + ((left + BUCKET) / width) * (max - min))
        if (from >= end) break
        const fill = heatColour(waitShare(waiters(this.#variant, place, from, to)))
        if (fill === undefined) continue
        pen.fillStyle = fill
        pen.fillRect(GUTTER + left, top, Math.min(BUCKET, width - left), height - 1)
      }
    }
    this.#drawAxis(pen, rowsShown() * height, width)
  }

  #drawAxis(pen: CanvasRenderingContext2D, top: number, width: number): void {
    const [min, max] = axisRange()
    const step = niceStep((max - min) / Math.max(2, width / 70))
    const at = (x: number): number => Math.round(GUTTER + ((x - min) / (max - min)) * width) + 0.5
    pen.strokeStyle = colour('line')
    pen.fillStyle = colour('muted')
    pen.lineWidth = 1
    pen.font = pictureFont(11)
    pen.textAlign = 'center'
    for (let x = Math.ceil(min / step) * step; x <= max; x += step) {
      pen.beginPath()
      pen.moveTo(at(x), top)
      pen.lineTo(at(x), top + 4)
      pen.stroke()
      const value = Number(x.toFixed(6))
      pen.fillText(
        alignment.value === 'time' ? `${digits(value)} s` : digits(value),
        at(x),
        top + 15,
      )
    }
    if (moment.value === null) return
    const x = at(timeline(this.#variant).x(momentOf(this.#variant)))
    pen.strokeStyle = colour('ink')
    pen.beginPath()
    pen.moveTo(x, 0)
    pen.lineTo(x, top)
    pen.stroke()
  }
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? least
}
