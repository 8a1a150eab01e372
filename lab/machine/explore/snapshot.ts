/**
 * The state in which every schedule begins: the design has booted and the main thread is queued.
 * Kept as a copy of the control buffer and of the few heap pages that boot has written.
 */
import { PAGE_DIRTIED, PAGE_STATE_MASK, PageState } from '../../words/page-state.ts'
import {
  PAGE_WORDS,
  type PageNumber,
  roundUp,
  type SharedWords,
  wordOfPage,
  wordsOfBytes,
} from '../../words/units.ts'
import type { SharedRun } from '../shared-run.ts'
import { pagesOf } from './watched-words.ts'

/** Pages whose states share a word of the page table. */
const PAGES_PER_WORD = 4

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
  const kept = new SharedArrayBuffer(control.bytes.buffer.byteLength)
  new Int32Array(kept).set(control.int32)
  const pages: number[] = []
  for (const [page, state] of control.pages.entries()) {
    const mapped = state !== PageState.UNMAPPED
    if (mayHoldWords(state) || (mapped && !isZero(heap, page))) pages.push(page)
  }
  const words = new Int32Array(
    new SharedArrayBuffer(pages.length * PAGE_WORDS * Int32Array.BYTES_PER_ELEMENT),
  )
  for (const [place, page] of pages.entries()) {
    const first = wordOfPage(page as PageNumber)
    words.set(heap.subarray(first, first + PAGE_WORDS), place * PAGE_WORDS)
  }
  const dirtied = new SharedArrayBuffer(roundUp(pagesOf(heap), PAGES_PER_WORD))
  return { control: kept, pages, words: words.buffer, dirtied }
}

/** Brings a run back to a snapshot; any worker, while nobody else runs. */
export class Snapshot {
  readonly #data: SnapshotData
  readonly #control: Int32Array
  readonly #words: Int32Array
  readonly dirtied: Uint8Array
  readonly #dirtiedQuads: Int32Array

  constructor(data: SnapshotData) {
    this.#data = data
    this.#control = new Int32Array(data.control)
    this.#words = new Int32Array(data.words)
    this.dirtied = new Uint8Array(data.dirtied)
    this.#dirtiedQuads = new Int32Array(data.dirtied)
  }

  restore(run: SharedRun): void {
    this.#clearPages(run)
    for (const [place, page] of this.#data.pages.entries()) {
      const words = this.#words.subarray(place * PAGE_WORDS, (place + 1) * PAGE_WORDS)
      run.heap.set(words, wordOfPage(page as PageNumber))
    }
    run.control.int32.set(this.#control)
  }

  /** Zeroes what the last schedule used: the page table still says where that is. */
  #clearPages({ control, heap }: SharedRun): void {
    const first = wordsOfBytes(control.plan.at.pages)
    for (let quad = 0; quad < this.#dirtiedQuads.length; quad++) {
      const same = control.int32[first + quad] === this.#control[first + quad]
      if (same && this.#dirtiedQuads[quad] === 0) continue
      for (let page = quad * PAGES_PER_WORD; page < (quad + 1) * PAGES_PER_WORD; page++) {
        if (this.dirtied[page] === 0 && !mayHoldWords(control.pages[page]!)) continue
        const word = wordOfPage(page as PageNumber)
        heap.fill(0, word, word + PAGE_WORDS)
      }
      this.#dirtiedQuads[quad] = 0
    }
  }
}

/** Pages that are only reserved, or mapped and not touched, are zero. */
function mayHoldWords(byte: number): boolean {
  const state = byte & PAGE_STATE_MASK
  if (state === PageState.UNMAPPED) return (byte & PAGE_DIRTIED) !== 0
  return state !== PageState.ABSENT && state !== PageState.ZERO
}

/** Boot may write its static data before anything has touched the page. */
function isZero(heap: SharedWords, page: number): boolean {
  const first = wordOfPage(page as PageNumber)
  return heap.subarray(first, first + PAGE_WORDS).every((word) => word === 0)
}
