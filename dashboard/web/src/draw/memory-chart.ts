/** Draws *Where did the memory go?* for one variant: causes stacked, RSS over them, marks. */
import uPlot from 'uplot'
import type { Picture } from '../frame.ts'
import { axisRange, hoverAt, lookAt, moment, momentOf, timeline, zoomTo } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { scaleForFile, showFine } from './canvas.ts'
import { memoryData } from './memory-data.ts'
import { CHART_HEIGHT, memoryOptions, VM_SIZE } from './memory-plot.ts'
import { scaleMax, vmSizeIsShown } from './memory-scale.ts'

export class MemoryChart implements Picture {
  readonly element: HTMLElement
  readonly #variant: VariantStore
  readonly #plot: uPlot
  #drawing = false

  constructor(element: HTMLElement, variant: VariantStore) {
    this.element = element
    this.#variant = variant
    const options = memoryOptions(variant, { width: 400, fine: 1 })
    options.hooks!.setSelect = [selectZoom]
    options.hooks!.ready = [(u) => this.#followMouse(u)]
    this.#plot = new uPlot(options, [[]], element)
  }

  resize(width: number): void {
    this.#plot.setSize({ width, height: CHART_HEIGHT })
  }

  destroy(): void {
    this.#plot.destroy()
  }

  paint(): void {
    this.#drawing = true
    this.#fill(this.#plot)
    this.#drawing = false
    this.#placeCursor()
    this.#paintForFile()
  }

  #fill(plot: uPlot): void {
    const { x, stack, rss, live, vmSize } = memoryData(this.#variant, timeline(this.#variant))
    plot.batch(() => {
      plot.setData([x, ...stack, rss, live, vmSize], false)
      if (plot.series[VM_SIZE]!.show !== vmSizeIsShown()) {
        plot.setSeries(VM_SIZE, { show: vmSizeIsShown() })
      }
      const [min, max] = axisRange()
      plot.setScale('x', { min, max })
      plot.setScale('y', { min: 0, max: scaleMax() })
    })
  }

  /** uPlot draws as fine as the screen is: a file gets a plot of its own, as much larger. */
  #paintForFile(): void {
    const canvas = this.#plot.ctx.canvas
    const fine = scaleForFile() / uPlot.pxRatio
    showFine(canvas, undefined)
    if (fine <= 1) return
    const options = memoryOptions(this.#variant, { width: this.#plot.width, fine })
    const plot = new uPlot(options, [[]])
    this.#fill(plot)
    showFine(canvas, plot.ctx.canvas)
    plot.destroy()
  }

  #placeCursor(): void {
    const at =
      moment.value === null ? undefined : timeline(this.#variant).x(momentOf(this.#variant))
    const left = at === undefined ? -10 : this.#plot.valToPos(at, 'x')
    this.#plot.setCursor({ left, top: at === undefined ? -10 : 10 }, false)
  }

  #followMouse(u: uPlot): void {
    u.over.addEventListener('mousemove', (event) => {
      if (!this.#drawing && event.buttons === 0) hoverAt(u.posToVal(event.offsetX, 'x'))
    })
    u.over.addEventListener('mouseleave', () => hoverAt(null))
    u.over.addEventListener('click', (event) => lookAt(u.posToVal(event.offsetX, 'x')))
  }
}

function selectZoom(u: uPlot): void {
  const { left, width } = u.select
  if (width < 4) return
  const range = [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')] as const
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
  zoomTo(range)
}
