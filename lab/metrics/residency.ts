/** How much of a stretch of the heap is resident, read from the page table without locks. */
import type { Control } from '../words/control.ts'
import { isResident, PAGE_STATE_MASK, PageState } from '../words/page-state.ts'
import {
  byteOfWord,
  bytesOfWords,
  PAGE_BYTES,
  PAGE_WORDS,
  pageOfWord,
  type WordIndex,
} from '../words/units.ts'

const PAGES_PER_WORD = 4
// Four page bytes at once. A state of 3 bits is resident from RESIDENT (5) upwards, so adding
// 8 − 5 = 3 carries into bit 3 for those states and for no other.
const STATE_BITS = PAGE_STATE_MASK * 0x01010101
const CARRY = (8 - PageState.RESIDENT) * 0x01010101
const CARRIED = 0x08080808

/** Views of one control buffer's page table. Any thread; figures are only roughly true in a run. */
export class Residency {
  readonly #pages: Uint8Array<SharedArrayBuffer>
  readonly #quads: Int32Array<SharedArrayBuffer>

  constructor(control: Control) {
    this.#pages = control.pages
    const { buffer, byteOffset, length } = control.pages
    this.#quads = new Int32Array(buffer, byteOffset, Math.floor(length / PAGES_PER_WORD))
  }

  /** Resident pages of [first, end), page numbers. */
  pages(first: number, end: number): number {
    const pages = this.#pages
    const last = Math.min(end, pages.length)
    let count = 0
    let page = first
    while (page < last && page % PAGES_PER_WORD !== 0) if (isResident(pages[page++]!)) count++
    const quadEnd = Math.floor(last / PAGES_PER_WORD)
    let quad = page / PAGES_PER_WORD
    for (; quad < quadEnd; quad++) {
      const carried = ((this.#quads[quad]! & STATE_BITS) + CARRY) & CARRIED
      // At most one bit per byte: the multiplication adds the four bits up in the top byte.
      count += Math.imul(carried >>> 3, 0x01010101) >>> 24
    }
    page = Math.max(page, quad * PAGES_PER_WORD)
    while (page < last) if (isResident(pages[page++]!)) count++
    return count
  }

  /** Resident bytes of all pages of the heap. */
  total(): number {
    return this.pages(0, this.#pages.length) * PAGE_BYTES
  }

  /** Resident bytes of [start, start + words), to the word. */
  bytes(start: WordIndex, words: number): number {
    if (words <= 0) return 0
    const end = start + words
    const firstPage = pageOfWord(start)
    const lastPage = pageOfWord((end - 1) as WordIndex)
    if (firstPage === lastPage) return this.#isResident(firstPage) ? bytesOfWords(words) : 0

    let resident = 0
    if (this.#isResident(firstPage)) resident += (firstPage + 1) * PAGE_WORDS - start
    if (this.#isResident(lastPage)) resident += end - lastPage * PAGE_WORDS
    return bytesOfWords(resident) + this.pages(firstPage + 1, lastPage) * PAGE_BYTES
  }

  /** Resident bytes of the whole pages that lie entirely inside [start, start + words). */
  wholePageBytes(start: WordIndex, words: number): number {
    const firstPage = Math.ceil(byteOfWord(start) / PAGE_BYTES)
    const endPage = Math.floor(byteOfWord((start + words) as WordIndex) / PAGE_BYTES)
    return endPage > firstPage ? this.pages(firstPage, endPage) * PAGE_BYTES : 0
  }

  #isResident(page: number): boolean {
    return isResident(this.#pages[page] ?? 0)
  }
}
