/** Draws *Who frees whose memory?* for one variant: freeing threads down, allocating across. */

import type { SafepointSample } from '../../../../lab/metrics/types.ts'
import type { MatrixSample } from '../../../protocol.ts'
import { colour, heatColour } from '../palette.ts'
import { matrixUnit, momentOf, variants } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { penOf } from './canvas.ts'
import { CanvasPicture, drawTrack } from './canvas-picture.ts'
import { GUTTER } from './layout.ts'

const LABEL = GUTTER
/** Above the map: what runs across, and its numbers. */
const TOP = 40
/** Side of the whole map at most, pixels. */
const SIDE_MAX = 400

/** What was freed by the moment, in the unit chosen: bytes are told at looks only. */
export function matrixOf(variant: VariantStore): MatrixSample | undefined {
  const t = momentOf(variant)
  return matrixUnit.value === 'blocks' ? variant.matrixAt(t) : bytesMatrix(variant.looks.at(t))
}

const known = new WeakMap<SafepointSample, MatrixSample>()

function bytesMatrix(look: SafepointSample | undefined): MatrixSample | undefined {
  const pairs = look?.survey?.freed.pairs
  if (look === undefined || pairs === undefined || pairs.length === 0) return undefined
  const before = known.get(look)
  if (before !== undefined) return before
  let seats = 1
  for (let at = 0; at < pairs.length; at += 4) {
    seats = Math.max(seats, pairs[at]! + 1, pairs[at + 1]! + 1)
  }
  const blocks = new Float64Array(seats * seats)
  for (let at = 0; at < pairs.length; at += 4) {
    blocks[pairs[at]! * seats + pairs[at + 1]!] = pairs[at + 3]!
  }
  const matrix = { t: look.t, seats, blocks }
  known.set(look, matrix)
  return matrix
}

/** Seats that ever freed or allocated something, from 0: the rest of the map is left out. */
function seatsInUse(matrix: MatrixSample): number {
  let used = 1
  for (let cell = 0; cell < matrix.blocks.length; cell++) {
    if (matrix.blocks[cell]! === 0) continue
    used = Math.max(used, Math.floor(cell / matrix.seats) + 1, (cell % matrix.seats) + 1)
  }
  return Math.min(used, matrix.seats)
}

/** Blocks, or bytes, that `freeing` freed of those that `allocating` had allocated. */
export const blocksOf = (matrix: MatrixSample, freeing: number, allocating: number): number =>
  matrix.blocks[freeing * matrix.seats + allocating] ?? 0

/** Share of all frees that were by another thread than the one that allocated, 0..1. */
export function remoteShare(matrix: MatrixSample): number {
  let all = 0
  let own = 0
  for (let cell = 0; cell < matrix.blocks.length; cell++) all += matrix.blocks[cell]!
  for (let seat = 0; seat < matrix.seats; seat++) own += blocksOf(matrix, seat, seat)
  return all === 0 ? 0 : (all - own) / all
}

/** The largest cell of any variant at the moment: all maps share one scale. */
export function largestCell(): number {
  let max = 1
  for (const variant of variants.value) {
    const matrix = matrixOf(variant)
    if (matrix === undefined) continue
    for (let cell = 0; cell < matrix.blocks.length; cell++) {
      max = Math.max(max, matrix.blocks[cell]!)
    }
  }
  return max
}

/** Counts span decades, so their cube root is coloured: one block still shows. */
const heatShare = (blocks: number, max: number): number =>
  blocks === 0 ? 0 : 0.05 + 0.95 * Math.cbrt(blocks / max)

export class MatrixMap extends CanvasPicture {
  #cell = 0
  seats = 1
  /** Cell under the pointer or the keyboard: freeing and allocating seat. */
  selected: readonly [number, number] | undefined

  /** The cell under a point of the canvas. */
  cellAt(x: number, y: number): readonly [number, number] | undefined {
    const allocating = Math.floor((x - LABEL) / this.#cell)
    const freeing = Math.floor((y - TOP) / this.#cell)
    const inside = (seat: number): boolean => seat >= 0 && seat < this.seats
    return inside(allocating) && inside(freeing) ? [freeing, allocating] : undefined
  }

  paint(): void {
    const matrix = matrixOf(this.variant)
    const seats = matrix === undefined ? 1 : seatsInUse(matrix)
    const side = Math.min(this.width - LABEL - 2, SIDE_MAX)
    const cell = seats > side / 3 ? side / seats : Math.floor(Math.min(side / seats, 28))
    this.seats = seats
    this.#cell = cell
    const pen = penOf(this.element, LABEL + cell * seats + 2, TOP + cell * seats + 2)
    if (pen === undefined || matrix === undefined) return
    this.#drawCells(pen, matrix)
    this.#drawLabels(pen)
    if (this.selected !== undefined) {
      const [freeing, allocating] = this.selected
      pen.strokeStyle = colour('ink')
      pen.lineWidth = 2
      pen.strokeRect(LABEL + allocating * cell, TOP + freeing * cell, cell, cell)
    }
  }

  #drawCells(pen: CanvasRenderingContext2D, matrix: MatrixSample): void {
    const { seats } = this
    const cell = this.#cell
    const gap = cell > 6 ? 1 : 0
    const max = largestCell()
    drawTrack(pen, TOP, cell * seats, cell * seats)
    for (let freeing = 0; freeing < seats; freeing++) {
      for (let allocating = 0; allocating < seats; allocating++) {
        const fill = heatColour(heatShare(blocksOf(matrix, freeing, allocating), max))
        if (fill === undefined) continue
        pen.fillStyle = fill
        pen.fillRect(LABEL + allocating * cell, TOP + freeing * cell, cell - gap, cell - gap)
      }
    }
    // The diagonal: what a thread freed of its own.
    pen.strokeStyle = colour('muted')
    pen.globalAlpha = 0.6
    pen.lineWidth = 1
    for (let seat = 0; seat < seats && cell > 4; seat++) {
      const at = seat * cell + 0.5
      pen.strokeRect(LABEL + at, TOP + at, cell - gap - 1, cell - gap - 1)
    }
    pen.globalAlpha = 1
  }

  #drawLabels(pen: CanvasRenderingContext2D): void {
    const every = Math.max(1, Math.ceil(22 / this.#cell))
    pen.fillStyle = colour('muted')
    for (let seat = 0; seat < this.seats; seat += every) {
      const at = (seat + 0.5) * this.#cell
      pen.textAlign = 'center'
      pen.fillText(`${seat}`, LABEL + at, TOP - 10)
      pen.textAlign = 'right'
      pen.fillText(`${seat}`, LABEL - 8, TOP + at)
    }
    pen.textAlign = 'left'
    pen.fillText('allocated by thread →', LABEL, TOP - 30)
    pen.save()
    pen.translate(LABEL - 36, TOP)
    pen.rotate(-Math.PI / 2)
    pen.textAlign = 'right'
    pen.fillText('← freed by', 0, 0)
    pen.restore()
  }
}
