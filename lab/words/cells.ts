/**
 * A cell: the place of one block in the lab's block table. Scripts name cells, never addresses.
 *
 *   word   0        1           2                3
 *        ┌────────┬───────────┬────────────────┬───────┐
 *        │ block  │ requested │ allocated by   │ stamp │
 *        └────────┴───────────┴────────────────┴───────┘
 *
 * `block` is the word index of the block, 0 for an empty cell, `CELL_BUSY` while a lab thread moves
 * the content of a shared cell. `requested` is in bytes; `allocated by` is a seat and, above its
 * bits, how many looks at the heap there had been by then; `stamp` is what `write` left at both
 * ends of the block, 0 when nothing was written.
 */
export const Cell = { BLOCK: 0, REQUESTED: 1, ALLOCATED_BY: 2, STAMP: 3 } as const
/** In `BLOCK` of a shared cell whose content is on the move: a few instructions long. */
export const CELL_BUSY = -1

/** Bits of `ALLOCATED_BY` that hold the seat. */
const SEAT_BITS = 12
const SEAT_MASK = (1 << SEAT_BITS) - 1
/** Looks that `ALLOCATED_BY` can tell apart: later ones count as the last. */
export const LOOKS_MAX = 2 ** (31 - SEAT_BITS) - 1

/** `ALLOCATED_BY` of a block that `seat` allocates after so many looks at the heap. */
export const allocatedBy = (seat: number, looks: number): number => (looks << SEAT_BITS) | seat
/** The seat in an `ALLOCATED_BY`. */
export const allocatingSeat = (by: number): number => by & SEAT_MASK
/** Looks at the heap that had been when the block was allocated. */
export const looksBefore = (by: number): number => by >>> SEAT_BITS
