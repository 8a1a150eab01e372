// Operators over values.
import { arithmetic, bitwise, isArithmetic, isBitwise } from './arithmetic.mjs'
import { asTruth, both, compare, either, isComparison, not, truth, when } from './conditions.mjs'
import { conditionOf, expressionValue, numberValue } from './expressions.mjs'
import { as, get, int, sequence, set, toInt, unary } from './instructions.mjs'
import { viewOf } from './properties.mjs'
import { unsupported } from './unsupported.mjs'
import { booleanTree, isPure, isTree, numberTree, UNDEFINED } from './values.mjs'

export function binaryValue(context, { operator, left, right }) {
  const a = expressionValue(context, left)
  const b = expressionValue(context, right)
  return isTree(a) && isTree(b) ? binaryTree(operator, a, b) : withConstant(operator, a, b)
}

/** An operator between two trees. */
export function binaryTree(operator, a, b) {
  if (isArithmetic(operator)) return arithmetic(operator, a, b) ?? unsupported('% of fractions')
  if (isComparison(operator)) return compare(operator, a, b)
  if (isBitwise(operator)) return bitwise(operator, a, b)
  if (operator === '**' && isConstantTree(a) && isConstantTree(b)) {
    return numberTree(a.value ** b.value)
  }
  return unsupported(operator)
}

const isConstantTree = ({ op }) => /\.const$/.test(op)

/** Comparisons, where one side at least is not computed; and texts put together. */
function withConstant(operator, a, b) {
  if (operator === '+' && a.constant === 'text' && b.constant === 'text') {
    return { constant: 'text', value: a.value + b.value }
  }
  if (operator !== '===' && operator !== '!==') unsupported(`${operator} of objects`)
  const isSame = operator === '==='
  if (isTree(a) || isTree(b)) {
    // A truth value compared with `true` or `false`; a number is never undefined.
    const [tree, other] = isTree(a) ? [a, b] : [b, a]
    if (other.constant !== 'boolean') {
      if (!isPure(tree)) unsupported('a result compared with a constant')
      return { constant: 'boolean', value: !isSame }
    }
    return other.value === isSame ? truth(tree) : not(tree)
  }
  return { constant: 'boolean', value: (identity(a) === identity(b)) === isSame }
}

const identity = (it) => (it.constant === 'object' ? it.object : (it.value ?? it.constant))

export function logicalValue(context, { operator, left, right }) {
  const a = asTruth(expressionValue(context, left))
  if (operator === '??') return a.constant === 'undefined' ? expressionValue(context, right) : a
  if (!isTree(a)) {
    const isTrue = a.constant === 'boolean' ? a.value : a.constant !== 'undefined'
    return isTrue === (operator === '&&') ? expressionValue(context, right) : a
  }
  const b = asTruth(expressionValue(context, right))
  if (!isTree(b)) unsupported('logical operator over objects')
  if (a.type === 'i32' && b.type === 'i32') {
    return operator === '&&' ? both(a, b) : either(a, b)
  }
  const kept = context.local(a.type === 'f64' || b.type === 'f64' ? 'f64' : 'i64')
  const test = truth(get(kept))
  const decided = when(operator === '&&' ? test : not(test), [set(kept, b)])
  return sequence([set(kept, a), decided], get(kept))
}

export function unaryValue(context, { operator, argument }) {
  if (operator === '!') {
    const condition = conditionOf(context, argument)
    if (typeof condition !== 'boolean') return not(condition)
    return { constant: 'boolean', value: !condition }
  }
  if (operator === 'void') {
    return argument.type === 'Literal' ? UNDEFINED : unsupported('void')
  }
  const value = numberValue(context, argument)
  switch (operator) {
    case '-':
      return value.type === 'f64' ? unary('f64.neg', 'f64', value) : arithmetic('-', int(0), value)
    case '~':
      return bitwise('^', value, int(-1))
    case '+':
      return value
  }
  return unsupported(operator)
}

/** `test ? a : b`: of two numbers, or of two arrays with the same kind of elements. */
export function conditionalValue(context, { test, consequent, alternate }) {
  const condition = conditionOf(context, test)
  if (typeof condition === 'boolean')
    return expressionValue(context, condition ? consequent : alternate)
  const a = expressionValue(context, consequent)
  const b = expressionValue(context, alternate)
  if (a.constant === 'object' && b.constant === 'object') {
    return chosenView(condition, viewOf(context, a), viewOf(context, b))
  }
  const [x, y] = [a, b].map((it) => (it.constant === 'boolean' ? booleanTree(it.value) : it))
  if (!isTree(x) || !isTree(y)) unsupported('a choice of objects')
  if (x !== a || y !== b) return when(condition, [toInt(x)], [toInt(y)], 'i64')
  const type = a.type === b.type ? a.type : a.type === 'f64' || b.type === 'f64' ? 'f64' : 'i64'
  return when(condition, [as(type, a)], [as(type, b)], type)
}

function chosenView(condition, a, b) {
  if (a.element !== b.element || !a.base || !b.base) unsupported('a choice of objects')
  return { ...a, base: when(condition, [a.base], [b.base], 'i32') }
}
