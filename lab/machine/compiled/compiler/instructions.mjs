// Expressions and statements of a function on their way from JavaScript to WebAssembly: a tree of
// { op, type, args, … }, put together by the functions here, which also take the shortest way where
// there are several, and written out by `write`.
import { double, hole, signed, TYPES, unsigned } from './binary.mjs'

const OPCODES = {
  'i32.eqz': 0x45,
  'i32.eq': 0x46,
  'i32.ne': 0x47,
  'i32.lt': 0x48,
  'i32.lt_u': 0x49,
  'i32.gt': 0x4a,
  'i32.gt_u': 0x4b,
  'i32.le': 0x4c,
  'i32.le_u': 0x4d,
  'i32.ge': 0x4e,
  'i32.ge_u': 0x4f,
  'i64.eqz': 0x50,
  'i64.eq': 0x51,
  'i64.ne': 0x52,
  'i64.lt': 0x53,
  'i64.gt': 0x55,
  'i64.le': 0x57,
  'i64.ge': 0x59,
  'f64.eq': 0x61,
  'f64.ne': 0x62,
  'f64.lt': 0x63,
  'f64.gt': 0x64,
  'f64.le': 0x65,
  'f64.ge': 0x66,
  'i32.clz': 0x67,
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.mul': 0x6c,
  'i32.and': 0x71,
  'i32.or': 0x72,
  'i32.xor': 0x73,
  'i32.shl': 0x74,
  'i32.shr': 0x75,
  'i32.shr_u': 0x76,
  'i64.add': 0x7c,
  'i64.sub': 0x7d,
  'i64.mul': 0x7e,
  'i64.div': 0x7f,
  'i64.rem': 0x81,
  'i64.and': 0x83,
  'i64.or': 0x84,
  'i64.xor': 0x85,
  'i64.shl': 0x86,
  'i64.shr': 0x87,
  'f64.abs': 0x99,
  'f64.neg': 0x9a,
  'f64.ceil': 0x9b,
  'f64.floor': 0x9c,
  'f64.trunc': 0x9d,
  'f64.add': 0xa0,
  'f64.sub': 0xa1,
  'f64.mul': 0xa2,
  'f64.div': 0xa3,
  'f64.min': 0xa4,
  'f64.max': 0xa5,
  'i32.wrap': 0xa7,
  'i64.extend': 0xac,
  'i64.extend_u': 0xad,
  'f64.convert': 0xb9,
  select: 0x1b,
  drop: 0x1a,
  unreachable: 0x00,
}
const LOADS = {
  'i32.load': [0x28, 2],
  'f64.load': [0x2b, 3],
  'i32.load8': [0x2d, 0],
  'i64.load8': [0x31, 0],
  'i64.load32': [0x34, 2],
  'i64.load32_u': [0x35, 2],
  'i32.store': [0x36, 2],
  'f64.store': [0x39, 3],
  'i32.store8': [0x3a, 0],
}
const ATOMICS = {
  notify: [0x00, 2],
  wait: [0x01, 2],
  load: [0x10, 2],
  load8: [0x12, 0],
  store: [0x17, 2],
  store8: [0x19, 0],
  add: [0x1e, 2],
  sub: [0x25, 2],
  and: [0x2c, 2],
  or: [0x33, 2],
  exchange: [0x41, 2],
  exchange8: [0x43, 0],
  compareExchange: [0x48, 2],
  compareExchange8: [0x4a, 0],
}
const INT32_MIN = -(2 ** 31)
const INT32_MAX = 2 ** 31 - 1
/** Bytes that the offset of an access may add to its address. */
const OFFSET_MAX = 65_535

const node = (op, type, args = [], more = {}) => ({ op, type, args, ...more })

export const int = (value) => node('i64.const', 'i64', [], { value })
export const int32 = (value) => node('i32.const', 'i32', [], { value: value | 0 })
export const float = (value) => node('f64.const', 'f64', [], { value })
export const get = (local) => node('local.get', local.type, [], { local })
/** Of a local that holds a 32-bit integer. */
export const getInt32 = (local) => node('i64.extend', 'i64', [{ ...get(local), bits: true }])
export const set = (local, value) => node('local.set', 'void', [as(local.type, value)], { local })
export const readGlobal = (global) => node('global.get', global.type, [], { global })
/** A number that is known when a run starts: written into the module then. */
export const constant = (hole) => node('hole', hole.type, [], { hole })
export const writeGlobal = (global, value) =>
  node('global.set', 'void', [as(global.type, value)], { global })
export const call = (target, args) =>
  node(
    'call',
    target.result,
    args.map((arg, i) => as(target.params[i], arg)),
    { target },
  )
export const unreachable = () => node('unreachable', 'void')
/** Statements, then a value. */
export const sequence = (before, value) =>
  before.length === 0 ? value : node('sequence', value.type, [], { before, value })
/** `body` is statements; what is branched to `label` with, or comes last, is its value. */
export const block = (label, type, body) => node('block', type, [], { label, body })
export const loop = (label, body) => node('loop', 'void', [], { label, body })
export const branch = (label, value) => node('br', 'void', value ? [value] : [], { label })
export const branchIf = (label, condition) => node('br_if', 'void', [truth(condition)], { label })
export const branchTable = (labels, otherwise, index) =>
  node('br_table', 'void', [index], { labels, otherwise })
export const when = (condition, then, otherwise = [], type = 'void') =>
  node('if', type, [truth(condition)], { then, otherwise })
/** `&&` and `||` of two truth values. */
export const both = (left, right) => ({
  ...when(left, [right], [int32(0)], 'i32'),
  logic: 'and',
  sides: [left, right],
})
export const either = (left, right) => ({
  ...when(left, [int32(1)], [right], 'i32'),
  logic: 'or',
  sides: [left, right],
})

/** Branches to `label` when a condition is false; each part of it is looked at only if need be. */
export function branchUnless(label, condition) {
  if (condition.logic === 'and') {
    return condition.sides.flatMap((side) => branchUnless(label, side))
  }
  if (condition.logic === 'or') {
    const [left, right] = condition.sides
    const yes = {}
    return [block(yes, 'void', [...branchWhen(yes, left), ...branchUnless(label, right)])]
  }
  if (condition.op === 'i32.eqz') return branchWhen(label, condition.args[0])
  return [branchIf(label, not(condition))]
}

export function branchWhen(label, condition) {
  if (condition.logic === 'or') return condition.sides.flatMap((side) => branchWhen(label, side))
  if (condition.logic === 'and') {
    const [left, right] = condition.sides
    const no = {}
    return [block(no, 'void', [...branchUnless(no, left), ...branchWhen(label, right)])]
  }
  if (condition.op === 'i32.eqz') return branchUnless(label, condition.args[0])
  return [branchIf(label, condition)]
}

/** `if` as a statement. */
export function decide(condition, then, otherwise) {
  if (condition.logic === undefined) return when(condition, then, otherwise)
  const end = {}
  const no = {}
  const last = otherwise.length > 0 ? [branch(end)] : []
  return block(end, 'void', [
    block(no, 'void', [...branchUnless(no, condition), ...then, ...last]),
    ...otherwise,
  ])
}

/** Runs `after` also when something is thrown, and throws it on. */
export const protect = (label, body, after) => node('try', 'void', [], { label, body, after })
export const memoryFill = (at, value, bytes) => node('memory.fill', 'void', [at, value, bytes])
export const memoryCopy = (to, from, bytes) => node('memory.copy', 'void', [to, from, bytes])
export const drop = (value) => (value.type === 'void' ? value : node('drop', 'void', [value]))

const isInt32Const = ({ op, value }) =>
  op === 'i64.const' && value >= INT32_MIN && value <= INT32_MAX

/** Is the value known to be a 32-bit integer, with its sign? */
export const isInt32 = (it) =>
  it.op === 'i64.extend' ||
  it.op === 'i64.load32' ||
  it.op === 'i64.load8' ||
  isInt32Const(it) ||
  (it.op === 'i64.and' && it.args.some((arg) => isInt32Const(arg) && arg.value >= 0)) ||
  (it.op === 'i64.extend_u' && it.args[0].op === 'i32.shr_u' && it.args[0].args[1].value > 0) ||
  (it.op === 'sequence' && isInt32(it.value))

const WRAPPING = new Set(['add', 'sub', 'mul', 'and', 'or', 'xor'])

/** The low 32 bits: what JavaScript's bit operators and Int32Arrays take. */
export function low(it) {
  if (it.type === 'i32') return it
  if (it.type === 'f64') return node('i32.wrap', 'i32', [toInt(it)])
  const [width, name] = it.op.split('.')
  if (it.op === 'i64.const') return int32(Number(BigInt.asIntN(32, BigInt(it.value))))
  if (it.op === 'i64.extend' || it.op === 'i64.extend_u') return it.args[0]
  if (it.op === 'i64.load32' || it.op === 'i64.load32_u')
    return { ...it, op: 'i32.load', type: 'i32' }
  if (it.op === 'i64.load8') return { ...it, op: 'i32.load8', type: 'i32' }
  if (it.op === 'sequence') return sequence(it.before, low(it.value))
  if (width === 'i64' && WRAPPING.has(name)) return node(`i32.${name}`, 'i32', it.args.map(low))
  return node('i32.wrap', 'i32', [it])
}

export function toInt(it) {
  if (it.type === 'i64') return it
  // An i32 is a truth value here, or a pattern of bits that stands for a signed number.
  if (it.type === 'i32') return node(it.bits ? 'i64.extend' : 'i64.extend_u', 'i64', [it])
  if (it.type === 'f64') return node('i64.trunc', 'i64', [it])
  return sequence([it], int(0))
}

export function toFloat(it) {
  if (it.type === 'f64') return it
  if (it.op === 'i64.const') return float(Number(it.value))
  return node('f64.convert', 'f64', [toInt(it)])
}

export const as = (type, it) =>
  type === 'i64' ? toInt(it) : type === 'f64' ? toFloat(it) : low(it)

/** An i32 that is not 0 when the value is true in JavaScript. */
export function truth(it) {
  if (it.type === 'i32') return it
  if (it.type === 'f64') return node('f64.ne', 'i32', [it, float(0)])
  if (isInt32(it)) return low(it)
  if (it.op === 'i64.extend_u') return it.args[0]
  return node('i64.ne', 'i32', [it, int(0)])
}

export function not(it) {
  const condition = truth(it)
  // `!!x` is a truth value already where x is one.
  if (
    condition.op === 'i32.eqz' &&
    condition.args[0].type === 'i32' &&
    isTruth(condition.args[0])
  ) {
    return condition.args[0]
  }
  return node('i32.eqz', 'i32', [condition])
}

/** Is an i32 0 or 1? */
const isTruth = ({ op, logic }) => logic !== undefined || /\.(eqz|eq|ne|lt|gt|le|ge)(_u)?$/.test(op)

/** A value known to be a signed 32-bit integer. */
const bits = (op, args) => node('i64.extend', 'i64', [node(op, 'i32', args, { bits: true })])

export function bitwise(operator, left, right) {
  const a = low(left)
  const b = low(right)
  switch (operator) {
    case '&': {
      const mask = [left, right].find((it) => isInt32Const(it) && it.value >= 0)
      // Not negative: the 64-bit operation gives the same without an extension.
      if (mask && left.type !== 'f64' && right.type !== 'f64') {
        return node('i64.and', 'i64', [toInt(left), toInt(right)])
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
      return node('i64.extend_u', 'i64', [node('i32.shr_u', 'i32', [a, b])])
  }
  throw new Error(`operator ${operator}`)
}

const ARITHMETIC = { '+': 'add', '-': 'sub', '*': 'mul', '%': 'rem' }

export function arithmetic(operator, left, right) {
  const name = ARITHMETIC[operator]
  if (operator === '/' || left.type === 'f64' || right.type === 'f64') {
    if (operator === '%') return undefined
    return node(`f64.${name ?? 'div'}`, 'f64', [toFloat(left), toFloat(right)])
  }
  if (left.op === 'i64.const' && right.op === 'i64.const' && operator !== '%') {
    const [a, b] = [left.value, right.value]
    return int(operator === '+' ? a + b : operator === '-' ? a - b : a * b)
  }
  return node(`i64.${name}`, 'i64', [toInt(left), toInt(right)])
}

const COMPARISONS = { '===': 'eq', '!==': 'ne', '<': 'lt', '>': 'gt', '<=': 'le', '>=': 'ge' }

export function compare(operator, left, right) {
  const name = COMPARISONS[operator]
  if (left.type === 'f64' || right.type === 'f64') {
    return node(`f64.${name}`, 'i32', [toFloat(left), toFloat(right)])
  }
  const a = toInt(left)
  const b = toInt(right)
  const narrow = isInt32(a) && isInt32(b)
  if (b.op === 'i64.const' && b.value === 0 && (name === 'eq' || name === 'ne')) {
    const zero = narrow ? node('i32.eqz', 'i32', [low(a)]) : node('i64.eqz', 'i32', [a])
    return name === 'eq' ? zero : truth(a)
  }
  return narrow ? node(`i32.${name}`, 'i32', [low(a), low(b)]) : node(`i64.${name}`, 'i32', [a, b])
}

export const unary = (op, type, arg) => node(op, type, [arg])
export const binary = (op, type, a, b) => node(op, type, [a, b])
export const choose = (condition, yes, no) => node('select', yes.type, [yes, no, truth(condition)])

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
        : node('i32.shl', 'i32', [rest, int32(shift)])
  const address =
    base === undefined
      ? scaled
      : rest === undefined && fits
        ? base
        : node('i32.add', 'i32', [scaled, base])
  return { address, offset: fits ? offset : 0 }
}

const SHIFTS = { i32: 2, f64: 3, u8: 0 }
const LOAD_OF = { i32: ['i64.load32', 'i64'], f64: ['f64.load', 'f64'], u8: ['i64.load8', 'i64'] }

/** `view[index]`; a view has an element kind (i32, f64, u8) and a base. */
export function load({ element, base }, index) {
  const { address, offset } = place(base, index, SHIFTS[element])
  const [op, type] = LOAD_OF[element]
  return node(op, type, [address], { offset })
}

export function store({ element, base }, index, value) {
  const { address, offset } = place(base, index, SHIFTS[element])
  const [op, stored] =
    element === 'f64'
      ? ['f64.store', toFloat(value)]
      : [element === 'u8' ? 'i32.store8' : 'i32.store', low(value)]
  return node(op, 'void', [address, stored], { offset })
}

/** Address of an element, as an i32. */
export function addressOf({ element, base }, index) {
  const { address, offset } = place(base, index, SHIFTS[element])
  return offset === 0 ? address : node('i32.add', 'i32', [address, int32(offset)])
}

export const scaledBy = (element, count) => {
  const shift = SHIFTS[element]
  return shift === 0 ? low(count) : node('i32.shl', 'i32', [low(count), int32(shift)])
}

/** An atomic operation; what was there before, for those that give it. */
export function atomic(name, { element, base }, index, values) {
  const { address, offset } = place(base, index, SHIFTS[element])
  const type = name === 'store' ? 'void' : 'i32'
  const op = element === 'u8' ? `${name}8` : name
  const result = node('atomic', type, [address, ...values], { offset, atomic: op })
  if (type === 'void') return result
  const extend = element === 'u8' ? 'i64.extend_u' : 'i64.extend'
  return name === 'notify' || name === 'wait' ? result : node(extend, 'i64', [result])
}

// ── writing ──────────────────────────────────────────────────────────────────────────────────────

/**
 * Appends a tree to `out`. `labels` are those around it, innermost last; `numbers` tells the numbers
 * of locals, globals and functions.
 */
export function write(it, out, labels, numbers) {
  const inner = (body, label) => {
    labels.push(label)
    for (const statement of body) write(statement, out, labels, numbers)
    labels.pop()
  }
  const depth = (label) => {
    const at = labels.lastIndexOf(label)
    if (at < 0) throw new Error('branch to a label that is not around it')
    return labels.length - 1 - at
  }
  if (it.op !== 'if') for (const arg of it.args) write(arg, out, labels, numbers)
  switch (it.op) {
    case 'i32.const':
      out.push(0x41, ...signed(it.value))
      return
    case 'i64.const':
      out.push(0x42, ...signed(it.value))
      return
    case 'f64.const':
      out.push(0x44, ...double(it.value))
      return
    case 'hole':
      out.push(it.type === 'i32' ? 0x41 : 0x42, ...hole(it.hole, it.type))
      return
    case 'local.get':
      out.push(0x20, ...unsigned(it.local.number))
      return
    case 'local.set':
      out.push(0x21, ...unsigned(it.local.number))
      return
    case 'global.get':
      out.push(0x23, ...unsigned(numbers.global(it.global)))
      return
    case 'global.set':
      out.push(0x24, ...unsigned(numbers.global(it.global)))
      return
    case 'call':
      out.push(0x10, ...unsigned(numbers.function(it.target)))
      return
    case 'sequence':
      for (const statement of it.before) write(statement, out, labels, numbers)
      write(it.value, out, labels, numbers)
      return
    case 'block':
    case 'loop':
      out.push(it.op === 'block' ? 0x02 : 0x03, TYPES[it.type])
      inner(it.body, it.label)
      out.push(0x0b)
      return
    case 'if':
      write(it.args[0], out, labels, numbers)
      out.push(0x04, TYPES[it.type])
      inner(it.then, undefined)
      if (it.otherwise.length > 0) {
        out.push(0x05)
        inner(it.otherwise, undefined)
      }
      out.push(0x0b)
      return
    case 'try':
      out.push(0x06, TYPES.void)
      inner(it.body, it.label)
      out.push(0x19)
      inner(it.after, it.label)
      out.push(0x09, 0, 0x0b)
      return
    case 'br':
    case 'br_if':
      out.push(it.op === 'br' ? 0x0c : 0x0d, ...unsigned(depth(it.label)))
      return
    case 'br_table':
      out.push(0x0e, ...unsigned(it.labels.length))
      for (const label of it.labels) out.push(...unsigned(depth(label)))
      out.push(...unsigned(depth(it.otherwise)))
      return
    case 'i64.trunc':
      out.push(0xfc, 0x06)
      return
    case 'memory.fill':
      out.push(0xfc, 0x0b, 0)
      return
    case 'memory.copy':
      out.push(0xfc, 0x0a, 0, 0)
      return
    case 'atomic': {
      const [code, align] = ATOMICS[it.atomic]
      out.push(0xfe, code, align, ...unsigned(it.offset))
      return
    }
  }
  const access = LOADS[it.op]
  if (access !== undefined) {
    out.push(access[0], access[1], ...unsigned(it.offset))
    return
  }
  const code = OPCODES[it.op]
  if (code === undefined) throw new Error(`no instruction ${it.op}`)
  out.push(code)
}
