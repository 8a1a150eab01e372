/**
 * A span: a run of whole tcmalloc pages (8 KiB each), the unit the page heap deals in.
 *
 *   word  0       1          2        3   4      5   6      7   8         9   10         11
 *        ┌───────┬──────────┬────────┬───┬──────┬───┬──────┬───┬─────────┬───┬──────────┬───────┐
 *        │ start │ location │ length │ – │ next │ – │ prev │ – │ objects │ – │ refcount │ class │
 *        └───────┴──────────┴────────┴───┴──────┴───┴──────┴───┴─────────┴───┴──────────┴───────┘
 *
 * 48 bytes, as `struct Span` of gperftools 2.10 (src/span.h) on x86-64: its pointers and page
 * numbers take 8 bytes, of which a word index needs 4. The real struct's bit fields lie in spare
 * halves here. The size matters: spans are carved from the metadata memory, which grows through
 * the same brk as the heap.
 *
 * A span is in one of three places (`location`):
 * - in use: it is a large block, or its blocks belong to a central free list (`sizeClass` > 0,
 *   `objects` heads the list of its free blocks, `refcount` counts the others);
 * - on a normal free list of the page heap: its pages may be resident;
 * - on a returned free list: its pages were given back to the kernel.
 *
 * Protected by the page heap's lock, but for `objects`, `refcount`, `next` and `prev` of a span
 * that belongs to a central free list: those are protected by that list's lock.
 *
 * Invariant: the page map leads from a span's first and last page to the span, from every page of
 * a span with a size class.
 */
import type { SharedWords, WordIndex } from '../../lab/words/units.ts'

export const Span = {
  START: 0,
  LOCATION: 1,
  LENGTH: 2,
  NEXT: 4,
  PREV: 6,
  OBJECTS: 8,
  REFCOUNT: 10,
  SIZE_CLASS: 11,
} as const
export const SPAN_WORDS = 12

export const Location = { IN_USE: 0, NORMAL: 1, RETURNED: 2 } as const
export type Location = (typeof Location)[keyof typeof Location]

/** Words of one tcmalloc page, and the shift from a word index to the number of its page. */
export const TC_PAGE_WORDS = 2048
const TC_PAGE_WORDS_SHIFT = 11

/** Number of the tcmalloc page a word lies in. */
export const tcPageOfWord = (word: WordIndex): number => word >>> TC_PAGE_WORDS_SHIFT
/** First word of a tcmalloc page. */
export const wordOfTcPage = (page: number): WordIndex => (page * TC_PAGE_WORDS) as WordIndex

// ── doubly linked lists of spans: the head is a span of which only next and prev are used ──────

/** DLL_Init: an empty list is a head that points at itself. */
export function listInit(words: SharedWords, head: WordIndex): void {
  words[head + Span.NEXT] = head
  words[head + Span.PREV] = head
}

export function listIsEmpty(words: SharedWords, head: WordIndex): boolean {
  return words[head + Span.NEXT] === head
}

/** DLL_Prepend */
export function listPrepend(words: SharedWords, head: WordIndex, span: WordIndex): void {
  const first = words[head + Span.NEXT]!
  words[span + Span.NEXT] = first
  words[span + Span.PREV] = head
  words[first + Span.PREV] = span
  words[head + Span.NEXT] = span
}

/** DLL_Remove */
export function listRemove(words: SharedWords, span: WordIndex): void {
  const previous = words[span + Span.PREV]!
  const next = words[span + Span.NEXT]!
  words[previous + Span.NEXT] = next
  words[next + Span.PREV] = previous
  words[span + Span.PREV] = 0
  words[span + Span.NEXT] = 0
}
