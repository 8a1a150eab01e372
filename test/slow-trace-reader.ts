/**
 * The trace format read slowly: lines split, rules by heart. What the fast reader is held against.
 */
import { TRACE_HEADER } from '../lab/workload/trace/format.ts'

/** Ops of a text by the rules of the format, or the number of the first bad line. */
export function readSlowly(text: string): string[] | number {
  const [header, ...lines] = text.split('\n')
  if (header?.trimEnd() !== TRACE_HEADER) return 1
  /** Live blocks; true: known to be NULL. */
  const live = new Map<string, boolean>()
  const ops: string[] = []
  for (const [i, line] of lines.entries()) {
    const words = line.split(/[ \t\r]+/).filter((word) => word !== '')
    if (words.length === 0 || words[0]!.startsWith('#')) continue
    if (!isLawful(words, live)) return i + 2
    ops.push(words.map((word) => (/^\d+$/.test(word) ? BigInt(word).toString() : word)).join(' '))
  }
  return ops
}

function isLawful(words: string[], live: Map<string, boolean>): boolean {
  if (words[0] === 'k') return words.length === 1
  const [thread, op, ...fields] = words as [string, string, ...string[]]
  if ([thread, ...fields].some((word) => !/^\d+$/.test(word))) return false
  if (BigInt(thread) >= 2n ** 20n) return false
  if (fields.length !== { m: 2, c: 3, r: 2, a: 3, f: 1, w: 1, t: 1, x: 0 }[op]) return false
  if (op === 'x') return BigInt(thread) !== 0n
  const numbers = fields.map(BigInt)
  const sizes = op === 't' ? numbers : numbers.slice(1)
  if (sizes.some((size) => size >= 2n ** 64n)) return false
  if (op === 't') return true
  if (numbers[0]! >= 2n ** 31n - 1n) return false
  const block = String(numbers[0])
  if (op === 'f' || op === 'w') return op === 'f' ? live.delete(block) : live.has(block)
  const [first = 0n, second = 0n] = sizes
  const asked = op === 'c' ? [first * second] : op === 'a' ? [first, second] : [first]
  if (asked.some((size) => size > 2n ** 30n && size < 2n ** 48n)) return false
  const isNull = asked.some((size) => size >= 2n ** 48n)
  if (op === 'a' && !(first > 0n && (first & (first - 1n)) === 0n)) return false
  if (op === 'r') {
    if (!live.has(block)) return false
    if (first === 0n) return live.get(block) === false && live.delete(block)
    if (!isNull) live.set(block, false)
    return true
  }
  if (live.has(block)) return false
  live.set(block, isNull)
  return true
}
