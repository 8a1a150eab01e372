/**
 * Draws the chunks of one arena in address order, row by row, for *What is in the allocator?*: one
 * box each, wider for larger ones but not in proportion, so that small ones can be seen and walked.
 */
import type { ChunkMap } from '../../../../lab/metrics/survey-types.ts'
import { colour, type Token } from '../palette.ts'
import { arenaShown, momentOf } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { penOf } from './canvas.ts'
import { CanvasPicture } from './canvas-picture.ts'
import { GUTTER, MARGIN_RIGHT } from './layout.ts'

const ROW = 16
/** Rows on show: the last ones, or those around the selected chunk. */
const ROWS_MAX = 12
const BOX_MIN = 4
const BOX_MAX = 44
/** Figures of a chunk in `ChunkMap.rows`. */
const FIGURES = 6

/** One chunk of the map. */
export interface Chunk {
  readonly address: number
  readonly bytes: number
  readonly state: string
  readonly flags: number
  readonly seat: number
  readonly requested: number
  /** Milliseconds of the look before it was allocated; -1 for unknown. */
  readonly since: number
}

const known = new WeakMap<ChunkMap, readonly Chunk[]>()

/** The chunks of a map, unpacked once. */
export function chunksOf(map: ChunkMap): readonly Chunk[] {
  const before = known.get(map)
  if (before !== undefined) return before
  const chunks: Chunk[] = []
  let address = map.start
  for (let at = 0; at < map.rows.length; at += FIGURES) {
    const [bytes, state, flags, seat, requested, since] = map.rows.slice(at, at + FIGURES) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    const name = map.states[state] ?? '?'
    chunks.push({ address, bytes, state: name, flags, seat, requested, since })
    address += bytes
  }
  known.set(map, chunks)
  return chunks
}

/** The chunks of the arena chosen, or of the one whose pin keeps most, at the moment. */
export function chunkMapOf(variant: VariantStore): ChunkMap | undefined {
  const survey = variant.looks.chunksAt(momentOf(variant))?.survey
  const maps = survey?.chunks
  if (survey === undefined || maps === undefined) return undefined
  if (arenaShown.value >= 0) return maps.find(({ arena }) => arena === arenaShown.value)
  const pin = [...survey.pins].sort((a, b) => b.pinnedBytes - a.pinnedBytes)[0]
  return maps.find(({ arena }) => arena === pin?.arena) ?? maps[0]
}

/** What states look like: the first whose beginning fits. */
export const CHUNK_STATES: readonly (readonly [begin: string, token: Token, label: string])[] = [
  ['in use', 'live', 'In use'],
  ['full', 'live', 'Full span'],
  ['partly', 'livePart', 'Partly used span'],
  ['empty', 'threadCaches', 'Empty span'],
  ['tcache struct', 'allocatorState', 'Cache of a thread'],
  ['tcache', 'threadCaches', 'In a thread’s cache'],
  ['fastbin', 'pinnedFree', 'Fastbin'],
  ['unsorted', 'freeInBins', 'Unsorted'],
  ['small', 'freeInBins', 'In a bin'],
  ['large', 'freeInBins', 'In a bin'],
  ['free span', 'freeInBins', 'Free span'],
  ['returned', 'returned', 'Returned span'],
  ['top', 'freeTop', 'Top'],
  ['fencepost', 'other', 'Fencepost'],
  ['no span', 'untouched', 'No span'],
]

export const stateToken = (state: string): Token =>
  CHUNK_STATES.find(([begin]) => state.startsWith(begin))?.[1] ?? 'muted'

interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
}

export class ChunkStrip extends CanvasPicture {
  /** By chunk, as if all rows were on show. */
  #boxes: Box[] = []
  /** The first row on show. */
  #firstRow = 0
  chunks: readonly Chunk[] = []
  /** Chunk under the pointer or the keyboard, -1 for none. */
  selected = -1

  /** The chunk under a point, -1 for none. */
  chunkAt(x: number, shownY: number): number {
    const y = shownY + this.#firstRow * ROW
    return this.#boxes.findIndex(
      ({ left, top, width }) => x >= left && x < left + width && y >= top && y < top + ROW,
    )
  }

  /** The chunk a row above (-1) or below (1) the selected one, nearest to it. */
  inRow(step: number): number {
    const from = this.#boxes[this.selected]
    if (from === undefined) return 0
    const middle = from.left + from.width / 2
    let best = this.selected
    let distance = Number.POSITIVE_INFINITY
    for (const [place, { left, top, width }] of this.#boxes.entries()) {
      if (top !== from.top + step * ROW) continue
      const away = Math.abs(left + width / 2 - middle)
      if (away < distance) [best, distance] = [place, away]
    }
    return best
  }

  paint(): void {
    const map = chunkMapOf(this.variant)
    this.chunks = map === undefined ? [] : chunksOf(map)
    this.#place()
    const rows = (this.#boxes.at(-1)?.top ?? 0) / ROW + 1
    this.#scroll(rows)
    const shown = Math.min(rows, ROWS_MAX)
    const pen = penOf(this.element, this.width, shown * ROW + 2)
    if (pen === undefined) return
    if (this.chunks.length === 0) {
      pen.fillStyle = colour('muted')
      pen.fillText('no list yet: phase marks have one', GUTTER, ROW / 2)
      return
    }
    pen.translate(0, -this.#firstRow * ROW)
    for (const [place, { state }] of this.chunks.entries()) {
      const { left, top, width } = this.#boxes[place]!
      if (top < this.#firstRow * ROW || top >= (this.#firstRow + shown) * ROW) continue
      pen.fillStyle = colour(stateToken(state))
      pen.fillRect(left, top + 1, width - 1, ROW - 3)
    }
    const box = this.#boxes[this.selected]
    if (box === undefined) return
    pen.strokeStyle = colour('ink')
    pen.lineWidth = 2
    pen.strokeRect(box.left - 1, box.top, box.width + 1, ROW - 1)
  }

  /** Shows the end, unless the selected chunk lies elsewhere. */
  #scroll(rows: number): void {
    const last = Math.max(0, rows - ROWS_MAX)
    const box = this.#boxes[this.selected]
    if (box === undefined) {
      this.#firstRow = last
      return
    }
    const row = box.top / ROW
    if (row < this.#firstRow) this.#firstRow = row
    if (row >= this.#firstRow + ROWS_MAX) this.#firstRow = row - ROWS_MAX + 1
    this.#firstRow = Math.min(this.#firstRow, last)
  }

  #place(): void {
    const right = this.width - MARGIN_RIGHT
    let left = GUTTER
    let top = 0
    this.#boxes = this.chunks.map(({ bytes }) => {
      const width = Math.min(BOX_MAX, BOX_MIN + 1.8 * Math.max(0, Math.log2(bytes / 32)))
      if (left + width > right) {
        left = GUTTER
        top += ROW
      }
      const box = { left, top, width }
      left += width
      return box
    })
  }
}
