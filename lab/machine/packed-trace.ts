/**
 * A trace as machines carry it out: 32-bit words, one record an op, in the trace's order. The serial
 * machine loops over the words, the native replayer reads them from its standard input.
 *
 *   word      0                          1       2, 3            4, 5
 *        ┌────────────────────────────┬───────┬───────────────┬───────────────┐
 *        │ op (8 bits) │ thread << 8  │ slot  │ size, 64 bits │ size, 64 bits │
 *        └────────────────────────────┴───────┴───────────────┴───────────────┘
 *
 * `slot` is the block's place in the replaying machine's table: a number that is used again once
 * its block is gone, so that the table stays as small as the most blocks live at once.
 */

/** Op codes; replayer.h has the same. */
export const TraceOp = {
  /** bytes */
  MALLOC: 1,
  /** count, bytes */
  CALLOC: 2,
  /** bytes */
  REALLOC: 3,
  /** alignment, bytes */
  MEMALIGN: 4,
  FREE: 5,
  WRITE: 6,
  /** pad bytes; no slot */
  TRIM: 7,
  /** no slot */
  EXIT: 8,
  /** no slot; belongs to no thread */
  CHECK: 9,
} as const
export type TraceOp = (typeof TraceOp)[keyof typeof TraceOp]

/** Words of a record, by op code. */
export const TRACE_OP_WORDS: readonly number[] = [0, 4, 6, 4, 6, 2, 2, 4, 2, 2]
/** Letters of the text format, by op code. */
export const TRACE_OP_LETTERS = ' mcrafwtxk'
/** First word of what the native replayer reads: `ALT1`. */
export const TRACE_MAGIC = 0x31544c41
/** Words before the first record: magic, most slots, most threads (both hints), 0. */
export const TRACE_HEADER_WORDS = 4
/** Threads that fit a record. */
export const TRACE_THREADS_MAX = 65_535

const TWO_32 = 2 ** 32

export interface PackedTrace {
  /** Records, without header. */
  readonly words: Int32Array
  /** Records in `words`. */
  readonly ops: number
  /** Slots are below this. */
  readonly slots: number
  /** Thread numbers are below this. */
  readonly threads: number
}

/** The 64-bit size whose low word stands at `at`; exact to 2^53. */
export const sizeAt = (words: Int32Array, at: number): number =>
  words[at + 1] === 0 ? words[at]! >>> 0 : (words[at + 1]! >>> 0) * TWO_32 + (words[at]! >>> 0)

/** Collects records. Grows as needed; `take` empties it. */
export class TracePacker {
  #words: Int32Array
  #used = 0
  #ops = 0
  #slots = 0
  #threads = 1

  constructor(capacityWords = 65_536) {
    this.#words = new Int32Array(capacityWords)
  }

  /** Words collected and not taken. */
  get used(): number {
    return this.#used
  }
  get ops(): number {
    return this.#ops
  }

  malloc(thread: number, slot: number, bytes: number): void {
    this.#head(TraceOp.MALLOC, thread, slot)
    this.#size(bytes)
  }
  calloc(thread: number, slot: number, count: number, bytes: number): void {
    this.#head(TraceOp.CALLOC, thread, slot)
    this.#size(count)
    this.#size(bytes)
  }
  realloc(thread: number, slot: number, bytes: number): void {
    this.#head(TraceOp.REALLOC, thread, slot)
    this.#size(bytes)
  }
  memalign(thread: number, slot: number, alignment: number, bytes: number): void {
    this.#head(TraceOp.MEMALIGN, thread, slot)
    this.#size(alignment)
    this.#size(bytes)
  }
  free(thread: number, slot: number): void {
    this.#head(TraceOp.FREE, thread, slot)
  }
  write(thread: number, slot: number): void {
    this.#head(TraceOp.WRITE, thread, slot)
  }
  trim(thread: number, padBytes: number): void {
    this.#head(TraceOp.TRIM, thread, 0)
    this.#size(padBytes)
  }
  exit(thread: number): void {
    this.#head(TraceOp.EXIT, thread, 0)
  }
  check(): void {
    this.#head(TraceOp.CHECK, 0, 0)
  }

  /** What was collected since the last call. Slots and threads count from the very start. */
  take(): PackedTrace {
    const taken = {
      words: this.#words.slice(0, this.#used),
      ops: this.#ops,
      slots: this.#slots,
      threads: this.#threads,
    }
    this.#used = 0
    this.#ops = 0
    return taken
  }

  #head(op: TraceOp, thread: number, slot: number): void {
    if (this.#used + 6 > this.#words.length) this.#grow()
    this.#words[this.#used] = op | (thread << 8)
    this.#words[this.#used + 1] = slot
    this.#used += 2
    this.#ops++
    if (slot >= this.#slots) this.#slots = slot + 1
    if (thread >= this.#threads) this.#threads = thread + 1
  }

  #size(value: number): void {
    this.#words[this.#used] = value
    this.#words[this.#used + 1] = value < TWO_32 ? 0 : Math.floor(value / TWO_32)
    this.#used += 2
  }

  #grow(): void {
    const larger = new Int32Array(this.#words.length * 2)
    larger.set(this.#words)
    this.#words = larger
  }
}
