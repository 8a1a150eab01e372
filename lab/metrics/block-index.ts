/**
 * Finds the requested bytes of a block by its address: an open-addressing hash of what the lab's
 * cells and channels hold, built anew at each safepoint. It says which of the bytes that a design
 * handed out the workload really asked for.
 */
import { Cell } from '../words/cells.ts'
import { CELL_WORDS, type Control } from '../words/control.ts'
import type { SharedWords } from '../words/units.ts'

/** Multiplier of Fibonacci hashing: 2^32 ÷ the golden ratio, odd. */
const GOLDEN = 0x9e3779b1
const SLOTS_MIN_BITS = 8

/** Not a block the lab holds. */
export const NOT_HELD = -1

export class BlockIndex {
  #blocks = new Int32Array(1 << SLOTS_MIN_BITS)
  #requested = new Int32Array(1 << SLOTS_MIN_BITS)
  #bits = SLOTS_MIN_BITS
  #count = 0

  /** Blocks held. */
  get count(): number {
    return this.#count
  }

  /** Empties the index and fills it from `cells`; at a safepoint. */
  rebuild(cells: SharedWords): void {
    let held = 0
    for (let at = Cell.BLOCK; at < cells.length; at += CELL_WORDS) if (cells[at]! > 0) held++
    this.#resize(held)
    for (let at = 0; at < cells.length; at += CELL_WORDS) {
      const block = cells[at + Cell.BLOCK]!
      if (block > 0) this.#put(block, cells[at + Cell.REQUESTED]!)
    }
  }

  /** Adds one block that lies in no cell: on its way through a channel or the run queue. */
  add(block: number, requested: number): void {
    if (2 * (this.#count + 1) > this.#blocks.length) this.#grow()
    this.#put(block, requested)
  }

  /** Requested bytes of the block at this word index; `NOT_HELD` when the lab holds none there. */
  requested(block: number): number {
    const blocks = this.#blocks
    const mask = blocks.length - 1
    let slot = this.#slotOf(block)
    // Ends: at most half of the slots are taken.
    while (blocks[slot] !== 0) {
      if (blocks[slot] === block) return this.#requested[slot]! >>> 0
      slot = (slot + 1) & mask
    }
    return NOT_HELD
  }

  #slotOf(block: number): number {
    return Math.imul(block, GOLDEN) >>> (32 - this.#bits)
  }

  #put(block: number, requested: number): void {
    const blocks = this.#blocks
    const mask = blocks.length - 1
    let slot = this.#slotOf(block)
    while (blocks[slot] !== 0 && blocks[slot] !== block) slot = (slot + 1) & mask
    if (blocks[slot] === 0) this.#count++
    blocks[slot] = block
    this.#requested[slot] = requested
  }

  #resize(blocks: number): void {
    let bits = SLOTS_MIN_BITS
    while (2 ** bits < 2 * blocks) bits++
    if (bits === this.#bits) {
      this.#blocks.fill(0)
    } else {
      this.#blocks = new Int32Array(2 ** bits)
      this.#requested = new Int32Array(2 ** bits)
      this.#bits = bits
    }
    this.#count = 0
  }

  #grow(): void {
    const blocks = this.#blocks
    const requested = this.#requested
    this.#resize(blocks.length)
    for (let slot = 0; slot < blocks.length; slot++) {
      if (blocks[slot] !== 0) this.#put(blocks[slot]!, requested[slot]!)
    }
  }
}

/** The index of everything a control buffer's cells hold. At a safepoint. */
export function indexBlocks(control: Control, index = new BlockIndex()): BlockIndex {
  index.rebuild(control.cells)
  return index
}
