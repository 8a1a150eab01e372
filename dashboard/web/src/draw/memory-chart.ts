/** Draws *Where did the memory go?* for one variant: causes stacked, RSS over them, marks. */
import uPlot from 'uplot'
import { digits } from '../format.ts'
import type { Picture } from '../frame.ts'
import { CAUSES, colour, fillOf, pictureFont } from '../palette.ts'
import {
  alignment,
  axisRange,
  hoverAt,
  lookAt,
  moment,
  momentOf,
  run,
  timeline,
  variants,
  zoomTo,
} from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { GUTTER, MARGIN_RIGHT } from './layout.ts'
import { memoryData } from './memory-data.ts'
import { vmSizeIsShown } from './memory-scale.ts'

const MIB = 1024 * 1024
export const CHART_HEIGHT = 264

/** Series of the chart by place: 0 is the axis, then the stack, then the lines. */
const RSS = CAUSES.length + 1
const VM_SIZE = RSS + 2

export class MemoryChart implements Picture {
  readonly element: HTMLElement
  readonly #variant: VariantStore
  readonly #plot: uPlot
  #drawing = false

  constructor(element: HTMLElement, variant: VariantStore) {
    this.element = element
    this.#variant = variant
    this.#plot = new uPlot(this.#options(), [[]], element)
  }

  resize(width: number): void {
    this.#plot.setSize({ width, height: CHART_HEIGHT })
  }

  destroy(): void {
    this.#plot.destroy()
  }

  paint(): void {
    const { x, stack, rss, live, vmSize } = memoryData(this.#variant, timeline(this.#variant))
    this.#drawing = true
    this.#plot.batch(() => {
      this.#plot.setData([x, ...stack, rss, live, vmSize], false)
      if (this.#plot.series[VM_SIZE]!.show !== vmSizeIsShown()) {
        this.#plot.setSeries(VM_SIZE, { show: vmSizeIsShown() })
      }
      const [min, max] = axisRange()
      this.#plot.setScale('x', { min, max })
      this.#plot.setScale('y', { min: 0, max: scaleMax() })
    })
    this.#drawing = false
    this.#placeCursor()
  }

  #placeCursor(): void {
    const at =
      moment.value === null ? undefined : timeline(this.#variant).x(momentOf(this.#variant))
    const left = at === undefined ? -10 : this.#plot.valToPos(at, 'x')
    this.#plot.setCursor({ left, top: at === undefined ? -10 : 10 }, false)
  }

  #options(): uPlot.Options {
    const areas = CAUSES.map((_, place) => {
      const { key, label } = CAUSES[CAUSES.length - 1 - place]!
      return {
        label,
        stroke: () => colour('surface'),
        width: 1,
        fill: (u: uPlot) => fillOf(u.ctx, key),
        points: { show: false },
      }
    })
    const line = (
      label: string,
      token: 'ink' | 'muted' | 'live',
      width: number,
      dash: number[],
    ) => ({
      label,
      stroke: () => colour(token),
      width,
      dash,
      points: { show: false },
      spanGaps: true,
    })
    return {
      width: 400,
      height: CHART_HEIGHT,
      padding: [18, MARGIN_RIGHT, 0, 0],
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
      axes: [axisX(), axisY()],
      series: [
        {},
        ...areas,
        line('RSS', 'ink', 1.75, []),
        line('Live', 'live', 1, []),
        line('VmSize', 'muted', 1.25, [5, 4]),
      ],
      hooks: {
        draw: [(u) => this.#drawMarks(u)],
        setSelect: [(u) => selectZoom(u)],
        ready: [(u) => this.#followMouse(u)],
      },
    }
  }

  #followMouse(u: uPlot): void {
    u.over.addEventListener('mousemove', (event) => {
      if (!this.#drawing && event.buttons === 0) hoverAt(u.posToVal(event.offsetX, 'x'))
    })
    u.over.addEventListener('mouseleave', () => hoverAt(null))
    u.over.addEventListener('click', (event) => lookAt(u.posToVal(event.offsetX, 'x')))
  }

  /** Phase marks, the limit and the OOM kill, over the areas. */
  #drawMarks(u: uPlot): void {
    const pen = u.ctx
    const scale = devicePixelRatio || 1
    const { left, top, width, height } = u.bbox
    pen.save()
    // The last series drawn may have left its dashes behind.
    pen.setLineDash([])
    pen.font = pictureFont(11 * scale)
    pen.textBaseline = 'bottom'
    this.#drawPhases(u, pen, scale)
    const limit = run.value?.memoryLimit ?? null
    if (limit !== null && limit <= scaleMax()) {
      const y = Math.round(u.valToPos(limit, 'y', true))
      pen.strokeStyle = pen.fillStyle = colour('alarm')
      pen.lineWidth = 2 * scale
      strokeLine(pen, left, y, left + width, y)
      pen.textAlign = 'left'
      halo(pen, `limit ${digits(limit / MIB)} MiB`, left + 6 * scale, y - 3 * scale)
    }
    const killed = this.#variant.marks.find((mark) => mark.reason === 'oom')
    if (killed !== undefined) {
      const x = Math.round(u.valToPos(timeline(this.#variant).x(killed.t), 'x', true))
      pen.strokeStyle = pen.fillStyle = colour('alarm')
      pen.lineWidth = 2 * scale
      strokeLine(pen, x, top, x, top + height)
      const right = x > left + width - 90 * scale
      pen.textAlign = right ? 'right' : 'left'
      halo(pen, 'OOM kill', x + (right ? -6 : 6) * scale, top + 18 * scale)
    }
    pen.restore()
  }

  #drawPhases(u: uPlot, pen: CanvasRenderingContext2D, scale: number): void {
    const { left, top, width, height } = u.bbox
    const axis = timeline(this.#variant)
    let free = left
    pen.textAlign = 'center'
    pen.lineWidth = scale
    for (const mark of this.#variant.marks) {
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
      if (x - half < free || x + half > left + width + MARGIN_RIGHT * scale) continue
      pen.fillText(mark.label, x, top - 3 * scale)
      free = x + half + 8 * scale
    }
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

/** uPlot's own double click would zoom this chart alone; ours zooms all of them. */
function zoomOut(): null {
  zoomTo(null)
  return null
}

function selectZoom(u: uPlot): void {
  const { left, width } = u.select
  if (width < 4) return
  const range = [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')] as const
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
  zoomTo(range)
}

/** Top of the shared scale, bytes: RSS of all variants, the limit and VmSize where they fit. */
function scaleMax(): number {
  const limit = run.value?.memoryLimit ?? 0
  let max = 8 * MIB
  for (const { rssMax } of variants.value) max = Math.max(max, rssMax)
  if (limit < 3 * max) max = Math.max(max, limit)
  if (vmSizeIsShown()) for (const { vmSizeMax } of variants.value) max = Math.max(max, vmSizeMax)
  return max * 1.06
}

function axisX(): uPlot.Axis {
  return {
    stroke: () => colour('muted'),
    font: pictureFont(11),
    size: 30,
    gap: 6,
    space: 56,
    grid: { show: false },
    ticks: { stroke: () => colour('line'), size: 4, width: 1 },
    values: (_, splits) =>
      splits.map((x) => (alignment.value === 'time' ? `${digits(x)} s` : digits(x))),
  }
}

function axisY(): uPlot.Axis {
  return {
    stroke: () => colour('muted'),
    font: pictureFont(11),
    size: GUTTER,
    gap: 6,
    space: 44,
    grid: { stroke: () => colour('line'), width: 1 },
    ticks: { show: false },
    incrs: [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096].map((mib) => mib * MIB),
    values: (_, splits) =>
      splits.map((bytes) => (bytes === 0 ? '0' : `${digits(bytes / MIB)} MiB`)),
  }
}
