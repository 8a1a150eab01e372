/**
 * Not an allocator: hands the same block out again and again and takes it back for nothing. A
 * benchmark measures the lab's own loop, counters and cells with it.
 */
import type { Design, Process, ThreadHeap } from '../../../allocators/contract.ts'
import { type Block, PAGE_BYTES, PAGE_WORDS } from '../../words/units.ts'

class FloorHeap implements ThreadHeap {
  readonly #block: Block

  constructor(block: Block) {
    this.#block = block
  }

  malloc(_bytes: number): Block {
    return this.#block
  }
  calloc(_count: number, _bytes: number): Block {
    return this.#block
  }
  realloc(block: Block, _bytes: number): Block {
    return block
  }
  memalign(_alignment: number, _bytes: number): Block {
    return this.#block
  }
  free(_block: Block): void {}
  usableSize(_block: Block): number {
    return PAGE_BYTES
  }
  trim(_padBytes: number): boolean {
    return false
  }
  exit(): void {}
}

/** The page after the first of the static data, so that nothing else lies in it. */
const blockOf = ({ dataStart }: Process): Block => (dataStart + PAGE_WORDS) as number as Block

const floorDesign: Design = {
  name: 'floor',
  summary: 'No allocator: what the loop around one costs.',
  tunables: {},
  dataBytes: 2 * PAGE_BYTES,
  boot: (process) => process.touch(blockOf(process)),
  attach: (process) => new FloorHeap(blockOf(process)),
  inspect: () => ({
    design: 'floor',
    partial: false,
    arenas: [],
    mappedBlocks: 0,
    mappedBytes: 0,
    totals: {},
  }),
  check: () => [],
}

export default floorDesign
