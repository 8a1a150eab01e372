// Accesses of elements of typed arrays in shared memory, plain and atomic.
import { instruction, int32, low, toFloat } from './instructions.mjs'

/** Bytes that the offset of an access may add to its address. */
const OFFSET_MAX = 65_535

/** Splits a constant off an index, to become the offset of the access. */
function splitIndex(index, shift) {
  if (index.op === 'i32.const' && index.value >= 0) return { rest: undefined, value: index.value }
  if (index.op === 'i32.add' && index.args[1].op === 'i32.const') {
    const { value } = index.args[1]
    if (value >= 0 && value * 2 ** shift <= OFFSET_MAX) return { rest: index.args[0], value }
  }
  return { rest: index, value: 0 }
}

/** Address and offset of element `index` of an array that starts at `base` (undefined: at 0). */
function place(base, index, shift) {
  const { rest, value } = splitIndex(low(index), shift)
  const offset = value * 2 ** shift
  const fits = offset <= OFFSET_MAX
  const scaled =
    rest === undefined
      ? int32(fits ? 0 : offset)
      : shift === 0
        ? rest
        : instruction('i32.shl', 'i32', [rest, int32(shift)])
  const address =
    base === undefined
      ? scaled
      : rest === undefined && fits
        ? base
        : instruction('i32.add', 'i32', [scaled, base])
  return { address, offset: fits ? offset : 0 }
}

const SHIFTS = { i32: 2, f64: 3, u8: 0 }
const LOAD_OF = { i32: ['i64.load32', 'i64'], f64: ['f64.load', 'f64'], u8: ['i64.load8', 'i64'] }

/** `view[index]`; a view has an element kind (i32, f64, u8) and a base. */
export function load({ element, base }, index) {
  const { address, offset } = place(base, index, SHIFTS[element])
  const [op, type] = LOAD_OF[element]
  return instruction(op, type, [address], { offset })
}

export function store({ element, base }, index, value) {
  const { address, offset } = place(base, index, SHIFTS[element])
  const [op, stored] =
    element === 'f64'
      ? ['f64.store', toFloat(value)]
      : [element === 'u8' ? 'i32.store8' : 'i32.store', low(value)]
  return instruction(op, 'void', [address, stored], { offset })
}

/** Address of an element, as an i32. */
export function addressOf({ element, base }, index) {
  const { address, offset } = place(base, index, SHIFTS[element])
  return offset === 0 ? address : instruction('i32.add', 'i32', [address, int32(offset)])
}

export const scaledBy = (element, count) => {
  const shift = SHIFTS[element]
  return shift === 0 ? low(count) : instruction('i32.shl', 'i32', [low(count), int32(shift)])
}

/** An atomic operation; what was there before, for those that give it. */
export function atomic(name, { element, base }, index, values) {
  const { address, offset } = place(base, index, SHIFTS[element])
  const type = name === 'store' ? 'void' : 'i32'
  const op = element === 'u8' ? `${name}8` : name
  const result = instruction('atomic', type, [address, ...values], { offset, atomic: op })
  if (type === 'void') return result
  const extend = element === 'u8' ? 'i64.extend_u' : 'i64.extend'
  return name === 'notify' || name === 'wait' ? result : instruction(extend, 'i64', [result])
}
