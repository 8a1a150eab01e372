// Expressions: each becomes a value (values.mjs).
import { assignmentValue, updateValue } from './assignments.mjs'
import { callValue } from './calls.mjs'
import { truth } from './conditions.mjs'
import { nameValue } from './names.mjs'
import { binaryValue, conditionalValue, logicalValue, unaryValue } from './operators.mjs'
import { memberValue } from './properties.mjs'
import { unsupported } from './unsupported.mjs'
import { isTree, literal } from './values.mjs'

export function expressionValue(context, node) {
  switch (node.type) {
    case 'ParenthesizedExpression':
    case 'ChainExpression':
      return expressionValue(context, node.expression)
    case 'Literal':
      return literal(node)
    case 'Identifier':
      return nameValue(context, node.name)
    case 'ThisExpression':
      return context.self ?? unsupported('this')
    case 'MemberExpression':
      return memberValue(context, node)
    case 'CallExpression':
      return callValue(context, node)
    case 'BinaryExpression':
      return binaryValue(context, node)
    case 'LogicalExpression':
      return logicalValue(context, node)
    case 'UnaryExpression':
      return unaryValue(context, node)
    case 'ConditionalExpression':
      return conditionalValue(context, node)
    case 'AssignmentExpression':
      return assignmentValue(context, node)
    case 'UpdateExpression':
      return updateValue(context, node)
  }
  return unsupported(node.type)
}

/** A number or truth value, as a tree. */
export function numberValue(context, node) {
  const value = expressionValue(context, node)
  if (isTree(value)) return value
  return unsupported(`${value.constant ?? 'view'} as a number`)
}

/** A tree for a condition, or a boolean when it is known. */
export function conditionOf(context, node) {
  const value = expressionValue(context, node)
  if (value.constant === 'undefined') return false
  if (value.constant === 'boolean') return value.value
  if (!isTree(value)) return true
  if (value.op === 'i64.const') return value.value !== 0
  return truth(value)
}
