// Writes instruction trees as the bytes of a function.
import { double, hole, signed, TYPES, unsigned } from './binary.mjs'

/** Instructions of one byte. */
const OPCODES = {
  'i32.eqz': 0x45,
  'i32.eq': 0x46,
  'i32.ne': 0x47,
  'i32.lt': 0x48,
  'i32.gt': 0x4a,
  'i32.le': 0x4c,
  'i32.ge': 0x4e,
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
  'i64.rem': 0x81,
  'i64.and': 0x83,
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
/** Instruction, and the power of two that its address is a multiple of. */
const ACCESSES = {
  'i32.load': [0x28, 2],
  'f64.load': [0x2b, 3],
  'i32.load8': [0x2d, 0],
  'i64.load8': [0x31, 0],
  'i64.load32': [0x34, 2],
  'i32.store': [0x36, 2],
  'f64.store': [0x39, 3],
  'i32.store8': [0x3a, 0],
}
/** The same behind the prefix of atomic instructions. */
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
const END = 0x0b

/** Instructions that have more than operands and one byte: what they append, after the operands. */
const WRITERS = {
  'i32.const': ({ value }, to) => to.bytes(0x41, ...signed(value)),
  'i64.const': ({ value }, to) => to.bytes(0x42, ...signed(value)),
  'f64.const': ({ value }, to) => to.bytes(0x44, ...double(value)),
  hole: (it, to) => to.bytes(it.type === 'i32' ? 0x41 : 0x42, ...hole(it.hole, it.type)),
  'local.get': ({ local }, to) => to.bytes(0x20, ...unsigned(local.number)),
  'local.set': ({ local }, to) => to.bytes(0x21, ...unsigned(local.number)),
  'global.get': ({ global }, to) => to.bytes(0x23, ...unsigned(to.numbers.global(global))),
  'global.set': ({ global }, to) => to.bytes(0x24, ...unsigned(to.numbers.global(global))),
  call: ({ target }, to) => to.bytes(0x10, ...unsigned(to.numbers.function(target))),
  sequence: ({ before, value }, to) => {
    for (const statement of before) to.write(statement)
    to.write(value)
  },
  block: ({ type, label, body }, to) => {
    to.bytes(0x02, TYPES[type])
    to.inside(label, body)
    to.bytes(END)
  },
  loop: ({ type, label, body }, to) => {
    to.bytes(0x03, TYPES[type])
    to.inside(label, body)
    to.bytes(END)
  },
  if: ({ type, then, otherwise, likely }, to) => {
    to.hint(likely)
    to.bytes(0x04, TYPES[type])
    to.inside(undefined, then)
    if (otherwise.length > 0) {
      to.bytes(0x05)
      to.inside(undefined, otherwise)
    }
    to.bytes(END)
  },
  // Catches all, and throws it on from there.
  try: ({ label, body, after }, to) => {
    to.bytes(0x06, TYPES.void)
    to.inside(label, body)
    to.bytes(0x19)
    to.inside(label, after)
    to.bytes(0x09, 0, END)
  },
  br: ({ label }, to) => to.bytes(0x0c, ...to.depth(label)),
  br_if: ({ label, likely }, to) => {
    to.hint(likely)
    to.bytes(0x0d, ...to.depth(label))
  },
  br_table: ({ labels, otherwise }, to) => {
    to.bytes(0x0e, ...unsigned(labels.length))
    for (const label of [...labels, otherwise]) to.bytes(...to.depth(label))
  },
  'i64.trunc': (_, to) => to.bytes(0xfc, 0x06),
  'memory.fill': (_, to) => to.bytes(0xfc, 0x0b, 0),
  'memory.copy': (_, to) => to.bytes(0xfc, 0x0a, 0, 0),
  atomic: ({ atomic, offset }, to) => to.bytes(0xfe, ...ATOMICS[atomic], ...unsigned(offset)),
}

/** The bytes of one function. */
class Code {
  /** Tells the numbers of globals and functions; locals know theirs. */
  numbers
  #out = []
  /** Which of the branches are likely, which are not: { at, likely }. */
  #hints = []
  /** Labels of what is around the instruction at hand, innermost last. */
  #labels = []

  constructor(numbers) {
    this.numbers = numbers
  }

  get written() {
    return { code: this.#out, hints: this.#hints }
  }

  /** Of the branch that is written next. */
  hint(likely) {
    if (likely !== undefined) this.#hints.push({ at: this.#out.length, likely })
  }

  bytes(...bytes) {
    this.#out.push(...bytes)
  }

  /** A tree: its operands first. */
  write(it) {
    for (const arg of it.args) this.write(arg)
    const writer = WRITERS[it.op]
    if (writer !== undefined) return writer(it, this)
    const access = ACCESSES[it.op]
    if (access !== undefined) return this.bytes(...access, ...unsigned(it.offset))
    const code = OPCODES[it.op]
    if (code === undefined) throw new Error(`no instruction ${it.op}`)
    this.bytes(code)
  }

  inside(label, statements) {
    this.#labels.push(label)
    for (const statement of statements) this.write(statement)
    this.#labels.pop()
  }

  /** How many blocks a branch leaves. */
  depth(label) {
    const at = this.#labels.lastIndexOf(label)
    if (at < 0) throw new Error('branch to a label that is not around it')
    return unsigned(this.#labels.length - 1 - at)
  }
}

/**
 * Bytes of a function's body, and hints on its branches. `numbers` tells the numbers of globals and
 * functions.
 */
export function codeOf(body, numbers) {
  const code = new Code(numbers)
  for (const statement of body) code.write(statement)
  return code.written
}
