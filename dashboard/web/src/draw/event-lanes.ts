/** Draws *What happened?* for one variant: a lane per kind of event over the shared time axis. */
import { colour } from '../palette.ts'
import { kindsShown, timeline, variants } from '../state.ts'
import { type Happening, happeningsOf, kindsOf } from '../store/happenings.ts'
import { drawRowName, drawTrack, TimePicture } from './canvas-picture.ts'
import { GUTTER } from './layout.ts'
import { drawTimeAxis, leftOf } from './time-axis.ts'

const LANE = 18
/** Events nearer than this are one mark, drawn darker; pixels. */
const MARK = 3

export class EventLanes extends TimePicture {
  paint(): void {
    const lanes = kindsOf(variants.value).filter(({ kind }) => kindsShown.value.has(kind))
    const height = Math.max(1, lanes.length) * LANE
    const pen = this.penFor(height)
    if (pen === undefined) return
    const width = this.plotWidth
    const all = happeningsOf(this.variant)
    for (const [place, { kind, label }] of lanes.entries()) {
      const top = place * LANE
      drawRowName(pen, label, top + LANE / 2)
      drawTrack(pen, top, width, LANE - 2)
      const own = all.filter((happening) => happening.kind === kind)
      this.#drawMarks(pen, own, top, width)
    }
    drawTimeAxis(pen, this.variant, height, width)
  }

  #drawMarks(
    pen: CanvasRenderingContext2D,
    happenings: readonly Happening[],
    top: number,
    width: number,
  ): void {
    const axis = timeline(this.variant)
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
