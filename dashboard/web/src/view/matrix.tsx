/** *Who frees whose memory?* */
import { blocksOf, largestCell, MatrixMap, matrixOf, remoteShare } from '../draw/matrix-map.ts'
import { bytes, count, percent } from '../format.ts'
import { changed, matrixUnit, textTick, variants } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { Choice } from './choice.tsx'
import { Picked } from './picked.tsx'
import { Section } from './section.tsx'
import { DataTable } from './tables.tsx'

export function MatrixView() {
  return (
    <Section
      id="matrix"
      question="Who frees whose memory?"
      lookFor="Look for rows away from the diagonal: one thread that frees what many others
        allocated. Such memory goes back to the arenas of those others, not to who needs it next."
      tools={
        <Choice
          name="matrix-unit"
          label="Unit of the matrix"
          options={[
            ['blocks', 'in blocks'],
            ['bytes', 'in bytes'],
          ]}
          value={matrixUnit.value}
          onChange={(value) => {
            matrixUnit.value = value
            textTick.value++
            changed()
          }}
        />
      }
      panel={(variant) => <MatrixPicture variant={variant} />}
      legend={<Scale />}
      table={() => <MatrixTable />}
    />
  )
}

/** Blocks or bytes, in words. */
const amount = (value: number): string =>
  matrixUnit.value === 'bytes'
    ? bytes(value)
    : `${count(value)} ${value === 1 ? 'block' : 'blocks'}`

function Scale() {
  textTick.value
  return (
    <ul class="keys">
      <li>
        {matrixUnit.value === 'blocks' ? '1 block' : '1 B'} <i class="heat-scale" />{' '}
        {amount(largestCell())}
      </li>
      <li class="meaning">
        cube-root scale; framed cells are a thread’s own blocks; a number is used again when its
        thread has ended
      </li>
    </ul>
  )
}

function MatrixPicture({ variant }: { readonly variant: VariantStore }) {
  return (
    <Picked
      name="matrix"
      label={
        `What was freed, by freeing and allocating thread, under ${variant.description.label}. ` +
        'Arrow keys read the cells.'
      }
      make={(canvas) => new MatrixMap(canvas, variant)}
      none={undefined}
      same={(a, b) => a?.[0] === b?.[0] && a?.[1] === b?.[1]}
      at={(map, x, y) => map.cellAt(x, y)}
      moved={(map, key, from) => moved(from, key, map.seats)}
      readout={(cell) => <Readout variant={variant} cell={cell} />}
    />
  )
}

/** The neighbour that an arrow key means, undefined for other keys. */
function moved(
  from: readonly [number, number] | undefined,
  key: string,
  seats: number,
): readonly [number, number] | undefined {
  const steps: Record<string, readonly [number, number]> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  }
  const step = steps[key]
  if (step === undefined) return undefined
  if (from === undefined) return [0, 0]
  const inside = (seat: number): number => Math.min(Math.max(seat, 0), seats - 1)
  return [inside(from[0] + step[0]), inside(from[1] + step[1])]
}

interface ReadoutProps {
  readonly variant: VariantStore
  readonly cell: readonly [number, number] | undefined
}

function Readout({ variant, cell }: ReadoutProps) {
  textTick.value
  const matrix = matrixOf(variant)
  const text = (): string => {
    if (matrix === undefined) return 'nothing freed yet'
    const what = matrixUnit.value === 'blocks' ? 'frees are' : 'freed bytes are'
    if (cell === undefined) return `${percent(remoteShare(matrix))} of all ${what} remote`
    const [freeing, allocating] = cell
    const freed = amount(blocksOf(matrix, freeing, allocating))
    return freeing === allocating
      ? `thread ${freeing} freed ${freed} of its own`
      : `thread ${freeing} freed ${freed} that thread ${allocating} had allocated`
  }
  return (
    <p class="readout" aria-live="polite" data-readout="matrix">
      {text()}
    </p>
  )
}

/** Cells of the table at most: the largest ones. */
const CELLS_MAX = 100

function MatrixTable() {
  textTick.value
  const rows = variants.value.flatMap((variant) => {
    const matrix = matrixOf(variant)
    if (matrix === undefined) return []
    return Array.from({ length: matrix.blocks.length }, (_, cell) => cell)
      .filter((cell) => matrix.blocks[cell]! > 0)
      .sort((a, b) => matrix.blocks[b]! - matrix.blocks[a]!)
      .slice(0, CELLS_MAX)
      .map((cell) => [
        `thread ${Math.floor(cell / matrix.seats)}`,
        `thread ${cell % matrix.seats}`,
        variant.description.label,
        matrixUnit.value === 'bytes' ? bytes(matrix.blocks[cell]!) : count(matrix.blocks[cell]!),
      ])
  })
  return (
    <DataTable
      caption="What was freed, the most first"
      columns={[
        'Freed by',
        'Allocated by',
        'Variant',
        matrixUnit.value === 'bytes' ? 'Bytes' : 'Blocks',
      ]}
      rows={rows}
    />
  )
}
