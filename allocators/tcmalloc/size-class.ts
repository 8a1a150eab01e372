/**
 * Size classes: which block sizes there are, how many pages a span of each has, and which class a
 * request falls into. Nothing is listed by hand: the table is computed from three rules, as the
 * real one computes it when it starts (gperftools 2.10, src/common.cc, SizeMap::Init).
 *
 * 1. Sizes grow in steps of the alignment their magnitude asks for: 8 bytes below 16, 16 bytes
 *    up to 128, then an eighth of the power of two below: at most 12.5 % is lost to rounding.
 * 2. A span has as many pages as it takes to lose at most an eighth of it at its end, and to hold
 *    a quarter of what one transfer between caches moves.
 * 3. A size that fits as often into the same span as its predecessor replaces it.
 */

/** log2 of tcmalloc's own page, in bytes: twice the kernel's page. */
export const TC_PAGE_BYTES = 8192
/** The largest request served from a size class; beyond, blocks are spans of their own. */
export const MAX_SMALL_BYTES = 256 * 1024
/** kClassSizesMax: room in every table indexed by class. */
export const CLASSES_MAX = 128

const ALIGNMENT_BYTES = 8
const MIN_ALIGN_BYTES = 16
/** Requests up to here find their class by eighths of bytes, larger ones by steps of 128 bytes. */
const FINE_INDEX_BYTES = 1024
/** Makes the coarse index go on where the fine one ends: 1025 bytes follow 1024 at 129. */
const COARSE_INDEX_OFFSET = 120
const CLASS_ARRAY_LENGTH = coarseIndex(MAX_SMALL_BYTES) + 1
/** A transfer moves about this much, within the object limit. */
const TRANSFER_BYTES = 64 * 1024

function coarseIndex(bytes: number): number {
  return ((bytes + 127) >> 7) + COARSE_INDEX_OFFSET
}

/** Place of a request of 0 … `MAX_SMALL_BYTES` bytes in `SizeMap.classArray`. */
export function classIndex(bytes: number): number {
  return bytes <= FINE_INDEX_BYTES ? (bytes + 7) >> 3 : coarseIndex(bytes)
}

/** The alignment that sizes around `bytes` get; a power of two. */
function alignmentForSize(bytes: number): number {
  if (bytes > MAX_SMALL_BYTES) return TC_PAGE_BYTES
  if (bytes >= 128) return Math.min(2 ** (31 - Math.clz32(bytes)) / 8, TC_PAGE_BYTES)
  return bytes >= MIN_ALIGN_BYTES ? MIN_ALIGN_BYTES : ALIGNMENT_BYTES
}

/** Everything that is known by class. Class 0 means "no class"; classes start at 1. */
export interface SizeMap {
  /** Classes, class 0 included. */
  readonly classCount: number
  /** Class of a request, by `classIndex(bytes)`. */
  readonly classArray: Uint8Array
  /** Bytes of a block of the class. */
  readonly classBytes: Int32Array
  /** tcmalloc pages of a span of the class. */
  readonly classPages: Int32Array
  /** Blocks that travel together between a thread's cache and the central list. */
  readonly batchSize: Int32Array
}

/** SizeMap::NumMoveSize: about 64 KiB, between 2 and `transferObjectsMax` blocks. */
function batchSizeOf(bytes: number, transferObjectsMax: number): number {
  return Math.min(Math.max(2, Math.floor(TRANSFER_BYTES / bytes)), transferObjectsMax)
}

/** Rule 2: pages of a span for blocks of `bytes`, when at least `blocksMin` must fit. */
function pagesForSize(bytes: number, blocksMin: number): number {
  let spanBytes = 0
  do {
    spanBytes += TC_PAGE_BYTES
    while (spanBytes % bytes > spanBytes >> 3) spanBytes += TC_PAGE_BYTES
  } while (Math.floor(spanBytes / bytes) < blocksMin)
  return spanBytes / TC_PAGE_BYTES
}

/**
 * Computes the tables. `transferObjectsMax` is TCMALLOC_TRANSFER_NUM_OBJ (32 in the real one):
 * it also decides how long spans are, and so which sizes merge.
 */
export function buildSizeMap(transferObjectsMax: number): SizeMap {
  const classBytes = new Int32Array(CLASSES_MAX)
  const classPages = new Int32Array(CLASSES_MAX)
  let classCount = 1
  let step = 0
  for (let bytes = ALIGNMENT_BYTES; bytes <= MAX_SMALL_BYTES; bytes += step) {
    step = alignmentForSize(bytes)
    const blocksMin = Math.trunc(batchSizeOf(bytes, transferObjectsMax) / 4)
    const pages = pagesForSize(bytes, blocksMin)
    const previous = classCount - 1
    const spanBytes = pages * TC_PAGE_BYTES
    const replacesPrevious =
      previous > 0 &&
      pages === classPages[previous] &&
      Math.floor(spanBytes / bytes) === Math.floor(spanBytes / classBytes[previous]!)
    if (replacesPrevious) {
      classBytes[previous] = bytes
      continue
    }
    if (classCount === CLASSES_MAX) throw new Error('tcmalloc: too many size classes')
    classPages[classCount] = pages
    classBytes[classCount] = bytes
    classCount++
  }
  const batchSize = new Int32Array(CLASSES_MAX)
  for (let sizeClass = 1; sizeClass < classCount; sizeClass++) {
    batchSize[sizeClass] = batchSizeOf(classBytes[sizeClass]!, transferObjectsMax)
  }
  const classArray = buildClassArray(classBytes, classCount)
  return { classCount, classArray, classBytes, classPages, batchSize }
}

function buildClassArray(classBytes: Int32Array, classCount: number): Uint8Array {
  const classArray = new Uint8Array(CLASS_ARRAY_LENGTH)
  let bytes = 0
  for (let sizeClass = 1; sizeClass < classCount; sizeClass++) {
    for (; bytes <= classBytes[sizeClass]!; bytes += ALIGNMENT_BYTES) {
      classArray[classIndex(bytes)] = sizeClass
    }
  }
  return classArray
}
