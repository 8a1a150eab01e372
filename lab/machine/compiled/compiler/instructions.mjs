// Expressions and statements of a function on their way from JavaScript to WebAssembly: trees of
// { op, type, args, … }. The functions that make them take the shortest way where there are
// several. A truth value is an i32, all other integers are i64, fractions f64.

const INT32_MIN = -(2 ** 31)
const INT32_MAX = 2 ** 31 - 1

/** Any instruction. */
export const instruction = (op, type, args = [], more = {}) => ({ op, type, args, ...more })

export const int = (value) => instruction('i64.const', 'i64', [], { value })
export const int32 = (value) => instruction('i32.const', 'i32', [], { value: value | 0 })
export const float = (value) => instruction('f64.const', 'f64', [], { value })
export const get = (local) => instruction('local.get', local.type, [], { local })
/** Of a local that holds a 32-bit integer. */
export const getInt32 = (local) => instruction('i64.extend', 'i64', [{ ...get(local), bits: true }])
export const set = (local, value) =>
  instruction('local.set', 'void', [as(local.type, value)], { local })
export const readGlobal = (global) => instruction('global.get', global.type, [], { global })
/** A number that is known when a run starts: written into the module then. */
export const constant = (hole) => instruction('hole', hole.type, [], { hole })
export const writeGlobal = (global, value) =>
  instruction('global.set', 'void', [as(global.type, value)], { global })
export const call = (target, args) =>
  instruction(
    'call',
    target.result,
    args.map((arg, i) => as(target.params[i], arg)),
    { target },
  )
export const unreachable = () => instruction('unreachable', 'void')
/** Statements, then a value. */
export const sequence = (before, value) =>
  before.length === 0 ? value : instruction('sequence', value.type, [], { before, value })
/** `body` is statements; what is branched to `label` with, or comes last, is its value. */
export const block = (label, type, body) => instruction('block', type, [], { label, body })
export const loop = (label, body) => instruction('loop', 'void', [], { label, body })
export const branch = (label, value) => instruction('br', 'void', value ? [value] : [], { label })
export const branchTable = (labels, otherwise, index) =>
  instruction('br_table', 'void', [index], { labels, otherwise })
/** Runs `after` also when something is thrown, and throws it on. */
export const protect = (label, body, after) =>
  instruction('try', 'void', [], { label, body, after })
export const memoryFill = (at, value, bytes) =>
  instruction('memory.fill', 'void', [at, value, bytes])
export const memoryCopy = (to, from, bytes) => instruction('memory.copy', 'void', [to, from, bytes])
export const drop = (value) =>
  value.type === 'void' ? value : instruction('drop', 'void', [value])

export const unary = (op, type, arg) => instruction(op, type, [arg])
export const binary = (op, type, a, b) => instruction(op, type, [a, b])

export const isInt32Constant = ({ op, value }) =>
  op === 'i64.const' && value >= INT32_MIN && value <= INT32_MAX

/** Is the value known to be a 32-bit integer, with its sign? */
export const isInt32 = (it) =>
  it.op === 'i64.extend' ||
  it.op === 'i64.load32' ||
  it.op === 'i64.load8' ||
  isInt32Constant(it) ||
  (it.op === 'i64.and' && it.args.some((arg) => isInt32Constant(arg) && arg.value >= 0)) ||
  (it.op === 'i64.extend_u' &&
    it.args[0].op === 'i32.shr_u' &&
    (it.args[0].args[1].value & 31) > 0) ||
  (it.op === 'sequence' && isInt32(it.value))

/** Operations whose low 32 bits come from those of their operands. */
const WRAPPING = new Set(['add', 'sub', 'mul', 'and'])

/** The low 32 bits: what JavaScript's bit operators and Int32Arrays take. */
export function low(it) {
  if (it.type === 'i32') return it
  if (it.type === 'f64') return instruction('i32.wrap', 'i32', [toInt(it)])
  const [width, name] = it.op.split('.')
  if (it.op === 'i64.const') return int32(Number(BigInt.asIntN(32, BigInt(it.value))))
  if (it.op === 'i64.extend' || it.op === 'i64.extend_u') return it.args[0]
  if (it.op === 'i64.load32') return { ...it, op: 'i32.load', type: 'i32' }
  if (it.op === 'i64.load8') return { ...it, op: 'i32.load8', type: 'i32' }
  if (it.op === 'sequence') return sequence(it.before, low(it.value))
  if (width === 'i64' && WRAPPING.has(name))
    return instruction(`i32.${name}`, 'i32', it.args.map(low))
  return instruction('i32.wrap', 'i32', [it])
}

export function toInt(it) {
  if (it.type === 'i64') return it
  // An i32 is a truth value here, or a pattern of bits that stands for a signed number.
  if (it.type === 'i32') return instruction(it.bits ? 'i64.extend' : 'i64.extend_u', 'i64', [it])
  if (it.op === 'f64.const' && Number.isSafeInteger(it.value)) return int(it.value)
  if (it.type === 'f64') return instruction('i64.trunc', 'i64', [it])
  return sequence([it], int(0))
}

export function toFloat(it) {
  if (it.type === 'f64') return it
  if (it.op === 'i64.const') return float(Number(it.value))
  return instruction('f64.convert', 'f64', [toInt(it)])
}

export const as = (type, it) =>
  type === 'i64' ? toInt(it) : type === 'f64' ? toFloat(it) : low(it)
