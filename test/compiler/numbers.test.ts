/** Compiled arithmetic, bit operators, comparisons and array accesses agree with JavaScript. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairOf } from './pair.ts'

const ARITHMETIC: Record<string, string> = { add: '+', sub: '-', mul: '*', rem: '%' }
const FRACTIONS: Record<string, string> = { div: '/' }
const BITS: Record<string, string> = {
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shr: '>>',
  shru: '>>>',
}
const COMPARISONS: Record<string, string> = {
  eq: '===',
  ne: '!==',
  lt: '<',
  gt: '>',
  le: '<=',
  ge: '>=',
}
const OPERATORS = { ...ARITHMETIC, ...FRACTIONS, ...BITS, ...COMPARISONS }

/** Integers around the ends of 32 bits and of what a double holds exactly. */
const integer = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc
    .constantFrom(2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32), 2 ** 20)
    .chain((edge) => fc.integer({ min: -3, max: 3 }).map((by) => edge + by)),
  fc.integer({ min: 0, max: 3 }).map((by) => Number.MAX_SAFE_INTEGER - by),
  fc.integer({ min: 0, max: 3 }).map((by) => Number.MIN_SAFE_INTEGER + by),
  fc.maxSafeInteger(),
)

const binary = Object.entries(OPERATORS)
  .flatMap(([name, operator]) => [
    `  ${name}(a, b) { return a ${operator} b }`,
    // Of words: the compiler knows that these have 32 bits.
    `  ${name}Words(a, b) {
    this.words[0] = a
    this.words[1] = b
    return this.words[0] ${operator} this.words[1]
  }`,
    `  ${name}Constant(a) { return a ${operator} 12 }`,
  ])
  .join('\n')

const SOURCE = `
export class Numbers {
  constructor(memory) {
    this.words = new Int32Array(memory.buffer, 0, 256)
    this.floats = new Float64Array(memory.buffer, 4096, 64)
    this.bytes = new Uint8Array(memory.buffer, 8192, 256)
  }
${binary}
  not(a) { return ~a }
  negative(a) { return -a }
  false(a) { return !a }
  true(a) { return !!a }
  abs(a) { return Math.abs(a) }
  min(a, b) { return Math.min(a, b) }
  max(a, b) { return Math.max(a, b) }
  imul(a, b) { return Math.imul(a, b) }
  clz(a) { return Math.clz32(a) }
  floor(a) { return Math.floor(a / 8) }
  ceil(a) { return Math.ceil(a / 8) }
  trunc(a) { return Math.trunc(a / 8) }
  third(a) { return Math.floor(a / 3) }
  shift32(a) { return (a >>> 32) < (a | 0) }
  truncated(a) { return a | 0 }
  putWord(i, v) { return (this.words[i + 3] = v) }
  getWord(i) { return this.words[i + 3] }
  putByte(i, v) { return (this.bytes[i] = v) }
  getByte(i) { return this.bytes[i] }
  putFloat(i, v) { this.floats[i] = v / 8 }
  getFloat(i) { return this.floats[i] }
  copied(i, v) { this.floats[i] = v / 4; this.words[i] = this.floats[i]; return this.floats[i] > 2 }
  isNumber() {
    this.floats[0] = 0 / 0
    const said = this.floats[0] ? 1 : 2
    // Bits of a NaN may differ.
    this.floats[0] = 0
    return said
  }
}
export const make = (memory) => new Numbers(memory)
`
const names = [...SOURCE.matchAll(/^ {2}(\w+)\(.*\) \{/gm)].map(([, name]) => name!)
const pair = await pairOf(
  SOURCE,
  names.filter((name) => name !== 'constructor'),
)
const RUNS = { numRuns: 300 }

describe('compiled numbers', () => {
  it('all of it is compiled', () => expect(pair.fallbacks).toEqual([]))

  it.each(Object.keys(ARITHMETIC))('%s of integers', (name) => {
    const apply = pair.script[name] as (a: number, b: number) => number
    fc.assert(
      fc.property(integer, integer, (a, b) => {
        fc.pre(Number.isSafeInteger(apply.call(pair.script, a, b)))
        pair.same(name, a, b)
      }),
      RUNS,
    )
  })
  it.each(Object.keys({ ...FRACTIONS, ...BITS, ...COMPARISONS }))('%s of integers', (name) => {
    fc.assert(
      fc.property(integer, integer, (a, b) => pair.same(name, a, b)),
      RUNS,
    )
  })
  it.each(Object.keys(OPERATORS))('%s of words, and with a constant', (name) => {
    fc.assert(
      fc.property(integer, integer, (a, b) => {
        if (name !== 'mul' || Math.abs(a) < 2 ** 48) pair.same(`${name}Constant`, a)
        // A product of words may need more bits than a double has; nothing divides by 0.
        if (name === 'rem' && (b | 0) === 0) return
        if (name === 'mul' && !Number.isSafeInteger((a | 0) * (b | 0))) return
        if (name === 'add' || name === 'sub') fc.pre(Number.isSafeInteger(a + 12))
        pair.same(`${name}Words`, a, b)
      }),
      RUNS,
    )
  })
  it.each(['not', 'false', 'true', 'clz', 'truncated', 'negative', 'abs', 'shift32'])(
    '%s of an integer',
    (name) => {
      fc.assert(
        fc.property(integer, (a) => pair.same(name, a)),
        RUNS,
      )
    },
  )
  it.each(['floor', 'ceil', 'trunc', 'third'])('%s of a quotient', (name) => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 48), max: 2 ** 48 }), (a) => pair.same(name, a)),
      RUNS,
    )
  })
  it.each(['min', 'max', 'imul'])('%s', (name) => {
    fc.assert(
      fc.property(integer, integer, (a, b) => pair.same(name, a, b)),
      RUNS,
    )
  })
  it.each(['Word', 'Byte', 'Float'])('stores and loads: %s', (kind) => {
    fc.assert(
      fc.property(fc.nat(50), integer, (i, value) => {
        pair.same(`put${kind}`, i, value)
        pair.same(`get${kind}`, i)
      }),
      RUNS,
    )
  })
  it('a fraction stored as a word is cut off; NaN is not true', () => {
    for (const value of [0, 9, -9, 1000]) pair.same('copied', 5, value)
    pair.same('isNumber')
  })

  it('a wrong instruction is noticed', async () => {
    const source = `
export class Broken { sub(a, b) { return a - b } }
export const make = () => new Broken()
`
    const [sub, add] = [0x7d, 0x7c]
    const broken = await pairOf(source, ['sub'], (bytes) => {
      const at = Buffer.from(bytes).indexOf(Buffer.from([0x20, 0, 0x20, 1, sub]))
      expect(at).toBeGreaterThan(0)
      bytes[at + 4] = add
    })
    expect(() => broken.same('sub', 3, 2)).toThrow(/sub\(3, 2\)/)
  })
})
