/** How the serial machine reads a design's heap from outside: placements and checkpoint figures. */
import type { Block, WordIndex } from '../../words/units.ts'

export interface HeapProbe {
  /** Figures of the design's own that follow the `CHECK_FIGURES` of a checkpoint. */
  readonly ownFigures: number
  /** Writes the two words of a block's placement record (placements.ts) at `out[at]`. */
  place(block: Block, out: Int32Array, at: number): void
  /**
   * Fills the `CHECK_FIGURES` of this moment, and the design's own. `blocks` holds every live block
   * of the trace (and BLOCK_NULL), so that those in mappings of their own can be counted.
   */
  checkpoint(figures: Float64Array, blocks: Int32Array): void
  /**
   * Would the real outcome of this memalign depend on where the kernel put things? True for an
   * alignment above 4 KiB where the request may be mapped, above 1 MiB in the brk heap, above
   * 32 MiB in an arena's heap. `tls` is the thread-local storage of the lab thread that asks.
   */
  isUncertain(alignment: number, bytes: number, tls: WordIndex): boolean
  /** Pairs (tag or offset, size and flags) of every chunk; undefined when chunks are not known. */
  dump(): Int32Array | undefined
  /**
   * Lines that show the arena a placement such as `H1.0 2272` or `M 4112` is in: its top, its bins,
   * and the cache of the lab thread whose thread-local storage is given.
   */
  describe(placement: string, tls: WordIndex): string[]
  /** malloc_info(0)'s XML, tcmalloc's statistics; undefined when the design has none. */
  mallocInfo(): string | undefined
}
