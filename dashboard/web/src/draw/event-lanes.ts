/** Draws *What happened?* for one variant: a lane per kind of event over the shared time axis. */
import type { Picture } from '../frame.ts'
import { colour } from '../palette.ts'
import { kindsShown, timeline } from '../state.ts'
import { HAPPENING_KINDS, type Happening, happeningsOf } from '../store/happenings.ts'
import type { VariantStore } from '../store/variant.ts'
import { cutText, penOf } from './canvas.ts'
import { AXIS_HEIGHT, GUTTER, MARGIN_RIGHT } from './layout.ts'
import { drawTimeAxis, leftOf, xAtLeft } from './time-axis.ts'

const LANE = 18
/** Events nearer than this are one mark, drawn darker; pixels. */
const MARK = 3

export class EventLanes implements Picture {
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
    return xAtLeft(left, this.#width)
  }

  paint(): void {
    const lanes = HAPPENING_KINDS.filter(({ kind }) => kindsShown.value.has(kind))
    const height = Math.max(1, lanes.length) * LANE
    const pen = penOf(this.element, this.#width, height + AXIS_HEIGHT)
    if (pen === undefined) return
    const width = this.#width - GUTTER - MARGIN_RIGHT
    const all = happeningsOf(this.#variant)
    for (const [place, { kind, label }] of lanes.entries()) {
      const top = place * LANE
      pen.fillStyle = colour('muted')
      pen.textAlign = 'right'
      pen.fillText(cutText(pen, label, GUTTER - 8), GUTTER - 8, top + LANE / 2)
      pen.fillStyle = colour('line')
      pen.globalAlpha = 0.45
      pen.fillRect(GUTTER, top, width, LANE - 2)
      pen.globalAlpha = 1
      const own = all.filter((happening) => happening.kind === kind)
      this.#drawMarks(pen, own, top, width)
    }
    drawTimeAxis(pen, this.#variant, height, width)
  }

  #drawMarks(
    pen: CanvasRenderingContext2D,
    happenings: readonly Happening[],
    top: number,
    width: number,
  ): void {
    const axis = timeline(this.#variant)
    for (const { t, isBad } of happenings) {
      const x = leftOf(axis.x(t), width)
      if (x < GUTTER || x > GUTTER + width) continue
      pen.fillStyle = colour(isBad ? 'alarm' : 'accent')
      pen.globalAlpha = isBad ? 1 : 0.6
      const left = Math.min(x - MARK / 2, GUTTER + width - MARK)
      pen.fillRect(left, isBad ? top - 2 : top + 2, MARK, isBad ? LANE + 2 : LANE - 6)
    }
    pen.globalAlpha = 1
  }
}
