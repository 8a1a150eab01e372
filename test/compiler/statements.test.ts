/** Compiled control flow, assignments and calls agree with JavaScript. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pairOf } from './pair.ts'

const small = fc.integer({ min: -6, max: 12 })

/** Calls every method with many numbers; each must do what its JavaScript does. */
async function agrees(methods: string, more = '', uncompiled: readonly string[] = []) {
  const source = `
${more}
export class Small {
  constructor(memory) {
    this.words = new Int32Array(memory.buffer, 0, 256)
    this.floats = new Float64Array(memory.buffer, 4096, 64)
    this.bytes = new Uint8Array(memory.buffer, 8192, 256)
    this.count = 0
    this.open = false
    this.limit = 3
    this.nothing = undefined
  }
  // Steps that leave a trace in the order in which they are taken.
  step(value) { this.count++; this.words[100 + this.count % 100] = value; return value }
${methods}
}
export const make = (memory) => new Small(memory)
`
  const names = [...methods.matchAll(/^ {2}(\w+)\((.*)\) \{/gm)]
  const pair = await pairOf(
    source,
    names.map(([, name]) => name!),
  )
  expect(pair.fallbacks).toEqual(uncompiled)
  for (const [, name] of names) {
    fc.assert(
      fc.property(fc.tuple(small, small, small), (args) => pair.same(name!, ...args)),
      { numRuns: 150 },
    )
  }
  return pair
}

describe('conditions', () => {
  it('&&, || and !, as conditions and as values', async () => {
    await agrees(`
  value(a, b, c) { return (a && b) || c }
  order(a, b, c) { return this.step(a) > 2 && this.step(b) < 5 || !(this.step(c) === 1) }
  branch(a, b, c) { if ((a > 1 || !(b > 2)) && (c < 3 || a === b)) return 1; return 2 }
  opposite(a, b, c) { if (!((a > 1 && b > 2) || !(c < 3 && a !== b))) return 1; return 2 }
  truth(a, b, c) { return !!(a & 1) === (b > c) ? a : -b }
  many(a, b, c) { while (a > 0 && (b > 0 || c > 0)) { a--; b--; c -= 2 } return a * 100 + b }
  choice(a, b, c) { return a > b ? b / 4 > c ? 1 : 2 : c > 1 && a < 0 ? a : 4 }
  arrays(a, b, c) { const view = a > 2 ? this.words.length : this.bytes.length; return view + c }`)
  })
  it('functions that return true or false, early or last', async () => {
    await agrees(
      `
  guarded(a, b, c) { return isInside(this, a, b) ? c : -c }
  both(a, b, c) { if (isInside(this, a, b) && isEither(a, b)) return c; return 1 }
  either(a, b, c) { while (isEither(a, c) || isEither(b, c)) { a++; b++; c-- } return a + b * 100 }
  number(a, b) { return isInside(this, a, b) + isEither(b, a) * 2 }`,
      `
function isInside(it, a, b) {
  if (a === 0) return false
  if (it.step(a) > b) { return true }
  return it.step(b) < 4
}
function isEither(a, b) {
  if (a & 1) return b > 2
  if (b > 5) return true
  return a < 1
}`,
    )
  })
  it('what is known is not looked at', async () => {
    await agrees(`
  known(a) { if (this.nothing !== undefined) return this.nothing.field; return a }
  optional(a) { this.nothing?.call(a); return this.nothing?.field === undefined ? a : 7 }
  instead(a) { return (this.nothing ?? a) + 1 }`)
  })
})

describe('loops and switches', () => {
  it('break and continue, in loops within loops', async () => {
    await agrees(`
  ofFor(a, b, c) {
    let sum = 0
    for (let i = a; i < 12; i++) {
      if (i === b) continue
      for (let k = 0; ; k++) { if (k > i || k === c) break; if (k % 2 === 0) continue; sum += k }
      if (sum > 50) break
      sum += i
    }
    return sum
  }
  ofWhile(a, b, c) { while (true) { a++; if (a === b) continue; if (a > c) break } return a }
  ofDo(a, b) { do { a += 2; if (a === b) continue; this.step(a) } while (a < 9); return a }
  fresh(a, b) { let sum = 0; for (let i = 0; i < b; i++) { let x; if (i > a) x = i; sum += i }
    return sum }`)
  })
  it('switch: falling through, default in the middle, break and continue', async () => {
    await agrees(`
  cases(a, b) {
    let sum = 0
    for (let i = 0; i < 4; i++) {
      switch ((a + i) | 0) {
        case 1: sum += 1
        case 3: { sum += 10; break }
        default: sum += 100
        case 5: if (b > 3) continue; sum += 1000; break
        case 7: return sum
      }
      this.step(sum)
    }
    return sum
  }`)
  })
})

describe('variables', () => {
  it('that turn out not to be 32-bit', async () => {
    const pair = await agrees(`
  grows(a, b) { let x = 0; for (let i = 0; i < 8; i++) x = x * 64 + a; return x + b }
  shrinks(a) { let x = this.words[0]; x -= 2 ** 31; x -= 2 ** 31; return x + a }
  stays(a, b) { let x = a | 0; x = (x + b) | 0; x ^= 5; x >>>= 1; return x }`)
    pair.same('stays', 2 ** 31 - 1, 5)
  })
  it('that hold fractions', async () => {
    await agrees(`
  half(a, b, c) { let x = a / 4; x += b; x *= 0.5; return x > c ? x : -x }
  early(a, b) { if (a > b) return a; return b / 8 }`)
  })
  it('assignments as values; ++ and compound assignment of what has side effects', async () => {
    await agrees(`
  chain(a, b, c) { let x = 0; let y = 0; x = y = a; x += y = b; return x * 100 + y - c }
  index(a, b, c) { let i = 3; this.words[i++] += a; this.words[i++]++; ++this.words[i++];
    return i }
  calls(a, b, c) { this.words[this.step(2)] -= this.step(b); this.words[this.step(3)]++; return 0 }
  postfix(a) { let i = 4; return this.words[i++]++ * 100 + i + this.words[i]-- }
  called(a, b, c) { return this.words[this.step(5)]++ + ++this.words[this.step(6)] }
  kept(a, b) { let i = 8; const x = (this.words[i++] = a + b); return x * 10 + i }
  float(a) { const old = this.floats[2]++; this.floats[2] += a / 8; return old }
  byte(a) { return (this.bytes[2] += a) + this.bytes[2]++ }
  fields(a) { this.count += a; return this.count++ - --this.count }`)
  })
  it('names of inner blocks are their own', async () => {
    await agrees(`
  scopes(a, b) { const x = a; let y = b; { const x = b; y += x } { let y = 5; y++ }
    return x * 10 + y }
  pattern(a) { const { count, limit } = this; this.count = a; return count + limit }`)
  })
})

describe('functions', () => {
  const more = `
const LIMIT = 4
const TABLE = new Int32Array([5, 6, 7])
export const SIZES = new Int32Array([10, 20, 30, 40])
export const Names = { FIRST: 3, LAST: 9 }
export const twice = (x) => x * 2
export function early(x, y = LIMIT) {
  if (x > y) return x
  for (let i = 0; i < 10; i++) if (i * 2 > x) return i
  return -1
}
export function factorial(n) { return n <= 1 ? 1 : n * factorial(n - 1) }
export function half(x) { if (x > 3) return x / 2; return x }
export function nothing(x) { if (x > 3) return; x++ }
export function large(words, x) {
  ${Array.from({ length: 40 }, (_, i) => `words[${i}] += x + ${i}`).join('\n  ')}
  return words[7]
}`
  it('in place: early returns, defaults, recursion, fractions', async () => {
    await agrees(
      `
  calls(a, b) { return early(a) + early(a, b) * 10 + twice(early(b)) }
  order(a, b) { return twice(this.step(a)) - twice(this.step(b)) + this.step(a + b) }
  deep(a) { return factorial((a & 7) + 1) }
  mixed(a) { return half(a) * 4 }
  without(a) { nothing(a); return a }
  apart(a, b) { return large(this.words, a) + large(this.words, b) }
  tables(a) { return SIZES[a & 3] + Names.FIRST + Names.LAST }
  get doubled() { return this.count * 2 }
  getter(a) { this.count = a; return this.doubled }
  arrays(a, b) { this.words.fill(0, 20, 20 + (a & 7)); this.words.copyWithin(30, 0, 9); return a }`,
      more,
    )
  })
  it('try and finally: with return, with a throw, nested', async () => {
    const pair = await agrees(`
  returned(a, b) {
    try { if (a > b) return this.step(a); this.step(b) } finally { this.step(77) }
    return this.step(1)
  }
  order(a) { let x = a; try { return x } finally { x = 99; this.words[9] = x } }
  nested(a, b) {
    try { try { if (a > 3) return 1; if (b > 3) throw new Error('inner') } finally { this.step(5) }
      this.step(6) } finally { this.step(7) }
    return 2
  }
  thrown(a, b) {
    this.open = true
    try { if (a > b) throw new Error('larger') ; return a } finally { this.open = false }
  }
  inLoop(a, b) {
    for (let i = 0; i < 5; i++) { try { if (i === a) return i } finally { this.count++ } }
    return b
  }`)
    expect(() => pair.same('thrown', 1, 2)).not.toThrow()
    expect(pair.compiled['open']).toBe(false)
  })
  it('that are outside of the subset are called in JavaScript, which the report says', async () => {
    const pair = await agrees(
      `
  calls(a, b) { return named(a) + b }
  methods(a) { this.$list(a); return this.count }
  $list(a) { for (const x of [a]) this.count += x }`,
      'export function named(x) { return typeof x === "number" ? x : 0 }',
      ['named: typeof', 'loop.$list: ForOfStatement'],
    )
    expect(pair.call('calls', 12, 1)).toBe(13)
  })
})

describe('live objects', () => {
  it('a field that changes is the same for both sides', async () => {
    const pair = await agrees(`
  add(a) { this.count += a; this.open = a > 2; return this.open ? this.count : -1 }`)
    pair.compiled['count'] = 2 ** 40
    pair.script['count'] = 2 ** 40
    pair.same('add', 5)
    expect(pair.compiled['count']).toBe(2 ** 40 + 5)
    expect(pair.compiled['open']).toBe(true)
    pair.same('add', 1)
    expect(pair.compiled['open']).toBe(false)
  })
  it('of another kind than those compiled for are refused', async () => {
    const source = `
class Doubling { apply(x) { return x * 2 } }
class Halving { apply(x) { return x >> 1 } }
export class Host {
  constructor(kind) {
    this.rule = kind === 2 ? new Halving() : new Doubling()
    this.extra = kind === 3 ? 1 : undefined
  }
  run(x) { return this.extra === undefined ? this.rule.apply(x) : 0 }
}
export { Doubling, Halving }
export const make = () => new Host(1)
`
    const pair = await pairOf(source, ['run'])
    pair.same('run', 21)
    const Host = pair.script.constructor as new (kind: number) => Record<string, unknown>
    expect(() => pair.find(new Host(1))).not.toThrow()
    expect(() => pair.find(new Host(2))).toThrow(/not compiled for this: .*Doubling/)
    expect(() => pair.find(new Host(3))).toThrow(/not compiled for this: .*extra === undefined/)
  })
  it('atomic operations', async () => {
    await agrees(`
  counts(a, b) { return Atomics.add(this.words, 3, a) * 100 + Atomics.sub(this.words, 3, b) }
  bits(a, b) { Atomics.or(this.words, 4, a); return Atomics.and(this.words, 4, b) }
  swaps(a, b) { const old = Atomics.exchange(this.words, 5, a);
    return Atomics.compareExchange(this.words, 5, b, 9) + old }
  ofBytes(a, b) { const old = Atomics.exchange(this.bytes, 5, a);
    return Atomics.compareExchange(this.bytes, 5, 7, b) + old + Atomics.load(this.bytes, 5) }
  stores(a) { return Atomics.store(this.words, this.step(6), a) + Atomics.load(this.words, 6) }
  wakes(a) { return Atomics.notify(this.words, 7, 1) + a }`)
  })
})
