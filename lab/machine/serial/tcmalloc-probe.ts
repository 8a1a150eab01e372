/**
 * What verify compares of tcmalloc: placements from the start of the brk heap, and at checkpoints
 * MallocExtension's numeric properties (`TCMALLOC_FIGURES`) and the resident pages of the heap,
 * metadata included.
 */
import { libraryOf } from '../../../allocators/tcmalloc/design.ts'
import type { Library } from '../../../allocators/tcmalloc/library.ts'
import { readStats } from '../../../allocators/tcmalloc/stats.ts'
import { statsText } from '../../../allocators/tcmalloc/stats-text.ts'
import type { TcmallocTunables } from '../../../allocators/tcmalloc/tunables.ts'
import type { AddressSpace } from '../../memory/address-space.ts'
import { bytesOfPages } from '../../words/units.ts'
import { CHECK_FIGURES, TCMALLOC_FIGURES } from '../placements.ts'
import { PlainProbe } from './plain-probe.ts'
import type { SerialProcess } from './serial-process.ts'

/** Of `CHECK_FIGURES`: resident pages of the heap, as mincore has them. */
const RSS = CHECK_FIGURES.indexOf('rss')

/**
 * Beyond a tcmalloc page, what memalign cuts off before the block depends on where its span lies.
 * The heap starts at a multiple of this in both: here the break is, and the replayer starts until
 * its own is (replayer.c, start_on_boundary).
 */
const TCMALLOC_ALIGNMENT_MAX = 65_536

export class TcmallocProbe extends PlainProbe {
  override readonly ownFigures = TCMALLOC_FIGURES.length
  readonly #library: Library
  readonly #space: AddressSpace

  constructor(process: SerialProcess, tunables: TcmallocTunables) {
    super(process.space)
    this.#library = libraryOf(process, tunables)
    this.#space = process.space
  }

  override checkpoint(figures: Float64Array): void {
    super.checkpoint(figures)
    const start = this.#space.brkStart()
    figures[RSS] = bytesOfPages(this.#space.incorePages(start, this.#space.currentBrk() - start))
    const stats: Readonly<Record<string, number>> = { ...readStats(this.#library) }
    for (const [i, name] of TCMALLOC_FIGURES.entries()) {
      figures[CHECK_FIGURES.length + i] = stats[name] ?? -1
    }
  }

  override mallocInfo(): string {
    return statsText(this.#library)
  }

  override isUncertain(alignment: number): boolean {
    return alignment > TCMALLOC_ALIGNMENT_MAX
  }
}
