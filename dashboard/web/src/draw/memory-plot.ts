/** How uPlot draws *Where did the memory go?*: series, axes, and the marks over them. */
import type uPlot from 'uplot'
import { digits } from '../format.ts'
import { CAUSES, colour, fillOf, pictureFont } from '../palette.ts'
import { run, timeline, zoomTo } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { GUTTER, MARGIN_RIGHT } from './layout.ts'
import { scaleMax } from './memory-scale.ts'
import { tickText } from './time-axis.ts'

const MIB = 1024 * 1024
/** CSS pixels. */
export const CHART_HEIGHT = 264

/** Series of the chart by place: 0 is the axis, then the stack, then RSS, live and VmSize. */
export const VM_SIZE = CAUSES.length + 3

interface PlotSize {
  /** CSS pixels. */
  readonly width: number
  /** How many times as large everything is drawn: 1 on the page, more for a file. */
  readonly fine: number
}

export function memoryOptions(variant: VariantStore, { width, fine }: PlotSize): uPlot.Options {
  const areas = CAUSES.map((_, place) => {
    const { key, label } = CAUSES[CAUSES.length - 1 - place]!
    return {
      label,
      stroke: () => colour('surface'),
      width: fine,
      fill: (u: uPlot) => fillOf(u.ctx, key, (devicePixelRatio || 1) * fine),
      points: { show: false },
    }
  })
  const line = (label: string, token: 'ink' | 'muted' | 'live', thick: number, dash: number[]) => ({
    label,
    stroke: () => colour(token),
    width: thick * fine,
    dash: dash.map((part) => part * fine),
    points: { show: false },
    spanGaps: true,
  })
  return {
    width: width * fine,
    height: CHART_HEIGHT * fine,
    padding: [18 * fine, MARGIN_RIGHT * fine, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => zoomOut },
    },
    scales: {
      x: { time: false, auto: false },
      // Without a range of ours uPlot widens the scale of a chart that has no data yet.
      y: { auto: false, range: () => [0, scaleMax()] },
    },
    axes: [axisX(fine), axisY(fine)],
    series: [
      {},
      ...areas,
      line('RSS', 'ink', 1.75, []),
      line('Live', 'live', 1, []),
      line('VmSize', 'muted', 1.25, [5, 4]),
    ],
    hooks: { draw: [(u) => drawMarks(u, variant, fine)] },
  }
}

/** uPlot's own double click would zoom this chart alone; ours zooms all of them. */
function zoomOut(): null {
  zoomTo(null)
  return null
}

/** Phase marks, the limit and the OOM kill, over the areas. */
function drawMarks(u: uPlot, variant: VariantStore, fine: number): void {
  const pen = u.ctx
  const scale = (devicePixelRatio || 1) * fine
  const { left, width } = u.bbox
  pen.save()
  // The last series drawn may have left its dashes behind.
  pen.setLineDash([])
  pen.font = pictureFont(11 * scale)
  pen.textBaseline = 'bottom'
  const kill = drawKill(u, variant, scale)
  drawPhases(u, variant, scale, kill)
  const limit = run.value?.memoryLimit ?? null
  if (limit !== null && limit <= scaleMax()) {
    const y = Math.round(u.valToPos(limit, 'y', true))
    pen.strokeStyle = pen.fillStyle = colour('alarm')
    pen.lineWidth = 2 * scale
    strokeLine(pen, left, y, left + width, y)
    pen.textAlign = 'left'
    pen.textBaseline = 'top'
    halo(pen, `limit ${digits(limit / MIB)} MiB`, left + 6 * scale, y + 4 * scale)
  }
  pen.restore()
}

/** From where to where a label takes room in the row above the plot, device pixels. */
interface Taken {
  readonly from: number
  readonly to: number
}

/** The OOM kill: a line, and its name in the row of the phases. */
function drawKill(u: uPlot, variant: VariantStore, scale: number): Taken | undefined {
  const killed = variant.marks.find((mark) => mark.reason === 'oom')
  if (killed === undefined) return undefined
  const pen = u.ctx
  const { left, top, width, height } = u.bbox
  const x = Math.round(u.valToPos(timeline(variant).x(killed.t), 'x', true))
  if (x < left || x > left + width) return undefined
  pen.strokeStyle = pen.fillStyle = colour('alarm')
  pen.lineWidth = 2 * scale
  strokeLine(pen, x, top, x, top + height)
  const label = 'OOM kill'
  const room = pen.measureText(label).width
  const from = Math.min(x - room / 2, left + width + MARGIN_RIGHT * scale - room)
  pen.textAlign = 'left'
  pen.fillText(label, from, top - 3 * scale)
  return { from, to: from + room }
}

function drawPhases(u: uPlot, variant: VariantStore, scale: number, kill: Taken | undefined): void {
  const pen = u.ctx
  const { left, top, width, height } = u.bbox
  const axis = timeline(variant)
  const gap = 8 * scale
  let free = left
  pen.textAlign = 'center'
  pen.lineWidth = scale
  for (const mark of variant.marks) {
    if (mark.reason !== 'phase') continue
    const x = Math.round(u.valToPos(axis.x(mark.t), 'x', true))
    if (x < left || x > left + width) continue
    pen.strokeStyle = pen.fillStyle = colour('muted')
    pen.globalAlpha = 0.5
    pen.setLineDash([2 * scale, 3 * scale])
    strokeLine(pen, x, top, x, top + height)
    pen.setLineDash([])
    pen.globalAlpha = 1
    const half = pen.measureText(mark.label).width / 2
    const [from, to] = [x - half, x + half]
    if (from < free || to > left + width + MARGIN_RIGHT * scale) continue
    if (kill !== undefined && to > kill.from - gap && from < kill.to + gap) continue
    pen.fillText(mark.label, x, top - 3 * scale)
    free = to + gap
  }
}

function strokeLine(pen: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number) {
  pen.beginPath()
  pen.moveTo(x0, y0)
  pen.lineTo(x1, y1)
  pen.stroke()
}

/** Text with a rim of the background, so that it reads over any area. */
function halo(pen: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  pen.save()
  pen.strokeStyle = colour('surface')
  pen.lineWidth *= 3
  pen.lineJoin = 'round'
  pen.strokeText(text, x, y)
  pen.restore()
  pen.fillText(text, x, y)
}

function axisX(fine: number): uPlot.Axis {
  return {
    stroke: () => colour('muted'),
    font: pictureFont(11 * fine),
    size: 30 * fine,
    gap: 6 * fine,
    space: 56 * fine,
    grid: { show: false },
    ticks: { stroke: () => colour('line'), size: 4 * fine, width: fine },
    values: (_, splits) => splits.map(tickText),
  }
}

function axisY(fine: number): uPlot.Axis {
  return {
    stroke: () => colour('muted'),
    font: pictureFont(11 * fine),
    size: GUTTER * fine,
    gap: 6 * fine,
    space: 44 * fine,
    grid: { stroke: () => colour('line'), width: fine },
    ticks: { show: false },
    incrs: [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096].map((mib) => mib * MIB),
    values: (_, splits) =>
      splits.map((bytes) => (bytes === 0 ? '0' : `${digits(bytes / MIB)} MiB`)),
  }
}
