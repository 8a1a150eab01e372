/**
 * Claims on shared cells. A cell has four words and only one of them can change at once, so whoever
 * works on a shared cell first swaps its block for `CELL_BUSY`, and stores the block back when
 * done. Private cells need none of this.
 */
import { CELL_BUSY } from '../words/cells.ts'
import type { SharedWords } from '../words/units.ts'
import { futexWait } from './futex.ts'

/** Looks before a claimant lets others run. A claim is held for one op at most. */
const LOOKS = 1000
const PAUSE_MS = 1
/** Never changes: what a claimant sleeps on. */
const nobodyNotifies = new Int32Array(new SharedArrayBuffer(4))

/**
 * Lets whoever holds a claim go on. Compiled code calls it by this name.
 *
 * @public
 */
export function letOthersRun(): void {
  futexWait(nobodyNotifies, 0, 0, PAUSE_MS)
}

/**
 * The block of a shared cell, which is the caller's alone until `releaseCell`. Between safepoints.
 */
export function claimCell(cells: SharedWords, cell: number): number {
  for (;;) {
    for (let look = 0; look < LOOKS; look++) {
      const block = Atomics.exchange(cells, cell, CELL_BUSY)
      if (block !== CELL_BUSY) return block
    }
    letOthersRun()
  }
}

/** Publishes the cell's other words with its block. */
export function releaseCell(cells: SharedWords, cell: number, block: number): void {
  Atomics.store(cells, cell, block)
}
