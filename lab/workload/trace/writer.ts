/** Writes traces: ops in, bytes of the text format out. */
import type { TraceChunk } from './chunk.ts'
import { TRACE_HEADER, TRACE_LETTERS, TraceOp } from './format.ts'

const NEWLINE = 0x0a
const SPACE = 0x20
const ZERO = 0x30
const FIRST_BYTES = 64 * 1024
/** Longest op line: four numbers of at most 20 digits, a letter, blanks. */
const LINE_BYTES_MAX = 96
const DIGITS = new Uint8Array(20)

/** Appends lines to a buffer; whoever writes takes the bytes out now and then. */
export class TraceWriter {
  #bytes = new Uint8Array(FIRST_BYTES)
  #length = 0

  constructor() {
    this.#text(TRACE_HEADER)
    this.#put(NEWLINE)
  }

  /** Bytes waiting to be taken. */
  get pending(): number {
    return this.#length
  }

  /** A copy of the bytes since the last time. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length)
    this.#length = 0
    return taken
  }

  malloc(thread: number, block: number, size: number): void {
    this.#op(TraceOp.MALLOC, thread, block, -1, size)
  }

  calloc(thread: number, block: number, count: number, size: number): void {
    this.#op(TraceOp.CALLOC, thread, block, count, size)
  }

  realloc(thread: number, block: number, size: number): void {
    this.#op(TraceOp.REALLOC, thread, block, -1, size)
  }

  memalign(thread: number, block: number, alignment: number, size: number): void {
    this.#op(TraceOp.MEMALIGN, thread, block, alignment, size)
  }

  free(thread: number, block: number): void {
    this.#op(TraceOp.FREE, thread, block, -1, -1)
  }

  /** One byte in every page of the block. */
  write(thread: number, block: number): void {
    this.#op(TraceOp.WRITE, thread, block, -1, -1)
  }

  trim(thread: number, padBytes: number): void {
    this.#op(TraceOp.TRIM, thread, -1, -1, padBytes)
  }

  exit(thread: number): void {
    this.#op(TraceOp.EXIT, thread, -1, -1, -1)
  }

  checkpoint(): void {
    this.#op(TraceOp.CHECKPOINT, -1, -1, -1, -1)
  }

  /** A `#` line; line breaks in it become blanks. */
  comment(text: string): void {
    this.#text(`# ${text.replace(/[\r\n]+/g, ' ')}`)
    this.#put(NEWLINE)
  }

  /** Op `i` of a chunk, as it was read. */
  opOf(chunk: TraceChunk, i: number): void {
    const code = chunk.code[i] as TraceOp
    const hasExtra = code === TraceOp.CALLOC || code === TraceOp.MEMALIGN
    const hasSize = hasExtra || code === TraceOp.MALLOC || code === TraceOp.REALLOC
    const size = hasSize || code === TraceOp.TRIM ? chunk.size[i]! : -1
    const thread = code === TraceOp.CHECKPOINT ? -1 : chunk.thread[i]!
    this.#op(code, thread, chunk.block[i]!, hasExtra ? chunk.extra[i]! : -1, size)
  }

  /** A field below 0 is left out. */
  #op(code: TraceOp, thread: number, block: number, extra: number, size: number): void {
    this.#reserve(LINE_BYTES_MAX)
    if (thread >= 0) {
      this.#number(thread)
      this.#put(SPACE)
    }
    this.#put(TRACE_LETTERS.charCodeAt(code))
    if (block >= 0) this.#field(block)
    if (extra >= 0) this.#field(extra)
    if (size >= 0) this.#field(size)
    this.#put(NEWLINE)
  }

  #field(value: number): void {
    this.#put(SPACE)
    this.#number(value)
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value)) {
      // Throws for what is no whole number at all.
      this.#text(BigInt(value).toString())
      return
    }
    let count = 0
    let rest = value
    do {
      const tens = Math.floor(rest / 10)
      DIGITS[count++] = rest - tens * 10
      rest = tens
    } while (rest > 0)
    while (count > 0) this.#put(ZERO + DIGITS[--count]!)
  }

  #text(text: string): void {
    const encoded = new TextEncoder().encode(text)
    this.#reserve(encoded.length + LINE_BYTES_MAX)
    this.#bytes.set(encoded, this.#length)
    this.#length += encoded.length
  }

  #put(byte: number): void {
    this.#bytes[this.#length++] = byte
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const larger = new Uint8Array(2 * this.#bytes.length + bytes)
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
