/**
 * Heap buffers of machines that have ended, for the next one: a fresh buffer costs the host a page
 * fault for every page it touches, and one of 4 GiB that waits for the garbage collector keeps its
 * address space.
 */
import { PAGE_DIRTIED } from '../../words/page-state.ts'
import type { SharedWords } from '../../words/units.ts'

/** Machines at once that find a buffer waiting. */
const KEPT_MAX = 4
const kept: SharedWords[] = []

export interface HeapBuffer {
  readonly words: SharedWords
  /** Its words hold what an earlier machine left. */
  readonly used: boolean
}

export function takeHeapBuffer(bytes: number): HeapBuffer {
  const at = kept.findIndex((words) => words.byteLength === bytes)
  if (at >= 0) return { words: kept.splice(at, 1)[0]!, used: true }
  return { words: new Int32Array(new SharedArrayBuffer(bytes)), used: false }
}

export function giveHeapBuffer(words: SharedWords): void {
  if (kept.length < KEPT_MAX) kept.push(words)
}

/**
 * Before the address space is laid out: every page then counts as holding an earlier owner's words.
 */
export function markUsed(pages: Uint8Array): void {
  pages.fill(PAGE_DIRTIED)
}
