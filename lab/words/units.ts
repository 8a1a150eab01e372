/**
 * The only place where bytes, words and pages are turned into one another.
 *
 * The heap is one `Int32Array`. Three kinds of number name places in it:
 * a **byte address** (what users read), a **word index** (byte ÷ 4, what code holds: it stays
 * below 2^31 for an 8 GiB heap, so it stays a small integer) and a **page number** (byte ÷ 4096).
 */

/** The words all lab threads share: never private memory, so passing some is a compile error. */
export type SharedWords = Int32Array<SharedArrayBuffer>

declare const unit: unique symbol
/** Byte offset into the heap. May exceed 2^31: keep it off hot paths. */
export type ByteAddr = number & { readonly [unit]: 'byte' }
/** Index of a 32-bit word of the heap. 0 is never mapped, so 0 means NULL. */
export type WordIndex = number & { readonly [unit]: 'word' }
/** Number of a 4 KiB page of the heap. */
export type PageNumber = number & { readonly [unit]: 'page' }
/** Word index of the first word a caller may use: what `malloc` returns. 0 is NULL. */
export type Block = WordIndex & { readonly [block]: true }
declare const block: unique symbol

export const BYTES_PER_WORD = 4
export const PAGE_BYTES = 4096
export const PAGE_WORDS = 1024
const PAGE_WORDS_SHIFT = 10

/** NULL, as a block. */
export const BLOCK_NULL = 0 as Block
/** NULL, as a word index. */
export const WORD_NULL = 0 as WordIndex

export const KIB = 1024
export const MIB = 1024 * 1024
export const GIB = 1024 * 1024 * 1024

/** The word that holds a byte. */
export const wordOfByte = (addr: ByteAddr): WordIndex =>
  Math.floor(addr / BYTES_PER_WORD) as WordIndex
export const byteOfWord = (word: WordIndex): ByteAddr => (word * BYTES_PER_WORD) as ByteAddr
export const pageOfWord = (word: WordIndex): PageNumber => (word >>> PAGE_WORDS_SHIFT) as PageNumber
export const wordOfPage = (page: PageNumber): WordIndex => (page * PAGE_WORDS) as WordIndex
/** The word `words` further up. */
export const wordAt = (base: WordIndex, words: number): WordIndex => (base + words) as WordIndex

const INT32_MAX = 0x7fffffff

/** Whole words that hold `bytes`, rounded up. The shift keeps blocks' sizes small integers. */
export const wordsOfBytes = (bytes: number): number =>
  bytes >= 0 && bytes <= INT32_MAX ? (bytes + 3) >>> 2 : Math.ceil(bytes / BYTES_PER_WORD)
export const bytesOfWords = (words: number): number => words * BYTES_PER_WORD
/** Whole pages that hold `bytes`, rounded up. */
export const pagesOfBytes = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES)
export const bytesOfPages = (pages: number): number => pages * PAGE_BYTES

/** `value` rounded up to a multiple of `multiple`; exact to 2^53. */
export const roundUp = (value: number, multiple: number): number =>
  Math.ceil(value / multiple) * multiple
/** `value` rounded down to a multiple of `multiple`; exact to 2^53. */
export const roundDown = (value: number, multiple: number): number =>
  Math.floor(value / multiple) * multiple

/** The last word that lies wholly inside a block of `bytes` ≥ 8. */
export const lastWholeWord = (block: Block, bytes: number): number =>
  wordAt(block, wordsOfBytes(bytes - 3) - 1)
