/** Draws *How fast?* for one variant: lanes of lines over one axis, scales shared by variants. */
import { duration, rate } from '../format.ts'
import { colour, pictureFont } from '../palette.ts'
import { axisRange, timeline, variants } from '../state.ts'
import { TimePicture } from './canvas-picture.ts'
import { GUTTER } from './layout.ts'
import { LANES, type Lane, type LaneData } from './speed-data.ts'
import { drawPhaseLines, drawTimeAxis, leftOf } from './time-axis.ts'

const LANE_HEIGHT = 92
/** Above each lane: its title. */
const TITLE_HEIGHT = 20
/** A step of a scale of times. */
const DECADE = 10

/** Lowest and highest value of a lane, over all variants. */
interface Range {
  readonly min: number
  readonly max: number
}

export class SpeedLanes extends TimePicture {
  paint(): void {
    const height = LANES.length * LANE_HEIGHT
    const pen = this.penFor(height)
    if (pen === undefined) return
    const width = this.plotWidth
    for (const [place, lane] of LANES.entries()) {
      const top = place * LANE_HEIGHT + TITLE_HEIGHT
      const range = rangeOf(lane, width)
      const bottom = top + LANE_HEIGHT - TITLE_HEIGHT - 8
      drawPhaseLines(pen, this.variant, [top, bottom], width)
      this.#drawScale(pen, lane, range, top, width)
      pen.save()
      pen.beginPath()
      pen.rect(GUTTER, top - 2, width, LANE_HEIGHT - TITLE_HEIGHT + 2)
      pen.clip()
      this.#drawLines(pen, lane, lane.data(this.variant, width), range, top, width)
      pen.restore()
    }
    drawTimeAxis(pen, this.variant, height, width)
  }

  #drawScale(
    pen: CanvasRenderingContext2D,
    lane: Lane,
    { min, max }: Range,
    top: number,
    width: number,
  ): void {
    pen.font = `600 ${pictureFont(11)}`
    pen.fillStyle = colour('ink')
    pen.textAlign = 'left'
    pen.fillText(lane.title, GUTTER, top - 9)
    let x = GUTTER + pen.measureText(lane.title).width + 12
    pen.font = pictureFont(11)
    for (const line of lane.lines.filter(({ label }) => label !== '')) {
      pen.strokeStyle = colour(line.token)
      pen.lineWidth = 2
      pen.setLineDash(line.dash)
      pen.beginPath()
      pen.moveTo(x, top - 9)
      pen.lineTo(x + 13, top - 9)
      pen.stroke()
      pen.setLineDash([])
      pen.fillStyle = colour('muted')
      pen.fillText(line.label, x + 17, top - 9)
      x += 17 + pen.measureText(line.label).width + 10
    }
    pen.textAlign = 'right'
    pen.strokeStyle = colour('line')
    pen.lineWidth = 1
    for (const value of ticks(lane, min, max)) {
      const y = Math.round(yOf(lane, value, min, max, top)) + 0.5
      pen.beginPath()
      pen.moveTo(GUTTER, y)
      pen.lineTo(GUTTER + width, y)
      pen.stroke()
      pen.fillStyle = colour('muted')
      pen.fillText(lane.isTime ? duration(value) : value === 0 ? '0' : rate(value), GUTTER - 8, y)
    }
  }

  #drawLines(
    pen: CanvasRenderingContext2D,
    lane: Lane,
    data: LaneData,
    { min, max }: Range,
    top: number,
    width: number,
  ): void {
    const axis = timeline(this.variant)
    const [low, high] = axisRange()
    const from = data.t.findIndex((t) => axis.x(t) >= low)
    const start = Math.max(0, (from < 0 ? data.t.length : from) - 1)
    for (const [place, line] of lane.lines.entries()) {
      const values = data.values[place]!
      pen.strokeStyle = colour(line.token)
      pen.lineWidth = line.width
      pen.setLineDash(line.dash)
      pen.lineJoin = 'round'
      pen.beginPath()
      let isOn = false
      for (let row = start; row < data.t.length; row++) {
        const value = values[row]!
        if (lane.isTime && value <= 0) continue
        const at = axis.x(data.t[row]!)
        const x = leftOf(at, width)
        const y = yOf(lane, value, min, max, top)
        if (isOn) pen.lineTo(x, y)
        else pen.moveTo(x, y)
        isOn = true
        if (at > high) break
      }
      pen.stroke()
    }
    pen.setLineDash([])
  }
}

function rangeOf(lane: Lane, width: number): Range {
  let min = Number.POSITIVE_INFINITY
  let max = 0
  for (const variant of variants.value) {
    for (const values of lane.data(variant, width).values) {
      for (const value of values) {
        max = Math.max(max, value)
        if (value > 0) min = Math.min(min, value)
      }
    }
  }
  if (!lane.isTime) return { min: 0, max: max === 0 ? 1 : max * 1.08 }
  if (max === 0) return { min: 100, max: 10_000 }
  const low = DECADE ** Math.floor(Math.log10(min))
  return { min: low, max: Math.max(DECADE ** Math.ceil(Math.log10(max)), low * DECADE) }
}

function yOf(lane: Lane, value: number, min: number, max: number, top: number): number {
  const share = lane.isTime
    ? Math.log(Math.max(value, min) / min) / Math.log(max / min)
    : (value - min) / (max - min)
  return top + (1 - share) * (LANE_HEIGHT - TITLE_HEIGHT - 8)
}

/** Zero, half and whole of a plain scale; decades of one of times, four at most. */
function ticks(lane: Lane, min: number, max: number): number[] {
  if (!lane.isTime) {
    const step = roundStep(max / 2.2)
    return [0, 1, 2, 3].map((times) => times * step).filter((value) => value <= max)
  }
  const decades = Math.round(Math.log10(max / min))
  const every = Math.max(1, Math.ceil(decades / 3))
  const found: number[] = []
  for (let power = 0; power <= decades; power += every) found.push(min * DECADE ** power)
  return found
}

/** 1, 2 or 5 times a power of ten, at most `most`. */
function roundStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most))
  return [5, 2, 1].map((factor) => factor * power).find((step) => step <= most) ?? power
}
