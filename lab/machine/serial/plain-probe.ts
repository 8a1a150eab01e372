/** Placements for designs whose heap nobody here can read: where a block lies, and nothing more. */
import type { AddressSpace } from '../../memory/address-space.ts'
import {
  BLOCK_NULL,
  type Block,
  byteOfWord,
  PAGE_BYTES,
  type WordIndex,
} from '../../words/units.ts'
import { PLACED_SHIFT, Placed } from '../placements.ts'
import type { HeapProbe } from './heap-probe.ts'

const TWO_32 = 2 ** 32
/** `CHECK_FIGURES`: rss, vmSize, minorFaults, processRss. */
const Figure = { RSS: 9, VM_SIZE: 11, MINOR_FAULTS: 12, PROCESS_RSS: 13 } as const

export class PlainProbe implements HeapProbe {
  readonly ownFigures: number = 0
  readonly #space: AddressSpace

  constructor(space: AddressSpace) {
    this.#space = space
  }

  place(block: Block, out: Int32Array, at: number): void {
    out[at] = Placed.NULL
    out[at + 1] = 0
    if (block === BLOCK_NULL) return
    const start = this.#space.brkStart()
    if (block >= start && block < this.#space.currentBrk()) {
      const offset = byteOfWord(block) - byteOfWord(start)
      out[at] = (Placed.BRK << PLACED_SHIFT) | Math.floor(offset / TWO_32)
      out[at + 1] = offset
    } else {
      out[at] = Placed.MAPPED << PLACED_SHIFT
      out[at + 1] = byteOfWord(block) % PAGE_BYTES
    }
  }

  checkpoint(figures: Float64Array): void {
    const { rssBytes, vmSizeBytes, minorFaults } = this.#space.figures()
    figures[Figure.RSS] = rssBytes
    figures[Figure.VM_SIZE] = vmSizeBytes
    figures[Figure.MINOR_FAULTS] = minorFaults
    figures[Figure.PROCESS_RSS] = rssBytes
  }

  isUncertain(_alignment: number, _bytes: number, _tls: WordIndex): boolean {
    return false
  }
  dump(): undefined {}
  describe(): string[] {
    return []
  }
  mallocInfo(): string | undefined {
    return undefined
  }
}
