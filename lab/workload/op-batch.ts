/** A growing run of ops: what a recorder fills and a machine reads. See ops.ts for the layout. */
import { wordsOfBytes } from '../words/units.ts'
import type { Op } from './ops.ts'

const FIRST_WORDS = 1024
/** Words of the longest op without its text. */
const OP_WORDS_MAX = 8

const encoder = new TextEncoder()

export class OpBatch {
  /** Only the first `length` words mean anything. Replaced when the batch outgrows it. */
  words: Int32Array<ArrayBuffer> = new Int32Array(FIRST_WORDS)
  length = 0
  opCount = 0

  clear(): void {
    this.length = 0
    this.opCount = 0
  }

  put0(code: Op): void {
    const at = this.#begin(1)
    this.words[at] = code
  }

  put1(code: Op, a: number): void {
    const at = this.#begin(2)
    this.words[at] = code
    this.words[at + 1] = a
  }

  put2(code: Op, a: number, b: number): void {
    const at = this.#begin(3)
    this.words[at] = code
    this.words[at + 1] = a
    this.words[at + 2] = b
  }

  put3(code: Op, a: number, b: number, c: number): void {
    const at = this.#begin(4)
    this.words[at] = code
    this.words[at + 1] = a
    this.words[at + 2] = b
    this.words[at + 3] = c
  }

  /** Appends a text to the op just put: its length in bytes, then UTF-8, four bytes a word. */
  putText(text: string): void {
    const bytes = encoder.encode(text)
    const words = wordsOfBytes(bytes.length)
    this.#reserve(words + 1)
    this.words[this.length] = bytes.length
    this.words.fill(0, this.length + 1, this.length + 1 + words)
    const firstByte = (this.length + 1) * this.words.BYTES_PER_ELEMENT
    new Uint8Array(this.words.buffer).set(bytes, firstByte)
    this.length += words + 1
  }

  #begin(words: number): number {
    if (this.length + OP_WORDS_MAX > this.words.length) this.#reserve(OP_WORDS_MAX)
    const at = this.length
    this.length = at + words
    this.opCount++
    return at
  }

  #reserve(words: number): void {
    if (this.length + words <= this.words.length) return
    const larger = new Int32Array(Math.max(2 * this.words.length, this.length + words))
    larger.set(this.words.subarray(0, this.length))
    this.words = larger
  }
}
