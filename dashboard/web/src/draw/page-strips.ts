/**
 * Draws *Which arena holds it?* page by page for one variant: one strip per heap, as long as its
 * memory, in as many rows as it needs. All variants share one scale: as much colour, as many bytes.
 */
import { colour, fillOf, pictureFont } from '../palette.ts'
import { momentOf, variants } from '../state.ts'
import {
  type ArenaPages,
  type HeapRuns,
  type LookPages,
  pagesOf,
  pageToken,
} from '../store/pages.ts'
import { penOf } from './canvas.ts'
import { CanvasPicture, drawRowName } from './canvas-picture.ts'
import { GUTTER } from './layout.ts'

/** Right of the strips: how many threads are attached. */
const THREADS_WIDTH = 46
/** Height that all strips of a variant together should need at most, pixels. */
const HEIGHT_MAX = 420
const ROW_MAX = 13
/** Low enough for many rows, and yet, with the gap, high enough for a name beside each arena. */
const ROW_MIN = 9
const ARENA_GAP = 3
/** Rows that the largest heap may be folded into. */
const FOLDS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40]
/** A cell is not drawn wider than this, pixels. */
const CELL_MAX = 8

/** A cell of a strip: arena and heap by place, cell by number. */
export interface PageCell {
  readonly arena: number
  readonly heap: number
  readonly cell: number
}

/** How much one row of a strip shows, and how high it is: the same for all variants. */
interface Scale {
  readonly rowBytes: number
  readonly rowHeight: number
}

const heapBytes = (heap: HeapRuns, cellBytes: number): number => heap.cells * cellBytes
const rowsOf = (heap: HeapRuns, cellBytes: number, rowBytes: number): number =>
  Math.max(1, Math.ceil(heapBytes(heap, cellBytes) / rowBytes))

function arenaRows(pages: LookPages, rowBytes: number): number {
  let rows = 0
  for (const { heaps } of pages.arenas) {
    for (const heap of heaps) rows += rowsOf(heap, pages.cellBytes, rowBytes)
  }
  return rows
}

/** Of the newest looks: so that scrubbing back moves nothing but colours. */
function scaleOf(width: number): Scale {
  const all = variants.value.flatMap((variant) => pagesOf(variant.looks.all().at(-1)) ?? [])
  let largest = 1024 * 1024
  let arenas = 1
  let cellBytes = 4096
  for (const pages of all) {
    arenas = Math.max(arenas, pages.arenas.length)
    cellBytes = Math.max(cellBytes, pages.cellBytes)
    for (const { heaps } of pages.arenas) {
      for (const heap of heaps) largest = Math.max(largest, heapBytes(heap, pages.cellBytes))
    }
  }
  const gaps = arenas * ARENA_GAP
  let rowBytes = largest
  for (const folds of FOLDS) {
    const bytes = Math.ceil(largest / folds / cellBytes) * cellBytes
    const rows = Math.max(1, ...all.map((pages) => arenaRows(pages, bytes)))
    if (
      folds > 1 &&
      (rows * (ROW_MIN + 1) + gaps > HEIGHT_MAX || width / (bytes / cellBytes) > CELL_MAX)
    )
      break
    rowBytes = bytes
  }
  const rows = Math.max(1, ...all.map((pages) => arenaRows(pages, rowBytes)))
  const fitting = Math.floor((HEIGHT_MAX - gaps) / rows)
  return { rowBytes, rowHeight: Math.min(ROW_MAX, Math.max(ROW_MIN, fitting)) }
}

/** Where a heap lies in the picture. */
interface Placed {
  readonly top: number
  readonly rows: number
}

export class PageStrips extends CanvasPicture {
  #scale: Scale = { rowBytes: 1, rowHeight: 1 }
  #pages: LookPages | undefined
  /** By arena and heap. */
  #places: Placed[][] = []
  selected: PageCell | undefined

  /** The look on show. */
  get pages(): LookPages | undefined {
    return this.#pages
  }

  get #plot(): number {
    return this.width - GUTTER - THREADS_WIDTH
  }

  /** Cells in one row. */
  get rowCells(): number {
    return Math.max(1, Math.round(this.#scale.rowBytes / (this.#pages?.cellBytes ?? 1)))
  }

  /** The cell under a point of the canvas. */
  cellAt(x: number, y: number): PageCell | undefined {
    const pages = this.#pages
    if (pages === undefined || x < GUTTER) return undefined
    for (const [arena, heaps] of this.#places.entries()) {
      for (const [heap, { top, rows }] of heaps.entries()) {
        const row = Math.floor((y - top) / this.#scale.rowHeight)
        if (row < 0 || row >= rows) continue
        const along = Math.floor(((x - GUTTER) / this.#plot) * this.rowCells)
        const cell = row * this.rowCells + along
        const { cells } = pages.arenas[arena]!.heaps[heap]!
        return cell < cells && along < this.rowCells ? { arena, heap, cell } : undefined
      }
    }
    return undefined
  }

  paint(): void {
    const pages = pagesOf(this.variant.looks.at(momentOf(this.variant)))
    this.#pages = pages
    this.#scale = scaleOf(this.#plot)
    const pen = penOf(this.element, this.width, Math.max(24, this.#height()))
    if (pen === undefined) return
    // The line below the picture says so.
    if (pages === undefined) return
    this.#place(pages)
    for (const [place, arena] of pages.arenas.entries()) this.#drawArena(pen, pages, arena, place)
  }

  /** Room for all that was ever there, so that scrubbing back moves nothing below. */
  #height(): number {
    const { rowBytes, rowHeight } = this.#scale
    const heights = [this.#pages, pagesOf(this.variant.looks.all().at(-1))].map((pages) =>
      pages === undefined
        ? 0
        : arenaRows(pages, rowBytes) * rowHeight + pages.arenas.length * ARENA_GAP,
    )
    return Math.max(...heights)
  }

  #place(pages: LookPages): void {
    const { rowBytes, rowHeight } = this.#scale
    let top = 0
    this.#places = pages.arenas.map(({ heaps }) => {
      const placed = heaps.map((heap) => {
        const rows = rowsOf(heap, pages.cellBytes, rowBytes)
        const at = top
        top += rows * rowHeight
        return { top: at, rows }
      })
      top += ARENA_GAP
      return placed
    })
  }

  #drawArena(
    pen: CanvasRenderingContext2D,
    { cellBytes }: LookPages,
    arena: ArenaPages,
    place: number,
  ): void {
    const { rowHeight } = this.#scale
    const chosen = this.selected?.arena === place
    const first = this.#places[place]![0]!
    const middle = first.top + rowHeight / 2
    pen.font = pictureFont(rowHeight < 11 ? 10 : 11)
    drawRowName(pen, arena.name, middle, chosen ? 'ink' : 'muted')
    const threads = arena.attachedThreads === 0 ? 'none' : `${arena.attachedThreads} thr`
    pen.fillText(threads, this.width - THREADS_WIDTH + 8, middle)
    for (const [heap, runs] of arena.heaps.entries()) {
      const { top } = this.#places[place]![heap]!
      this.#drawRuns(pen, runs, top, cellBytes)
      if (arena.pin !== undefined) this.#drawPin(pen, arena.pin.address, runs, top, cellBytes)
      const selected = this.selected
      if (chosen && selected?.heap === heap) this.#drawSelected(pen, selected.cell, top)
    }
  }

  #drawRuns(
    pen: CanvasRenderingContext2D,
    { runs }: HeapRuns,
    top: number,
    cellBytes: number,
  ): void {
    const { rowBytes, rowHeight } = this.#scale
    const pixels = this.#plot / rowBytes
    const height = rowHeight - (rowHeight > 7 ? 2 : 1)
    let byte = 0
    for (const { letter, cells } of runs) {
      pen.fillStyle = fillOf(pen, pageToken(letter))
      const end = byte + cells * cellBytes
      while (byte < end) {
        const row = Math.floor(byte / rowBytes)
        const stop = Math.min(end, (row + 1) * rowBytes)
        const left = (byte - row * rowBytes) * pixels
        pen.fillRect(GUTTER + left, top + row * rowHeight, (stop - byte) * pixels, height)
        byte = stop
      }
    }
  }

  /** A pointer down onto the page that holds the pin. */
  #drawPin(
    pen: CanvasRenderingContext2D,
    address: number,
    heap: HeapRuns,
    top: number,
    cellBytes: number,
  ): void {
    const { rowBytes, rowHeight } = this.#scale
    const offset = address - heap.start
    if (offset < 0 || offset >= heapBytes(heap, cellBytes)) return
    const row = Math.floor(offset / rowBytes)
    const x = GUTTER + ((offset - row * rowBytes) / rowBytes) * this.#plot
    const y = top + row * rowHeight
    pen.fillStyle = colour('ink')
    pen.strokeStyle = colour('surface')
    pen.lineWidth = 1.5
    pen.beginPath()
    pen.moveTo(x - 4, y - 3)
    pen.lineTo(x + 4, y - 3)
    pen.lineTo(x + 1, y + 3)
    pen.lineTo(x + 1, y + rowHeight - 1)
    pen.lineTo(x - 1, y + rowHeight - 1)
    pen.lineTo(x - 1, y + 3)
    pen.closePath()
    pen.stroke()
    pen.fill()
  }

  #drawSelected(pen: CanvasRenderingContext2D, cell: number, top: number): void {
    const { rowHeight } = this.#scale
    const row = Math.floor(cell / this.rowCells)
    const width = this.#plot / this.rowCells
    const left = GUTTER + (cell - row * this.rowCells) * width
    pen.strokeStyle = colour('ink')
    pen.lineWidth = 2
    pen.strokeRect(left - 1, top + row * rowHeight - 1, Math.max(width, 3) + 2, rowHeight + 1)
  }
}
