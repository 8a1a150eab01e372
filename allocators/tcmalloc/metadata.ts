/**
 * Memory for tcmalloc's own structs. It is never given back. `Metadata` cuts 8 MiB chunks from the
 * system into pieces; a `Carver` cuts such pieces (128 KiB) into structs of one size and keeps
 * freed structs on a list.
 *
 * Follows gperftools 2.10: MetaDataAlloc in src/common.cc, src/page_heap_allocator.h. The chunks
 * come through the same brk as the heap, so every struct's size shows in where blocks lie.
 */
import {
  byteOfWord,
  bytesOfWords,
  KIB,
  MIB,
  roundUp,
  WORD_NULL,
  type WordIndex,
  wordAt,
  wordsOfBytes,
} from '../../lab/words/units.ts'
import { type LockId, MappingKind, type Process } from '../contract.ts'
import { METADATA_CHUNKS_MAX, Static, StaticArray } from './static-layout.ts'
import type { SystemAlloc } from './system-alloc.ts'

const CHUNK_BYTES = 8 * MIB
/** kMetadataAllignment: a cache line. */
const ALIGNMENT_BYTES = 64

export class Metadata {
  readonly #process: Process
  readonly #words: Process['words']
  readonly #static: number
  readonly #system: SystemAlloc

  constructor(process: Process, system: SystemAlloc) {
    this.#process = process
    this.#words = process.words
    this.#static = process.dataStart
    this.#system = system
  }

  /** `bytes` (below 8 MiB) at a multiple of 64, untouched, or WORD_NULL. */
  allocate(bytes: number): WordIndex {
    const process = this.#process
    const lock = wordAt(process.dataStart, Static.METADATA_LOCK)
    const lockId = this.#words[lock + 1] as LockId
    process.lock(lock, lockId)
    const result = this.#allocateLocked(bytes)
    process.unlock(lock, lockId)
    return result
  }

  #allocateLocked(bytes: number): WordIndex {
    const words = this.#words
    const state = this.#static
    let next = words[state + Static.METADATA_NEXT] as WordIndex
    let left = words[state + Static.METADATA_LEFT_BYTES]!
    let lead = roundUp(byteOfWord(next), ALIGNMENT_BYTES) - byteOfWord(next)
    if (left < bytes + lead) {
      // What is left of the old chunk is lost, as in the real one.
      const chunk = this.#system.allocate(CHUNK_BYTES, ALIGNMENT_BYTES, MappingKind.METADATA)
      if (chunk === WORD_NULL) return WORD_NULL
      this.#remember(chunk)
      next = chunk
      left = CHUNK_BYTES
      lead = 0
    }
    const taken = lead + bytes
    words[state + Static.METADATA_NEXT] = next + wordsOfBytes(taken)
    words[state + Static.METADATA_LEFT_BYTES] = left - taken
    words[state + Static.METADATA_BYTES]! += taken
    return wordAt(next, wordsOfBytes(lead))
  }

  /** Notes where a chunk lies, for `walkChunks` alone. */
  #remember(chunk: WordIndex): void {
    const count = this.#words[this.#static + Static.METADATA_CHUNK_COUNT]!
    if (count === METADATA_CHUNKS_MAX) return
    this.#words[this.#static + StaticArray.METADATA_CHUNKS + count] = chunk
    this.#words[this.#static + Static.METADATA_CHUNK_COUNT] = count + 1
  }

  /** Calls `visit` with every chunk: at a safepoint. */
  walkChunks(visit: (start: WordIndex, words: number) => void): void {
    const count = this.#words[this.#static + Static.METADATA_CHUNK_COUNT]!
    for (let i = 0; i < count; i++) {
      const chunk = this.#words[this.#static + StaticArray.METADATA_CHUNKS + i] as WordIndex
      visit(chunk, wordsOfBytes(CHUNK_BYTES))
    }
  }
}

/** State of one carver among the static variables: 8 words. */
export const CarverWord = { AREA: 0, AREA_BYTES: 1, FREE_LIST: 2, IN_USE: 3, READY: 4 } as const

const PIECE_BYTES = 128 * KIB

/** PageHeapAllocator: structs of one size. Every call needs the page heap's lock. */
export class Carver {
  readonly #process: Process
  readonly #words: Process['words']
  readonly #metadata: Metadata
  readonly #state: number
  readonly #structWords: number
  readonly #structBytes: number

  /** `state` is a word offset in `Static`; `structWords` the struct's size. */
  constructor(process: Process, metadata: Metadata, state: number, structWords: number) {
    this.#process = process
    this.#words = process.words
    this.#metadata = metadata
    this.#state = process.dataStart + state
    this.#structWords = structWords
    this.#structBytes = bytesOfWords(structWords)
  }

  /** Takes the first piece at once, before others can come between. */
  boot(): void {
    this.#words[this.#state + CarverWord.READY] = 1
    this.delete(this.new())
  }

  /** For the carver of set nodes, which starts at first use. */
  bootOnce(): void {
    if (this.#words[this.#state + CarverWord.READY] === 0) this.boot()
  }

  /** A resident struct with stale contents. */
  new(): WordIndex {
    const words = this.#words
    const state = this.#state
    words[state + CarverWord.IN_USE]!++
    const free = words[state + CarverWord.FREE_LIST] as WordIndex
    if (free !== WORD_NULL) {
      words[state + CarverWord.FREE_LIST] = words[free]!
      return free
    }
    if (words[state + CarverWord.AREA_BYTES]! < this.#structBytes) this.#takePiece()
    const result = words[state + CarverWord.AREA] as WordIndex
    words[state + CarverWord.AREA] = result + this.#structWords
    words[state + CarverWord.AREA_BYTES]! -= this.#structBytes
    this.#process.touchRange(result, this.#structWords)
    return result
  }

  delete(struct: WordIndex): void {
    const words = this.#words
    words[struct] = words[this.#state + CarverWord.FREE_LIST]!
    words[this.#state + CarverWord.FREE_LIST] = struct
    words[this.#state + CarverWord.IN_USE]!--
  }

  #takePiece(): void {
    const piece = this.#metadata.allocate(PIECE_BYTES)
    if (piece === WORD_NULL) {
      this.#process.abort(
        'FATAL ERROR: Out of memory trying to allocate internal tcmalloc data (bytes, object-size)',
      )
    }
    this.#words[this.#state + CarverWord.AREA] = piece
    this.#words[this.#state + CarverWord.AREA_BYTES] = PIECE_BYTES
  }
}
