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
// Walks come in address order. So that they read the table in order too, the blocks of one region
// of 16 KiB lie side by side, one slot per 16 bytes; only where a region starts is scattered.
const REGION_SHIFT = 12
const GRAIN_SHIFT = 2
const GRAIN_MASK = (1 << (REGION_SHIFT - GRAIN_SHIFT)) - 1
/** Int32 of a slot: block, requested bytes. */
const SLOT_INT32 = 2
const SLOTS_MIN_BITS = 8

/** Not a block the lab holds. */
export const NOT_HELD = -1

export class BlockIndex {
  #slots = new Int32Array(SLOT_INT32 << SLOTS_MIN_BITS)
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

  /** Adds one block that lies in no cell: on its way through a channel. */
  add(block: number, requested: number): void {
    if (2 * (this.#count + 1) > 2 ** this.#bits) this.#grow()
    this.#put(block, requested)
  }

  /** Requested bytes of the block at this word index; `NOT_HELD` when the lab holds none there. */
  requested(block: number): number {
    const slots = this.#slots
    const at = this.#find(block)
    return slots[at] === block ? slots[at + 1]! >>> 0 : NOT_HELD
  }

  #put(block: number, requested: number): void {
    const slots = this.#slots
    const at = this.#find(block)
    if (slots[at] === 0) this.#count++
    slots[at] = block
    slots[at + 1] = requested
  }

  /** Where the block is, or the free slot where it would be. Ends: half of the slots are free. */
  #find(block: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    const region = Math.imul(block >>> REGION_SHIFT, GOLDEN) >>> (32 - this.#bits)
    const grain = (block >>> GRAIN_SHIFT) & GRAIN_MASK
    let at = (SLOT_INT32 * (region + grain)) & mask
    while (slots[at] !== 0 && slots[at] !== block) at = (at + SLOT_INT32) & mask
    return at
  }

  #resize(blocks: number): void {
    let bits = SLOTS_MIN_BITS
    while (2 ** bits < 2 * blocks) bits++
    if (bits === this.#bits) {
      this.#slots.fill(0)
    } else {
      this.#slots = new Int32Array(SLOT_INT32 * 2 ** bits)
      this.#bits = bits
    }
    this.#count = 0
  }

  #grow(): void {
    const old = this.#slots
    this.#resize(2 ** this.#bits)
    for (let at = 0; at < old.length; at += SLOT_INT32) {
      if (old[at] !== 0) this.#put(old[at]!, old[at + 1]!)
    }
  }
}

/** The index of everything a control buffer's cells hold. At a safepoint. */
export function indexBlocks(control: Control, index = new BlockIndex()): BlockIndex {
  index.rebuild(control.cells)
  return index
}
