/**
 * A cell: the place of one block in the lab's block table. Scripts name cells, never addresses.
 *
 *   word   0        1           2                3
 *        ┌────────┬───────────┬────────────────┬───────┐
 *        │ block  │ requested │ allocated by   │ stamp │
 *        └────────┴───────────┴────────────────┴───────┘
 *
 * `block` is the word index of the block, 0 for an empty cell, `CELL_BUSY` while a lab thread moves
 * the content of a shared cell. `requested` is in bytes; `allocated by` is a seat; `stamp` is what
 * `write` left at both ends of the block, 0 when nothing was written.
 */
export const Cell = { BLOCK: 0, REQUESTED: 1, ALLOCATED_BY: 2, STAMP: 3 } as const
/** In `BLOCK` of a shared cell whose content is on the move: a few instructions long. */
export const CELL_BUSY = -1
