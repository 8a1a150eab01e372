// What `Math`, `Atomics` and the methods of typed arrays become.
import { choose, compare } from './conditions.mjs'
import {
  binary,
  float,
  get,
  int,
  int32,
  low,
  memoryCopy,
  memoryFill,
  sequence,
  set,
  toFloat,
  toInt,
  unary,
} from './instructions.mjs'
import { addressOf, atomic, scaledBy } from './memory-accesses.mjs'

/** Rounding a fraction gives an integer; a division by a power of two is a shift. */
const rounded =
  (op) =>
  ([value]) => {
    if (value.type !== 'f64') return toInt(value)
    const [dividend, divisor] = value.op === 'f64.div' ? value.args : []
    const power = divisor?.op === 'f64.const' ? Math.log2(divisor.value) : Number.NaN
    const isWhole = dividend?.op === 'f64.convert' && Number.isInteger(power) && power >= 0
    if (!isWhole || op === 'f64.trunc') return toInt(unary(op, 'f64', value))
    const [whole] = dividend.args
    const raised =
      op === 'f64.ceil' ? binary('i64.add', 'i64', whole, int(divisor.value - 1)) : whole
    return binary('i64.shr', 'i64', raised, int(power))
  }

const extreme =
  (operator) =>
  ([a, b, ...more], { local }) => {
    if (b === undefined || more.length > 0) return undefined
    if (a.type === 'f64' || b.type === 'f64') {
      const op = operator === '<' ? 'f64.min' : 'f64.max'
      return binary(op, 'f64', toFloat(a), toFloat(b))
    }
    const x = local('i64')
    const y = local('i64')
    const chosen = choose(compare(operator, get(x), get(y)), get(x), get(y))
    return sequence([set(x, a), set(y, b)], chosen)
  }

const NANOSECONDS = 1e6
/** -1 is no timeout. */
const timeout = (ms) =>
  ms === undefined ? int(-1) : toInt(binary('f64.mul', 'f64', toFloat(ms), float(NANOSECONDS)))

/** Atomic operations that there are for bytes too. */
const ON_BYTES = new Set(['load', 'exchange', 'compareExchange'])

const onElement =
  (name) =>
  ([array, index, ...values], { view }) => {
    const at = view(array)
    if (at.element === 'f64' || (at.element === 'u8' && !ON_BYTES.has(name))) return undefined
    return atomic(name, at, index, values.map(low))
  }

const BUILTINS = {
  'Math.floor': rounded('f64.floor'),
  'Math.ceil': rounded('f64.ceil'),
  'Math.trunc': rounded('f64.trunc'),
  'Math.min': extreme('<'),
  'Math.max': extreme('>'),
  'Math.clz32': ([value]) => ({ ...toInt({ ...unary('i32.clz', 'i32', low(value)), bits: true }) }),
  'Math.imul': ([a, b]) => toInt({ ...binary('i32.mul', 'i32', low(a), low(b)), bits: true }),
  'Math.abs': ([value], { local }) => {
    if (value.type === 'f64') return unary('f64.abs', 'f64', value)
    const x = local('i64')
    const negated = binary('i64.sub', 'i64', int(0), get(x))
    return sequence([set(x, value)], choose(compare('<', get(x), int(0)), negated, get(x)))
  },
  'Atomics.load': onElement('load'),
  'Atomics.add': onElement('add'),
  'Atomics.sub': onElement('sub'),
  'Atomics.and': onElement('and'),
  'Atomics.or': onElement('or'),
  'Atomics.exchange': onElement('exchange'),
  'Atomics.compareExchange': onElement('compareExchange'),
  'Atomics.store': ([array, index, value], { view, local }) => {
    const kept = local('i64')
    const stored = atomic('store', view(array), index, [low(get(kept))])
    return sequence([set(kept, value), stored], get(kept))
  },
  'Atomics.notify': ([array, index, count], { view }) =>
    atomic('notify', view(array), index, [low(count ?? int(-1))]),
  'Atomics.wait': ([array, index, value, ms], { view }) =>
    atomic('wait', view(array), index, [low(value), timeout(ms)]),
}

/** The call of a builtin, or undefined when it is not known here. */
export const builtinCall = (name, args, tools) => BUILTINS[name]?.(args, tools)

const range = (from, to) => binary('i64.sub', 'i64', toInt(to), toInt(from))

/** `view.fill(0, from, to)` and `view.copyWithin(target, from, to)`. */
export function arrayCall(name, view, args) {
  if (name === 'fill') {
    const [value, from, to] = args
    if (value.op !== 'i64.const' || value.value !== 0 || to === undefined) return undefined
    return memoryFill(addressOf(view, from), int32(0), scaledBy(view.element, range(from, to)))
  }
  if (name === 'copyWithin') {
    const [target, from, to] = args
    if (to === undefined) return undefined
    const bytes = scaledBy(view.element, range(from, to))
    return memoryCopy(addressOf(view, target), addressOf(view, from), bytes)
  }
  return undefined
}
