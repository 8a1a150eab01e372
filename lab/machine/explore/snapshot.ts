/**
 * The state in which every schedule begins: the design has booted and the main thread is queued.
 * Kept as a copy of the control buffer and of the few heap pages that boot has written.
 */
import { PageState } from '../../words/page-state.ts'
import { PAGE_WORDS, type PageNumber, type SharedWords, wordOfPage } from '../../words/units.ts'
import type { SharedRun } from '../shared-run.ts'
import { pagesOf } from './watched-words.ts'

/** Plain data, sent to workers; buffers are shared. */
export interface SnapshotData {
  readonly control: SharedArrayBuffer
  readonly pages: readonly number[]
  /** The words of `pages`, one page after the other. */
  readonly words: SharedArrayBuffer
  /** One byte per page of the heap: 1 when a schedule wrote it without having touched it. */
  readonly dirtied: SharedArrayBuffer
}

/** Of a run that has been laid out and that no worker carries yet. */
export function takeSnapshot(run: SharedRun): SnapshotData {
  const { control, heap } = run
  const kept = new SharedArrayBuffer(control.buffer.byteLength)
  new Int32Array(kept).set(control.int32)
  const pages: number[] = []
  for (const [page, state] of control.pages.entries()) {
    if (state !== PageState.UNMAPPED && !isZero(heap, page)) pages.push(page)
  }
  const words = new Int32Array(
    new SharedArrayBuffer(pages.length * PAGE_WORDS * Int32Array.BYTES_PER_ELEMENT),
  )
  for (const [place, page] of pages.entries()) {
    const first = wordOfPage(page as PageNumber)
    words.set(heap.subarray(first, first + PAGE_WORDS), place * PAGE_WORDS)
  }
  const dirtied = new SharedArrayBuffer(pagesOf(heap))
  return { control: kept, pages, words: words.buffer, dirtied }
}

/** Brings a run back to a snapshot; any worker, while nobody else runs. */
export class Snapshot {
  readonly #data: SnapshotData
  readonly #control: Int32Array
  readonly #words: Int32Array
  readonly dirtied: Uint8Array

  constructor(data: SnapshotData) {
    this.#data = data
    this.#control = new Int32Array(data.control)
    this.#words = new Int32Array(data.words)
    this.dirtied = new Uint8Array(data.dirtied)
  }

  restore(run: SharedRun): void {
    const { control, heap } = run
    // The page table still says which pages the last schedule used.
    for (let page = 0; page < control.pages.length; page++) {
      if (!mayHoldWords(control.pages[page]!) && this.dirtied[page] === 0) continue
      const first = wordOfPage(page as PageNumber)
      heap.fill(0, first, first + PAGE_WORDS)
      this.dirtied[page] = 0
    }
    for (const [place, page] of this.#data.pages.entries()) {
      const words = this.#words.subarray(place * PAGE_WORDS, (place + 1) * PAGE_WORDS)
      heap.set(words, wordOfPage(page as PageNumber))
    }
    control.int32.set(this.#control)
  }
}

/** Boot may write its static data before anything has touched the page. */
function isZero(heap: SharedWords, page: number): boolean {
  const first = wordOfPage(page as PageNumber)
  return heap.subarray(first, first + PAGE_WORDS).every((word) => word === 0)
}

/** Pages that were never mapped, or never touched since, are known to be zero. */
const mayHoldWords = (state: number): boolean =>
  state !== PageState.UNMAPPED && state !== PageState.ABSENT && state !== PageState.ZERO
