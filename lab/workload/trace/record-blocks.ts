/** Cells of a recording: which block each holds. What is done to a block goes into the trace. */
import { pagesOfBytes } from '../../words/units.ts'
import type { TraceWriter } from './writer.ts'

/** Blocks of a whole recording. */
export interface OutBlocks {
  /** Number of the next block. */
  next: number
  /** Requested bytes of those live. */
  readonly bytes: Map<number, number>
}

const EMPTY = -1

export class CellBlocks {
  readonly #out: TraceWriter
  readonly #blocks: OutBlocks
  readonly #held = new Map<number, number>()

  constructor(out: TraceWriter, blocks: OutBlocks) {
    this.#out = out
    this.#blocks = blocks
  }

  /** `write` puts the allocation into the trace. What the cell still held is freed after it. */
  allocate(thread: number, cell: number, bytes: number, write: (block: number) => void): void {
    const block = this.#blocks.next++
    write(block)
    this.#blocks.bytes.set(block, bytes)
    this.put(thread, cell, block)
  }

  /** An empty cell is filled, as realloc(NULL) does; 0 bytes free the block. */
  reallocate(thread: number, cell: number, bytes: number): void {
    const block = this.#held.get(cell)
    if (block === undefined) {
      this.allocate(thread, cell, bytes, (number) => this.#out.malloc(thread, number, bytes))
      return
    }
    this.#out.realloc(thread, block, bytes)
    if (bytes > 0) {
      this.#blocks.bytes.set(block, bytes)
      return
    }
    this.#held.delete(cell)
    this.#blocks.bytes.delete(block)
  }

  /** An empty cell is left alone. */
  free(thread: number, cell: number): void {
    const block = this.take(cell)
    if (block < 0) return
    this.#out.free(thread, block)
    this.#blocks.bytes.delete(block)
  }

  write(thread: number, cell: number): void {
    const block = this.#held.get(cell)
    if (block !== undefined) this.#out.write(thread, block)
  }

  /** False when that would be only a part of the block, which no trace can say. */
  writePages(thread: number, cell: number, pages: number): boolean {
    const block = this.#held.get(cell)
    if (block === undefined) return true
    if (pages < pagesOfBytes(this.#blocks.bytes.get(block) ?? 0)) return false
    this.#out.write(thread, block)
    return true
  }

  /** The block leaves the cell; -1 when it is empty. */
  take(cell: number): number {
    const block = this.#held.get(cell) ?? EMPTY
    this.#held.delete(cell)
    return block
  }

  /** What the cell still held is freed. */
  put(thread: number, cell: number, block: number): void {
    this.free(thread, cell)
    this.#held.set(cell, block)
  }

  swap(cell: number, other: CellBlocks, otherCell: number): void {
    const [mine, theirs] = [this.take(cell), other.take(otherCell)]
    if (theirs >= 0) this.#held.set(cell, theirs)
    if (mine >= 0) other.#held.set(otherCell, mine)
  }
}
