/**
 * Ops, as a batch holds them: a compact `Int32Array` of `[code, operand, …]`.
 *
 * A cell operand ≥ 0 is a private cell of the lab thread; a negative one, `~index`, is a cell of
 * the shared tables. Bytes, counts and indices are below 2^31. Durations are two words: whole
 * milliseconds and the nanoseconds left. Text is a byte length and then UTF-8, four bytes a word.
 *
 * An op that fills a cell (malloc, calloc, memalign, receive, move) frees the block of a full one
 * first; any other op on an empty cell does nothing, and is counted.
 */
export const Op = {
  /** cell, bytes */
  MALLOC: 1,
  /** cell, count, bytes */
  CALLOC: 2,
  /** cell, bytes */
  REALLOC: 3,
  /** cell, alignment, bytes */
  MEMALIGN: 4,
  /** cell */
  FREE: 5,
  /** cell: touches every page of the block, stamps both its ends */
  WRITE: 6,
  /** channel, cell: the content leaves the cell; blocks while the channel is full */
  SEND: 7,
  /** channel, cell: blocks while the channel is empty */
  RECEIVE: 8,
  /** cell, cell: contents exchanged, one of them may be shared */
  SWAP: 9,
  /** from cell, to cell: the target must be empty, else it is freed first */
  MOVE: 10,
  /** barrier, parties */
  BARRIER: 11,
  /** ms, ns: keeps the CPU busy */
  WORK: 12,
  /** ms, ns */
  SLEEP: 13,
  /** ops per second, 0 for none: later ops wait for their turn */
  PACE: 14,
  /** text: a safepoint of the whole process, with this label */
  PHASE: 15,
  /** pad bytes */
  TRIM: 16,
  /** role, first handed cell, handed cells, text (JSON of the arguments) */
  START: 17,
  /** waits until every lab thread this one started has ended */
  JOIN_ALL: 18,
  /** the lab thread ends here */
  EXIT: 19,
  /** first cell, pages: touches the first N pages of the block, stamps its start */
  WRITE_PAGES: 20,
} as const
export type Op = (typeof Op)[keyof typeof Op]

/** Operand words of each op, text not counted; by op code. */
export const OP_OPERANDS: readonly number[] = [
  0, 2, 3, 2, 3, 1, 1, 2, 2, 2, 2, 2, 2, 2, 1, 0, 1, 3, 0, 0, 2,
]

/** Names, by op code: what messages and traces say. */
export const OP_NAMES: readonly string[] = opNames()

function opNames(): string[] {
  const names: string[] = []
  for (const [name, code] of Object.entries(Op)) names[code] = name.toLowerCase()
  return names
}

/** Ops that only concern the heap: `HeapOps` of lab/machine carries them out. */
const HEAP_OPS: ReadonlySet<number> = new Set([
  Op.MALLOC,
  Op.CALLOC,
  Op.REALLOC,
  Op.MEMALIGN,
  Op.FREE,
  Op.WRITE,
  Op.WRITE_PAGES,
  Op.SWAP,
  Op.MOVE,
  Op.TRIM,
])
export const isHeapOp = (code: number): boolean => HEAP_OPS.has(code)
