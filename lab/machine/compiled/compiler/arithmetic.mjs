// Arithmetic and bit operators.
import { instruction, int, isInt32Constant, low, toFloat, toInt } from './instructions.mjs'

/** A value known to be a signed 32-bit integer. */
const bits = (op, args) =>
  instruction('i64.extend', 'i64', [instruction(op, 'i32', args, { bits: true })])

const BIT_OPERATORS = new Set(['&', '|', '^', '<<', '>>', '>>>'])
export const isBitwise = (operator) => BIT_OPERATORS.has(operator)

export function bitwise(operator, left, right) {
  const a = low(left)
  const b = low(right)
  switch (operator) {
    case '&': {
      const mask = [left, right].find((it) => isInt32Constant(it) && it.value >= 0)
      // Not negative: the 64-bit operation gives the same without an extension.
      if (mask && left.type !== 'f64' && right.type !== 'f64') {
        return instruction('i64.and', 'i64', [toInt(left), toInt(right)])
      }
      return bits('i32.and', [a, b])
    }
    case '|':
      return right.op === 'i64.const' && right.value === 0
        ? toInt({ ...a, bits: true })
        : bits('i32.or', [a, b])
    case '^':
      return bits('i32.xor', [a, b])
    case '<<':
      return bits('i32.shl', [a, b])
    case '>>':
      return bits('i32.shr', [a, b])
    case '>>>':
      return instruction('i64.extend_u', 'i64', [instruction('i32.shr_u', 'i32', [a, b])])
  }
  throw new Error(`operator ${operator}`)
}

const ARITHMETIC = { '+': 'add', '-': 'sub', '*': 'mul', '%': 'rem' }

export const isArithmetic = (operator) => operator === '/' || operator in ARITHMETIC

/** Undefined for the one thing that WebAssembly cannot do: the remainder of fractions. */
export function arithmetic(operator, left, right) {
  const name = ARITHMETIC[operator]
  if (operator === '/' || left.type === 'f64' || right.type === 'f64') {
    if (operator === '%') return undefined
    return instruction(`f64.${name ?? 'div'}`, 'f64', [toFloat(left), toFloat(right)])
  }
  if (left.op === 'i64.const' && right.op === 'i64.const' && operator !== '%') {
    const [a, b] = [left.value, right.value]
    return int(operator === '+' ? a + b : operator === '-' ? a - b : a * b)
  }
  return instruction(`i64.${name}`, 'i64', [toInt(left), toInt(right)])
}
