/**
 * Bytes of a trace file to chunks of ops, checked line by line. Parses by hand: no strings, no
 * regular expressions and no objects for a good line. Memory is bounded by one chunk, one line and
 * the blocks live at once.
 */
import { BadInput, quoted } from '../../words/bad-input.ts'
import { ChunkBuilder, type TraceChunk, type TraceTotals } from './chunk.ts'
import {
  isAlignment,
  isRefused,
  isUncertain,
  PHASE_COMMENT,
  SIZE_END,
  TRACE_BLOCKS_MAX,
  TRACE_HEADER,
  TRACE_THREADS_MAX,
  TraceOp,
} from './format.ts'
import { LiveBlocks } from './live-blocks.ts'

const NEWLINE = 0x0a
const RETURN = 0x0d
const TAB = 0x09
const SPACE = 0x20
const HASH = 0x23
const ZERO = 0x30
const NINE = 0x39
const LETTER_K = 0x6b

/** Longer lines are refused: no op is, and no memory may be spent on a file that has no lines. */
const LINE_BYTES_MAX = 1024 * 1024
/** So many digits are exact as a plain number. */
const EXACT_DIGITS = 15
const LINES_MAX = 2 ** 31 - 1

/** Op codes by letter, 0 where the letter is none. */
const CODE_OF_LETTER = new Uint8Array(256)
CODE_OF_LETTER['m'.charCodeAt(0)] = TraceOp.MALLOC
CODE_OF_LETTER['c'.charCodeAt(0)] = TraceOp.CALLOC
CODE_OF_LETTER['r'.charCodeAt(0)] = TraceOp.REALLOC
CODE_OF_LETTER['a'.charCodeAt(0)] = TraceOp.MEMALIGN
CODE_OF_LETTER['f'.charCodeAt(0)] = TraceOp.FREE
CODE_OF_LETTER['w'.charCodeAt(0)] = TraceOp.WRITE
CODE_OF_LETTER['t'.charCodeAt(0)] = TraceOp.TRIM
CODE_OF_LETTER['x'.charCodeAt(0)] = TraceOp.EXIT

export class TraceParser {
  readonly #name: string
  readonly #onChunk: (chunk: TraceChunk) => void
  readonly #blocks = new LiveBlocks()
  #chunk = new ChunkBuilder(0)
  #ops = 0
  #checkpoints = 0
  /** What the next checkpoint is called. */
  #label = ''
  #threads = 0
  /** Bytes of a line whose end has not come yet. */
  #carry = new Uint8Array(0)
  /** What is being parsed: the bytes, the place in them, the start and number of the line. */
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  #lineStart = 0
  #line = 0
  /** The last size field had more digits than a Float64 holds. */
  #wasRounded = false

  /** `name` is what messages call the file; `onChunk` gets chunks it may keep. */
  constructor(name: string, onChunk: (chunk: TraceChunk) => void) {
    this.#name = name
    this.#onChunk = onChunk
  }

  /** The next bytes of the file, cut anywhere. Throws `BadInput` at the first bad line. */
  push(bytes: Uint8Array): void {
    const end = bytes.lastIndexOf(NEWLINE) + 1
    if (end === 0) {
      this.#keep(bytes)
      return
    }
    let start = 0
    if (this.#carry.length > 0) {
      start = bytes.indexOf(NEWLINE) + 1
      this.#keep(bytes.subarray(0, start))
      this.#parse(this.#carry, 0, this.#carry.length)
      this.#carry = new Uint8Array(0)
    }
    this.#parse(bytes, start, end)
    this.#keep(bytes.subarray(end))
  }

  /** After the last bytes: the last line needs no line end. */
  end(): TraceTotals {
    if (this.#carry.length > 0) this.push(Uint8Array.of(NEWLINE))
    if (this.#line === 0) throw this.#headerMissing('the file is empty')
    if (this.#chunk.length > 0) this.#onChunk(this.#chunk)
    return {
      ops: this.#ops,
      lines: this.#line,
      threads: this.#threads,
      slots: this.#blocks.slotsMade,
      checkpoints: this.#checkpoints,
    }
  }

  #keep(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#carry.length + bytes.length)
    joined.set(this.#carry)
    joined.set(bytes, this.#carry.length)
    if (joined.length > LINE_BYTES_MAX) {
      this.#bytes = joined
      this.#lineStart = 0
      this.#line++
      this.#fail(`longer than ${LINE_BYTES_MAX} bytes`)
    }
    this.#carry = joined
  }

  /** Parses whole lines: the byte before `end` is a line end. */
  #parse(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes
    this.#at = start
    while (this.#at < end) {
      this.#lineStart = this.#at
      if (++this.#line === 1) this.#parseHeader()
      else this.#parseLine()
    }
  }

  #parseHeader(): void {
    const end = this.#bytes.indexOf(NEWLINE, this.#at)
    const text = new TextDecoder().decode(this.#bytes.subarray(this.#at, end)).trimEnd()
    if (text !== TRACE_HEADER) throw this.#headerMissing(`line 1 is ${quoted(text)}`)
    this.#at = end + 1
  }

  #headerMissing(found: string): BadInput {
    return new BadInput(`trace ${this.#name} must begin with '${TRACE_HEADER}': ${found}`)
  }

  #parseLine(): void {
    this.#skipBlanks()
    const first = this.#bytes[this.#at]!
    if (first === NEWLINE) {
      this.#at++
    } else if (first === HASH) {
      this.#parseComment()
    } else if (first === LETTER_K) {
      this.#at++
      this.#endOfLine()
      this.#checkpoints++
      this.#chunk.labels.push(this.#label)
      this.#label = ''
      this.#emit(TraceOp.CHECKPOINT, 0, -1, -1, 0, 0)
    } else {
      this.#parseOp()
    }
  }

  #parseComment(): void {
    const end = this.#bytes.indexOf(NEWLINE, this.#at)
    const start = new TextDecoder().decode(this.#bytes.subarray(this.#at, end))
    if (start.startsWith(PHASE_COMMENT)) this.#label = start.slice(PHASE_COMMENT.length).trim()
    this.#at = end + 1
  }

  #parseOp(): void {
    const thread = this.#number('a thread number or k', TRACE_THREADS_MAX)
    this.#gap('an op after the thread number')
    const code = CODE_OF_LETTER[this.#bytes[this.#at]!]!
    if (code === 0) this.#fail('expected one of the ops m c r a f w t x')
    this.#at++
    if (thread >= this.#threads) this.#threads = thread + 1
    if (code === TraceOp.EXIT) {
      this.#endOfLine()
      if (thread === 0) this.#fail('thread 0 is the main thread: it cannot end by returning')
      this.#emit(code, thread, -1, -1, 0, 0)
      return
    }
    if (code === TraceOp.TRIM) {
      const pad = this.#sizeField('bytes to keep')
      this.#endOfLine()
      this.#emit(code, thread, -1, -1, pad, 0)
      return
    }
    this.#gap('a block number')
    const block = this.#number('a block number', TRACE_BLOCKS_MAX)
    if (code === TraceOp.MALLOC) this.#malloc(thread, block)
    else if (code === TraceOp.CALLOC) this.#calloc(thread, block)
    else if (code === TraceOp.MEMALIGN) this.#memalign(thread, block)
    else if (code === TraceOp.REALLOC) this.#realloc(thread, block)
    else this.#freeOrWrite(code as TraceOp, thread, block)
  }

  #malloc(thread: number, block: number): void {
    const size = this.#sizeField('a size')
    this.#endOfLine()
    this.#checkSize('size', size)
    const slot = this.#born(block, isRefused(size))
    this.#emit(TraceOp.MALLOC, thread, block, slot, size, 0)
  }

  #calloc(thread: number, block: number): void {
    const count = this.#sizeField('a count')
    const size = this.#sizeField('a size')
    this.#endOfLine()
    this.#checkSize('count × size', count * size)
    const slot = this.#born(block, isRefused(count * size))
    this.#emit(TraceOp.CALLOC, thread, block, slot, size, count)
  }

  #memalign(thread: number, block: number): void {
    const alignment = this.#sizeField('an alignment')
    const isExact = !this.#wasRounded
    const size = this.#sizeField('a size')
    this.#endOfLine()
    if (!isExact || !isAlignment(alignment)) this.#fail('the alignment must be a power of two')
    this.#checkSize('alignment', alignment)
    this.#checkSize('size', size)
    const slot = this.#born(block, isRefused(size) || isRefused(alignment))
    this.#emit(TraceOp.MEMALIGN, thread, block, slot, size, alignment)
  }

  #realloc(thread: number, block: number): void {
    const size = this.#sizeField('a size')
    this.#endOfLine()
    this.#checkSize('size', size)
    const slot = this.#live(block)
    if (size === 0) {
      // realloc(NULL, 0) is malloc(0) in C, but here it would have to free the block.
      if (this.#blocks.isNull(slot)) {
        this.#fail(`block ${block} is NULL: it cannot be freed by realloc to 0 (write m or f)`)
      }
      this.#blocks.remove(block)
    } else if (!isRefused(size)) {
      this.#blocks.setNull(slot, false)
    }
    this.#emit(TraceOp.REALLOC, thread, block, slot, size, 0)
  }

  #freeOrWrite(code: TraceOp, thread: number, block: number): void {
    this.#endOfLine()
    const slot = this.#live(block)
    if (code === TraceOp.FREE) this.#blocks.remove(block)
    this.#emit(code, thread, block, slot, 0, 0)
  }

  #born(block: number, isNull: boolean): number {
    const slot = this.#blocks.slotOf(block)
    if (slot >= 0) {
      this.#fail(`block ${block} is still live since line ${this.#blocks.bornIn(slot)}`)
    }
    return this.#blocks.add(block, this.#line, isNull)
  }

  #live(block: number): number {
    const slot = this.#blocks.slotOf(block)
    if (slot < 0) this.#fail(`block ${block} is not live`)
    return slot
  }

  #checkSize(what: string, size: number): void {
    if (!isUncertain(size)) return
    this.#fail(`${what} must be at most 1 GiB, or at least 2^48 to ask for failure`)
  }

  #emit(
    code: TraceOp,
    thread: number,
    block: number,
    slot: number,
    size: number,
    extra: number,
  ): void {
    if (this.#line > LINES_MAX) this.#fail(`more than ${LINES_MAX} lines`)
    const chunk = this.#chunk
    const i = chunk.length++
    chunk.code[i] = code
    chunk.thread[i] = thread
    chunk.block[i] = block
    chunk.slot[i] = slot
    chunk.size[i] = size
    chunk.extra[i] = extra
    chunk.line[i] = this.#line
    this.#ops++
    if (!chunk.isFull) return
    this.#onChunk(chunk)
    this.#chunk = new ChunkBuilder(this.#ops)
  }

  // ── fields ─────────────────────────────────────────────────────────────────────────────────

  #skipBlanks(): void {
    let byte = this.#bytes[this.#at]
    while (byte === SPACE || byte === TAB || byte === RETURN) byte = this.#bytes[++this.#at]
  }

  #gap(next: string): void {
    const before = this.#at
    this.#skipBlanks()
    if (this.#at === before || this.#bytes[this.#at] === NEWLINE) this.#fail(`expected ${next}`)
  }

  #endOfLine(): void {
    this.#skipBlanks()
    if (this.#bytes[this.#at] !== NEWLINE) this.#fail('expected the end of the line')
    this.#at++
  }

  /** A whole number below `end`, which is at most 2^31. */
  #number(what: string, end: number): number {
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    let value = 0
    let byte = bytes[at]!
    while (byte >= ZERO && byte <= NINE) {
      value = value * 10 + (byte - ZERO)
      byte = bytes[++at]!
    }
    this.#at = at
    if (at === start) this.#fail(`expected ${what}`)
    if (value >= end) this.#fail(`expected ${what} below ${end}`)
    return value
  }

  /** Blanks, then a 64-bit whole number. */
  #sizeField(what: string): number {
    this.#gap(what)
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    let value = 0
    let byte = bytes[at]!
    while (byte >= ZERO && byte <= NINE) {
      value = value * 10 + (byte - ZERO)
      byte = bytes[++at]!
    }
    this.#at = at
    if (at === start) this.#fail(`expected ${what}`)
    this.#wasRounded = false
    return at - start <= EXACT_DIGITS ? value : this.#longNumber(start, at)
  }

  /** A number of many digits, rounded towards zero so that it stays on its side of every limit. */
  #longNumber(start: number, end: number): number {
    const text = new TextDecoder().decode(this.#bytes.subarray(start, end)).replace(/^0+(?=\d)/, '')
    const exact = text.length <= 20 ? BigInt(text) : BigInt(SIZE_END)
    if (exact >= BigInt(SIZE_END)) this.#fail('a size must be below 2^64')
    const bits = exact.toString(2).length
    const dropped = BigInt(Math.max(0, bits - 53))
    const kept = (exact >> dropped) << dropped
    this.#wasRounded = kept !== exact
    return Number(kept)
  }

  #fail(problem: string): never {
    const end = this.#bytes.indexOf(NEWLINE, this.#lineStart)
    const line = this.#bytes.subarray(this.#lineStart, end < 0 ? undefined : end)
    const content = quoted(new TextDecoder().decode(line.subarray(0, 200)).trimEnd())
    throw new BadInput(`trace ${this.#name}, line ${this.#line} ${content}: ${problem}`)
  }
}
