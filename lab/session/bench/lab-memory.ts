/**
 * How much of this process's memory is the lab's own, and how much the modelled heap's: pages of
 * the heap that were ever written are resident for good, whatever the modelled kernel does to them.
 */
import type { LabMemory } from '../../report/bench/scenario-types.ts'
import type { Control } from '../../words/control.ts'
import { PAGE_DIRTIED, PAGE_STATE_MASK, PageState } from '../../words/page-state.ts'
import { bytesOfPages } from '../../words/units.ts'

const MB = 1e6
const ALLOWED_BASE = 100 * MB
const ALLOWED_PER_WORKER = 16 * MB

export class MemoryWatch {
  readonly #control: Control
  readonly #overheads: number[] = []
  readonly #heaps: number[] = []

  constructor(control: Control) {
    this.#control = control
  }

  /** Best at a safepoint: it takes a walk over all pages. */
  look(): void {
    const heap = writtenBytes(this.#control.pages)
    this.#overheads.push(Math.max(0, process.memoryUsage.rss() - heap))
    this.#heaps.push(heap)
  }

  /** After at least one look. */
  result(workers: number): LabMemory {
    return {
      overhead: { max: Math.max(...this.#overheads), end: this.#overheads.at(-1)! },
      atPhases: this.#overheads,
      heap: { max: Math.max(...this.#heaps), end: this.#heaps.at(-1)! },
      allowed: ALLOWED_BASE + ALLOWED_PER_WORKER * workers,
      workers,
    }
  }
}

/** Bytes of pages that hold, or once held, something that was written. */
function writtenBytes(pages: Uint8Array): number {
  let written = 0
  for (const byte of pages) {
    const state = byte & PAGE_STATE_MASK
    if (state === PageState.UNMAPPED) written += (byte & PAGE_DIRTIED) === 0 ? 0 : 1
    else if (state !== PageState.ABSENT && state !== PageState.ZERO) written++
  }
  return bytesOfPages(written)
}
