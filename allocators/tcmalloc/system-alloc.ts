/**
 * Memory from the kernel: brk first, mmap once brk has failed, and `madvise` to give pages back.
 * Follows gperftools 2.10, src/system-alloc.cc.
 */
import {
  byteOfWord,
  bytesOfWords,
  PAGE_BYTES,
  roundUp,
  WORD_NULL,
  type WordIndex,
  wordAt,
  wordsOfBytes,
} from '../../lab/words/units.ts'
import { type LockId, type MappingKind, type Process, Protection } from '../contract.ts'
import { TC_PAGE_BYTES } from './size-class.ts'
import { Static } from './static-layout.ts'
import type { TcmallocTunables } from './tunables.ts'

/** User addresses have 47 bits: no request of this size can succeed, whatever the machine. */
const ADDRESS_SPACE_BYTES = 2 ** 47

export class SystemAlloc {
  readonly #process: Process
  readonly #words: Process['words']
  readonly #static: number
  readonly #skipSbrk: boolean
  readonly #skipMmap: boolean
  readonly #releaseDisabled: boolean

  constructor(process: Process, tunables: TcmallocTunables) {
    this.#process = process
    this.#words = process.words
    this.#static = process.dataStart
    this.#skipSbrk = tunables.skip_sbrk !== 0
    this.#skipMmap = tunables.skip_mmap !== 0
    this.#releaseDisabled = tunables.disable_memory_release !== 0
  }

  /**
   * TCMalloc_SystemAlloc: `bytes` rounded up to the alignment, at a multiple of it, or WORD_NULL.
   * `alignment` is a power of two of at least 64 bytes.
   */
  allocate(bytes: number, alignment: number, kind: MappingKind): WordIndex {
    const process = this.#process
    const words = this.#words
    const lock = wordAt(process.dataStart, Static.SYSTEM_LOCK)
    const lockId = words[lock + 1] as LockId
    process.lock(lock, lockId)
    const result = this.#allocateLocked(bytes, alignment, kind)
    if (result !== WORD_NULL) {
      words[this.#static + Static.SYSTEM_TAKEN_PAGES]! += roundUp(bytes, alignment) / TC_PAGE_BYTES
    }
    process.unlock(lock, lockId)
    return result
  }

  /**
   * DefaultSysAllocator: a source that has failed once is not asked again, until all have failed:
   * then the next request asks all of them again.
   */
  #allocateLocked(bytes: number, alignment: number, kind: MappingKind): WordIndex {
    const words = this.#words
    const state = this.#static
    if (words[state + Static.SBRK_FAILED] === 0) {
      const result = this.#fromSbrk(bytes, alignment)
      if (result !== WORD_NULL) return result
      words[state + Static.SBRK_FAILED] = 1
    }
    if (words[state + Static.MMAP_FAILED] === 0) {
      const result = this.#fromMmap(bytes, alignment, kind)
      if (result !== WORD_NULL) return result
      words[state + Static.MMAP_FAILED] = 1
    }
    words[state + Static.SBRK_FAILED] = 0
    words[state + Static.MMAP_FAILED] = 0
    return WORD_NULL
  }

  /** SbrkSysAllocator: when the break is not aligned, it is moved on by what is missing. */
  #fromSbrk(wanted: number, alignment: number): WordIndex {
    if (this.#skipSbrk && this.#flagsReady()) return WORD_NULL
    if (wanted + alignment >= ADDRESS_SPACE_BYTES) return WORD_NULL
    const bytes = roundUp(wanted, alignment)
    const result = this.#process.sbrk(bytes)
    if (result === WORD_NULL) return WORD_NULL
    const misaligned = byteOfWord(result) % alignment
    if (misaligned === 0) return result

    const extra = alignment - misaligned
    const next = this.#process.sbrk(extra)
    if (next === result + wordsOfBytes(bytes)) return wordAt(result, wordsOfBytes(extra))

    // Somebody else moved the break in between: ask for enough to align within.
    const second = this.#process.sbrk(bytes + alignment - 1)
    if (second === WORD_NULL) return WORD_NULL
    const lead = roundUp(byteOfWord(second), alignment) - byteOfWord(second)
    return wordAt(second, wordsOfBytes(lead))
  }

  /** MmapSysAllocator: maps more than asked for when it must align, and unmaps what is over. */
  #fromMmap(wanted: number, wantedAlignment: number, kind: MappingKind): WordIndex {
    if (this.#skipMmap && this.#flagsReady()) return WORD_NULL
    const alignment = Math.max(wantedAlignment, PAGE_BYTES)
    const bytes = roundUp(wanted, alignment)
    const extra = alignment - PAGE_BYTES
    if (bytes + extra >= ADDRESS_SPACE_BYTES) return WORD_NULL
    const process = this.#process
    const mapped = process.mmap(WORD_NULL, bytes + extra, Protection.READ_WRITE, kind)
    if (mapped === WORD_NULL) return WORD_NULL
    const lead = roundUp(byteOfWord(mapped), alignment) - byteOfWord(mapped)
    const result = wordAt(mapped, wordsOfBytes(lead))
    if (lead > 0) process.munmap(mapped, lead)
    if (lead < extra) process.munmap(wordAt(result, wordsOfBytes(bytes)), extra - lead)
    return result
  }

  /** The first memory is taken before the library's constructors have read the environment. */
  #flagsReady(): boolean {
    return this.#words[this.#static + Static.FLAGS_READY] !== 0
  }

  /** TCMalloc_SystemRelease: the pages stay mapped, their contents go. False: not released. */
  release(start: WordIndex, words: number): boolean {
    if (this.#releaseDisabled && this.#flagsReady()) return false
    return this.#process.madviseDontNeed(start, bytesOfWords(words))
  }
}
