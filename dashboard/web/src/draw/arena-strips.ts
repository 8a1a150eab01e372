/** Draws *Which arena holds it?* for one variant: one strip per arena, all on one scale. */
import { digits } from '../format.ts'
import { colour, fillOf, pictureFont } from '../palette.ts'
import { momentOf, variants } from '../state.ts'
import type { ArenaState } from '../store/variant.ts'
import { penOf } from './canvas.ts'
import { CanvasPicture, drawRowName } from './canvas-picture.ts'
import { GUTTER } from './layout.ts'

const MIB = 1024 * 1024
/** Right of the strips: how many threads are attached. */
const THREADS_WIDTH = 46
const AXIS_HEIGHT = 24

/** Most arenas that any variant has: the strips of all variants have the same height. */
function arenaRows(): number {
  return Math.max(1, ...variants.value.map((variant) => variant.arenaNames.length))
}

/** Height of one strip, pixels: fewer arenas get taller strips. */
function stripHeight(rows: number): number {
  return Math.max(12, Math.min(22, Math.floor(380 / rows)))
}

const stripsHeight = (): number => arenaRows() * stripHeight(arenaRows()) + AXIS_HEIGHT

export class ArenaStrips extends CanvasPicture {
  /** Row under the pointer or the keyboard's focus, -1 for none. */
  selected = -1

  /** The arena under a point of the canvas, -1 for none. */
  rowAt(y: number): number {
    const row = Math.floor(y / stripHeight(arenaRows()))
    return row < this.variant.arenaNames.length ? row : -1
  }

  paint(): void {
    const pen = penOf(this.element, this.width, stripsHeight())
    if (pen === undefined) return
    const max = Math.max(MIB, ...variants.value.map((variant) => variant.arenaMax))
    const plot = this.width - GUTTER - THREADS_WIDTH
    const row = stripHeight(arenaRows())
    this.#drawAxis(pen, max, plot)
    for (const [place, arena] of this.variant.arenasAt(momentOf(this.variant)).entries()) {
      this.#drawStrip(pen, arena, place * row, row, plot / max, place === this.selected)
    }
  }

  #drawStrip(
    pen: CanvasRenderingContext2D,
    arena: ArenaState,
    top: number,
    row: number,
    pixelsPerByte: number,
    selected: boolean,
  ): void {
    const gap = row > 14 ? 4 : 2
    const middle = top + row / 2
    const height = row - gap
    if (selected) {
      pen.fillStyle = colour('line')
      pen.fillRect(0, top, this.width, row)
    }
    pen.font = pictureFont(row < 14 ? 10 : 11)
    drawRowName(pen, arena.name, middle, selected ? 'ink' : 'muted')
    const threads = arena.attachedThreads === 0 ? 'none' : `${arena.attachedThreads} thr`
    pen.fillText(threads, this.width - THREADS_WIDTH + 8, middle)
    let x = GUTTER
    const part = (bytes: number, fill: string | CanvasPattern): void => {
      const width = bytes * pixelsPerByte
      pen.fillStyle = fill
      if (width > 0.2) pen.fillRect(x, top + gap / 2, width, height)
      x += width
    }
    part(arena.live, colour('live'))
    part(arena.pinnedFree, fillOf(pen, 'pinnedFree'))
    part(arena.free - arena.pinnedFree, colour('freeInBins'))
    part(arena.top, colour('freeTop'))
    const reserve = (arena.system - arena.resident) * pixelsPerByte
    if (reserve > 1) {
      pen.strokeStyle = colour('muted')
      pen.globalAlpha = 0.55
      pen.lineWidth = 1
      pen.strokeRect(x + 0.5, top + gap / 2 + 0.5, reserve - 1, height - 1)
      pen.globalAlpha = 1
    }
  }

  #drawAxis(pen: CanvasRenderingContext2D, max: number, plot: number): void {
    const height = stripsHeight() - AXIS_HEIGHT
    const step = tickStep(max / MIB, Math.max(2, Math.floor(plot / 80)))
    pen.font = pictureFont(11)
    pen.lineWidth = 1
    pen.strokeStyle = colour('line')
    pen.fillStyle = colour('muted')
    pen.textAlign = 'center'
    for (let mib = 0; mib <= max / MIB; mib += step) {
      const x = Math.round(GUTTER + (mib * MIB * plot) / max) + 0.5
      pen.beginPath()
      pen.moveTo(x, 0)
      pen.lineTo(x, height)
      pen.stroke()
      pen.fillText(mib === 0 ? '0' : `${digits(mib)} MiB`, x, height + 14)
    }
  }
}

/** A step of 1, 2, 4, 8, … that gives at most `ticks` ticks up to `max`. */
function tickStep(max: number, ticks: number): number {
  let step = 1 / 64
  while (max / step > ticks) step *= 2
  return step
}
