/** The ways in which a modelled process can fail beneath its allocator. */
import { byteOfWord, GIB, roundUp, type WordIndex } from '../words/units.ts'

/** An access to a page that is not mapped, or that mprotect has closed: SIGSEGV. */
export class SegmentationFault extends Error {
  override name = 'SegmentationFault'
  /** The word whose access failed. */
  readonly word: WordIndex

  constructor(word: WordIndex, reason: 'not mapped' | 'access not permitted') {
    super(`segmentation fault at 0x${byteOfWord(word).toString(16)}: ${reason}`)
    this.word = word
  }
}

/** Word indices stay below 2^31 up to here: the largest heap buffer. */
const HEAP_BYTES_MAX = 8 * GIB

/**
 * The heap buffer has no room for a mapping which the modelled machine would have allowed. The run
 * cannot go on with a true result: it ends as not trustworthy (exit 7).
 */
export class HeapBufferFull extends Error {
  override name = 'HeapBufferFull'
  /** The smallest heap, in bytes, that would have done; `undefined` when none would. */
  readonly heapBytesNeeded: number | undefined

  /** `mappedBytes` and `askedBytes` are real bytes of the buffer, not nominal ones. */
  constructor(heapBytes: number, mappedBytes: number, askedBytes: number) {
    // Room for the same mappings in the same places, and for one more stretch below them.
    const needed = roundUp(heapBytes + askedBytes, GIB)
    const advice =
      needed <= HEAP_BYTES_MAX
        ? `--heap ${needed / GIB}GiB would do`
        : `it needs more than the largest heap, --heap ${HEAP_BYTES_MAX / GIB}GiB`
    super(
      `the heap buffer of ${heapBytes} bytes has no room left for ${askedBytes} bytes ` +
        `(${mappedBytes} are mapped), though no modelled limit forbids them: ${advice}`,
    )
    this.heapBytesNeeded = needed <= HEAP_BYTES_MAX ? needed : undefined
  }
}
