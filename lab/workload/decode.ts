/** Reads batches back: for planning, for messages, for tests. Not for hot paths. */
import { wordsOfBytes } from '../words/units.ts'
import { OP_NAMES, OP_OPERANDS, Op } from './ops.ts'
import type { RoleArgs, Scenario } from './scenario.ts'

const decoder = new TextDecoder()

const hasText = (code: number): boolean => code === Op.PHASE || code === Op.START

/** Index of the op after the one at `at`. Throws where no op can be. */
export function nextOp(ops: Int32Array, at: number): number {
  const code = ops[at]
  const operands = code === undefined ? undefined : OP_OPERANDS[code]
  if (code === undefined || operands === undefined || code === 0) {
    throw new RangeError(`no op at word ${at}: code ${code}`)
  }
  const next = at + 1 + operands
  return hasText(code) ? next + 1 + wordsOfBytes(ops[next]!) : next
}

/** Calls `visit(code, at)` for each op of a batch, in order. */
export function eachOp(
  ops: Int32Array,
  length: number,
  visit: (code: number, at: number) => void,
): void {
  let at = 0
  while (at < length) {
    const next = nextOp(ops, at)
    visit(ops[at]!, at)
    at = next
  }
  if (at !== length) throw new RangeError(`the last op ends at word ${at}, the batch at ${length}`)
}

/** The text of the op at `at`: a phase label, or the arguments of a start as JSON. */
export function readText(ops: Int32Array, at: number): string {
  const lengthAt = at + 1 + OP_OPERANDS[ops[at]!]!
  // Copied, because TextDecoder refuses bytes that are shared.
  const words = ops.slice(lengthAt + 1, lengthAt + 1 + wordsOfBytes(ops[lengthAt]!))
  return decoder.decode(new Uint8Array(words.buffer, 0, ops[lengthAt]))
}

/** Arguments of the `START` at `at`. */
export function readArgs(ops: Int32Array, at: number): RoleArgs {
  return JSON.parse(readText(ops, at)) as RoleArgs
}

/** One op in words: `malloc cell 3, 64`, `start ingest {"day":0}`, `free shared cell 17`. */
export function describeOp(ops: Int32Array, at: number, scenario?: Scenario): string {
  const code = ops[at]!
  const name = OP_NAMES[code] ?? `op ${code}`
  const a = ops[at + 1] ?? 0
  const b = ops[at + 2] ?? 0
  const c = ops[at + 3] ?? 0
  switch (code) {
    case Op.MALLOC:
    case Op.REALLOC:
      return `${name} ${cellName(a)}, ${b} bytes`
    case Op.CALLOC:
      return `${name} ${cellName(a)}, ${b} × ${c} bytes`
    case Op.MEMALIGN:
      return `${name} ${cellName(a)}, ${c} bytes at a multiple of ${b}`
    case Op.FREE:
    case Op.WRITE:
      return `${name} ${cellName(a)}`
    case Op.WRITE_PAGES:
      return `write ${cellName(a)}, ${b} pages`
    case Op.SEND:
    case Op.RECEIVE:
      return `${name} channel ${a}, ${cellName(b)}`
    case Op.SWAP:
    case Op.MOVE:
      return `${name} ${cellName(a)}, ${cellName(b)}`
    case Op.BARRIER:
      return `barrier ${a} of ${b}`
    case Op.WORK:
    case Op.SLEEP:
      return `${name} ${a * 1_000_000 + b} ns`
    case Op.PACE:
      return `pace ${a} ops/s`
    case Op.PHASE:
      return `phase ${JSON.stringify(readText(ops, at))}`
    case Op.TRIM:
      return `trim ${a} bytes`
    case Op.START: {
      const role = scenario?.roles[a]?.name ?? `role ${a}`
      const cells = c > 0 ? ` with ${c} cells from ${cellName(b)}` : ''
      return `start ${role} ${readText(ops, at)}${cells}`
    }
    default:
      return name
  }
}

const cellName = (operand: number): string =>
  operand < 0 ? `shared cell ${~operand}` : `cell ${operand}`
