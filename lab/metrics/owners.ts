/**
 * Finds who allocated a few blocks among all that the workload holds. The index of blocks knows
 * sizes only; what is asked for here is so little that one look over the cells is cheaper.
 */
import { eachChannelCell } from '../sync/channel-content.ts'
import { allocatingSeat, Cell, looksBefore } from '../words/cells.ts'
import { CELL_WORDS, type Control } from '../words/control.ts'

/** Who allocated a block, and when. */
export interface Owner {
  readonly requested: number
  readonly seat: number
  /** Looks at the heap that had been by then. */
  readonly looks: number
}

const FILTER_BITS = 16
const FILTER_MASK = (1 << FILTER_BITS) - 1
/** Blocks lie at multiples of 16 bytes: the lowest two bits of their word index say nothing. */
const GRAIN_SHIFT = 2

/** Owners of those of `wanted` (word indices of blocks) that a cell holds. At a safepoint. */
export function ownersOf(control: Control, wanted: ReadonlySet<number>): Map<number, Owner> {
  const owners = new Map<number, Owner>()
  if (wanted.size === 0) return owners
  const filter = new Uint8Array(1 << FILTER_BITS)
  for (const block of wanted) filter[(block >>> GRAIN_SHIFT) & FILTER_MASK] = 1
  const take = (block: number, requested: number, by: number): void => {
    if (!wanted.has(block)) return
    owners.set(block, { requested, seat: allocatingSeat(by), looks: looksBefore(by) })
  }
  const { cells } = control
  for (let at = 0; at < cells.length; at += CELL_WORDS) {
    const block = cells[at + Cell.BLOCK]!
    if (block <= 0 || filter[(block >>> GRAIN_SHIFT) & FILTER_MASK] === 0) continue
    take(block, cells[at + Cell.REQUESTED]!, cells[at + Cell.ALLOCATED_BY]!)
  }
  eachChannelCell(control, take)
  return owners
}
