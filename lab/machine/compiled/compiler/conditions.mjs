// Conditions: comparisons, truth values, and what is carried out depending on them.
import {
  block,
  branch,
  float,
  instruction,
  int,
  int32,
  isInt32,
  low,
  toFloat,
  toInt,
  unary,
} from './instructions.mjs'

/** An i32 that is not 0 when the value is true in JavaScript. */
export function truth(it) {
  if (it.type === 'i32') return it
  // Neither 0 nor NaN is true.
  if (it.type === 'f64')
    return instruction('f64.gt', 'i32', [unary('f64.abs', 'f64', it), float(0)])
  if (isInt32(it)) return low(it)
  if (it.op === 'i64.extend_u') return it.args[0]
  return instruction('i64.ne', 'i32', [it, int(0)])
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
  return instruction('i32.eqz', 'i32', [condition])
}

/** A truth value that a function has given as a number. */
export const asTruth = (it) => (it.op === 'i64.extend_u' && isTruth(it.args[0]) ? it.args[0] : it)

/** Is an i32 0 or 1? */
const isTruth = ({ op, logic }) => logic !== undefined || /\.(eqz|eq|ne|lt|gt|le|ge)$/.test(op)

const COMPARISONS = { '===': 'eq', '!==': 'ne', '<': 'lt', '>': 'gt', '<=': 'le', '>=': 'ge' }

export function compare(operator, left, right) {
  const name = COMPARISONS[operator]
  if (left.type === 'f64' || right.type === 'f64') {
    return instruction(`f64.${name}`, 'i32', [toFloat(left), toFloat(right)])
  }
  const a = toInt(left)
  const b = toInt(right)
  const narrow = isInt32(a) && isInt32(b)
  if (b.op === 'i64.const' && b.value === 0 && (name === 'eq' || name === 'ne')) {
    const zero = narrow
      ? instruction('i32.eqz', 'i32', [low(a)])
      : instruction('i64.eqz', 'i32', [a])
    return name === 'eq' ? zero : truth(a)
  }
  return narrow
    ? instruction(`i32.${name}`, 'i32', [low(a), low(b)])
    : instruction(`i64.${name}`, 'i32', [a, b])
}

export const isComparison = (operator) => operator in COMPARISONS

export const when = (condition, then, otherwise = [], type = 'void') =>
  instruction('if', type, [truth(condition)], { then, otherwise })
export const choose = (condition, yes, no) =>
  instruction('select', yes.type, [yes, no, truth(condition)])
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

/**
 * Branches to `label` when a condition is false; each part of it is looked at only if need be.
 * `likely`: the condition is nearly always true, or nearly never, where that is known.
 */
export function branchUnless(label, condition, likely) {
  if (condition.logic === 'and') {
    // Where the whole is likely, so is each part; where it is not, nobody knows which part fails.
    const ofSides = likely === true ? true : undefined
    return condition.sides.flatMap((side) => branchUnless(label, side, ofSides))
  }
  if (condition.logic === 'or') {
    const [left, right] = condition.sides
    const yes = {}
    const ofLeft = likely === false ? false : undefined
    const decided = [...branchWhen(yes, left, ofLeft), ...branchUnless(label, right, likely)]
    return [block(yes, 'void', decided)]
  }
  const isBranched = likely === undefined ? undefined : !likely
  if (condition.op === 'i32.eqz') return branchWhen(label, condition.args[0], isBranched)
  return [branchIf(label, not(condition), isBranched)]
}

/** The other way round. */
export function branchWhen(label, condition, likely) {
  if (condition.logic === 'or') {
    const ofSides = likely === false ? false : undefined
    return condition.sides.flatMap((side) => branchWhen(label, side, ofSides))
  }
  if (condition.logic === 'and') {
    const [left, right] = condition.sides
    const no = {}
    const ofLeft = likely === true ? true : undefined
    const decided = [...branchUnless(no, left, ofLeft), ...branchWhen(label, right, likely)]
    return [block(no, 'void', decided)]
  }
  const isTrue = likely === undefined ? undefined : !likely
  if (condition.op === 'i32.eqz') return branchUnless(label, condition.args[0], isTrue)
  return [branchIf(label, condition, likely)]
}

/** `if` as a statement. */
export function decide(condition, then, otherwise, likely) {
  if (condition.logic === undefined) return { ...when(condition, then, otherwise), likely }
  const end = {}
  const no = {}
  const last = otherwise.length > 0 ? [branch(end)] : []
  return block(end, 'void', [
    block(no, 'void', [...branchUnless(no, condition, likely), ...then, ...last]),
    ...otherwise,
  ])
}

const branchIf = (label, condition, likely) =>
  instruction('br_if', 'void', [truth(condition)], { label, likely })
