/** Ops of a trace, by column: 33 bytes an op, however they are kept. */
import { TRACE_LETTERS } from './format.ts'

/** Ops in a chunk that is not the last one. */
const CHUNK_OPS = 64 * 1024

export interface TraceChunk {
  /** Number of its first op; the first of the trace is 0. */
  readonly firstOp: number
  /** Only the first `length` entries of each column mean anything. */
  readonly length: number
  /** A `TraceOp`. */
  readonly code: Uint8Array
  /** 0 for a checkpoint. */
  readonly thread: Int32Array
  /** Block number as the file has it; -1 where the op has none. */
  readonly block: Int32Array
  /**
   * The same block by a number that is used again once the block is freed (`f`, or `r` to 0): so
   * an array of as many entries as the trace ever has live blocks holds them all. -1 where none.
   */
  readonly slot: Int32Array
  /** N: bytes of m, c (one element), r, a; pad of t; else 0. Whole; above 2^53 rounded down. */
  readonly size: Float64Array
  /** K of c, A of a; else 0. */
  readonly extra: Float64Array
  /** Line in the file; the first is 1. */
  readonly line: Int32Array
  /** Of each checkpoint, in order: what a line `# phase LABEL` above it says, or ''. */
  readonly labels: readonly string[]
}

/** A chunk being filled. */
export class ChunkBuilder implements TraceChunk {
  readonly firstOp: number
  length = 0
  readonly code = new Uint8Array(CHUNK_OPS)
  readonly thread = new Int32Array(CHUNK_OPS)
  readonly block = new Int32Array(CHUNK_OPS)
  readonly slot = new Int32Array(CHUNK_OPS)
  readonly size = new Float64Array(CHUNK_OPS)
  readonly extra = new Float64Array(CHUNK_OPS)
  readonly line = new Int32Array(CHUNK_OPS)
  readonly labels: string[] = []

  constructor(firstOp: number) {
    this.firstOp = firstOp
  }

  get isFull(): boolean {
    return this.length === CHUNK_OPS
  }
}

/** What a whole trace was found to hold. */
export interface TraceTotals {
  readonly ops: number
  readonly lines: number
  /** Highest thread number, + 1. */
  readonly threads: number
  /** Most blocks live at once: slots are below it. */
  readonly slots: number
  readonly checkpoints: number
}

/** A trace held in memory. */
export interface Trace {
  readonly chunks: readonly TraceChunk[]
  readonly totals: TraceTotals
}

/** Op `i` of a chunk as its line has it: `3 c 17 4 100`. */
export function lineOfOp(chunk: TraceChunk, i: number): string {
  const letter = TRACE_LETTERS[chunk.code[i]!]!
  const thread = chunk.thread[i]!
  const size = BigInt(chunk.size[i]!)
  const extra = BigInt(chunk.extra[i]!)
  const block = chunk.block[i]!
  switch (letter) {
    case 'k':
      return 'k'
    case 'x':
      return `${thread} x`
    case 't':
      return `${thread} t ${size}`
    case 'm':
    case 'r':
      return `${thread} ${letter} ${block} ${size}`
    case 'c':
    case 'a':
      return `${thread} ${letter} ${block} ${extra} ${size}`
    default:
      return `${thread} ${letter} ${block}`
  }
}

/** Every op of a trace as its line has it. For small ones: a text an op. */
export function linesOf(trace: Pick<Trace, 'chunks'>): string[] {
  return trace.chunks.flatMap((chunk) =>
    Array.from({ length: chunk.length }, (_, i) => lineOfOp(chunk, i)),
  )
}
