/**
 * Which size a request becomes, and which bin a size belongs to. Sizes in and out are words of 4
 * bytes, except requests, which are bytes.
 */
import { ALIGN_MASK, ALIGN_WORDS, MIN_CHUNK_WORDS } from './chunk-layout.ts'

/**
 * PTRDIFF_MAX + 1: requests from here on are refused outright. PTRDIFF_MAX itself is no Number; the
 * largest below it is 1 KiB smaller.
 */
export const PTRDIFF_END = 2 ** 63
const INT32_MAX = 0x7fffffff
/** Requests from here on cannot be in the lab's memory; see NB_HUGE. */
const HUGE_BYTES = 2 ** 33 - 64
/** log2 of a chunk's granule (16 bytes), and of the words in it. */
const GRANULE_SHIFT = 4
const GRANULE_WORDS_SHIFT = 2
/** SIZE_SZ + MALLOC_ALIGN_MASK: what request2size adds before it rounds down. */
const PADDING_BYTES = 23
const GRANULE_BYTES = 16

/**
 * The padded size of a request larger than any chunk can be: every search compares against it and
 * finds nothing; sysmalloc then asks the kernel for the true number of bytes.
 */
export const NB_HUGE = 0x7ffffff0
/** What `requestToSize` gives for a request over PTRDIFF_MAX. */
export const NB_REFUSED = 0

/**
 * checked_request2size: chunk size in words for a request of `bytes` (a whole number ≥ 0).
 * NB_REFUSED above PTRDIFF_MAX, NB_HUGE for what no address space of the lab could hold.
 */
export function requestToSize(bytes: number): number {
  if (bytes > INT32_MAX) return largeRequestToSize(bytes)
  const words = ((bytes + PADDING_BYTES) >>> GRANULE_SHIFT) << GRANULE_WORDS_SHIFT
  return words < MIN_CHUNK_WORDS ? MIN_CHUNK_WORDS : words
}

function largeRequestToSize(bytes: number): number {
  if (bytes >= PTRDIFF_END) return NB_REFUSED
  if (bytes >= HUGE_BYTES) return NB_HUGE
  return Math.floor((bytes + PADDING_BYTES) / GRANULE_BYTES) * ALIGN_WORDS
}

/** fastbin_index: 32 bytes are bin 0, 48 bin 1, … */
export const fastbinIndex = (size: number): number => (size >>> GRANULE_WORDS_SHIFT) - 2

/** csize2tidx, for chunk sizes: 32 bytes are tcache bin 0, 48 bin 1, … */
export const tcacheIndex = (size: number): number =>
  (size - MIN_CHUNK_WORDS + ALIGN_MASK) >>> GRANULE_WORDS_SHIFT

// ── glibc: small bins 16 bytes apart below 1024 bytes ───────────────────────────────────────────

/** MIN_LARGE_SIZE of glibc: 1024 bytes. Smaller chunks are in small bins, one size each. */
export const GLIBC_MIN_LARGE = 256

export const glibcSmallBin = (size: number): number => size >>> GRANULE_WORDS_SHIFT

/**
 * largebin_index_64: bins 64 bytes apart, then 512, 4096, 32768, 262144, and one for the rest. The
 * shifts are those of the real one less two, since sizes are in words.
 */
export function glibcLargeBin(size: number): number {
  if (size >>> 4 <= 48) return 48 + (size >>> 4)
  if (size >>> 7 <= 20) return 91 + (size >>> 7)
  if (size >>> 10 <= 10) return 110 + (size >>> 10)
  if (size >>> 13 <= 4) return 119 + (size >>> 13)
  if (size >>> 16 <= 2) return 124 + (size >>> 16)
  return 126
}

export const glibcBin = (size: number): number =>
  size < GLIBC_MIN_LARGE ? glibcSmallBin(size) : glibcLargeBin(size)

// ── ptmalloc2: small bins 8 bytes apart below 512 bytes ─────────────────────────────────────────

/** MIN_LARGE_SIZE of ptmalloc2: 512 bytes. */
export const PTMALLOC2_MIN_LARGE = 128

/** Bins 8 bytes apart: only every second one is ever used on 64 bits. */
export const ptmalloc2SmallBin = (size: number): number => size >>> 1

export function ptmalloc2LargeBin(size: number): number {
  if (size >>> 4 <= 32) return 56 + (size >>> 4)
  if (size >>> 7 <= 20) return 91 + (size >>> 7)
  if (size >>> 10 <= 10) return 110 + (size >>> 10)
  if (size >>> 13 <= 4) return 119 + (size >>> 13)
  if (size >>> 16 <= 2) return 124 + (size >>> 16)
  return 126
}

export const ptmalloc2Bin = (size: number): number =>
  size < PTMALLOC2_MIN_LARGE ? ptmalloc2SmallBin(size) : ptmalloc2LargeBin(size)

/** checked_request2size of ptmalloc2, which refuses only what would wrap around 2^64. */
export function ptmalloc2RequestToSize(bytes: number): number {
  if (bytes < PTRDIFF_END) return requestToSize(bytes)
  return bytes >= 2 ** 64 - 64 ? NB_REFUSED : NB_HUGE
}
