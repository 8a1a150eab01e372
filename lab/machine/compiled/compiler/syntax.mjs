// Questions about syntax trees that need no values.
import { nodesOf } from '../../../../build-modules.mjs'

/** What a function of this syntax gives, as far as can be seen before it is compiled. */
export const resultOf = ({ body }) =>
  body.type !== 'BlockStatement' || givesValue(body) ? 'i64' : 'void'

/** Is there a `return` with a value? Those of functions inside are not its own. */
function givesValue(node) {
  if (Array.isArray(node)) return node.some(givesValue)
  if (node === null || typeof node !== 'object') return false
  if (/Function/.test(node.type ?? '')) return false
  if (node.type === 'ReturnStatement') return node.argument !== null
  return Object.values(node).some(givesValue)
}

/** Names of the variables that a function assigns to. */
export function assignedNames({ body }) {
  const names = new Set()
  for (const { type, left, argument } of nodesOf(body)) {
    if (type === 'AssignmentExpression' && left.type === 'Identifier') names.add(left.name)
    if (type === 'UpdateExpression' && argument.type === 'Identifier') names.add(argument.name)
  }
  return names
}

/** Is an expression, or what its value is looked up in, followed by `?.`? */
export const isOptional = (node) =>
  node.optional === true || (node.type === 'MemberExpression' && isOptional(node.object))

/**
 * `if (a) return false` and the like, then a `return`: as one condition, that is `!a && …`, which
 * can be branched on without a truth value being made of it. Undefined where a body is anything
 * else.
 */
export function asCondition([first, ...rest]) {
  const given = first?.type === 'IfStatement' && !first.alternate && returned(first.consequent)
  if (typeof given?.value !== 'boolean') return undefined
  const right = asCondition(rest) ?? (rest[0] && returned(rest[0]))
  if (right === undefined) return undefined
  const not = negated(first.test)
  return given.value
    ? { type: 'LogicalExpression', operator: '||', left: negated(not), right }
    : { type: 'LogicalExpression', operator: '&&', left: not, right }
}

const negated = (argument) => ({ type: 'UnaryExpression', operator: '!', argument })

/** What `return x`, in braces or not, gives. */
function returned({ type, body, argument }) {
  if (type === 'ReturnStatement') return argument ?? undefined
  return type === 'BlockStatement' && body.length === 1 ? returned(body[0]) : undefined
}
