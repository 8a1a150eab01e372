// Statements: each becomes a list of trees without a value.
import { assignment, update } from './assignments.mjs'
import { declaration } from './bindings.mjs'
import { decide } from './conditions.mjs'
import { returnStatement, throwStatement, tryStatement } from './exits.mjs'
import { conditionOf, expressionValue } from './expressions.mjs'
import { drop } from './instructions.mjs'
import { breakOrContinue, doWhileLoop, forLoop, switchStatement, whileLoop } from './loops.mjs'
import { unsupported } from './unsupported.mjs'
import { isTree } from './values.mjs'

/** Statements with a scope of their own. */
export const block = (context, statements) =>
  context.inScope(() => statements.flatMap((it) => statement(context, it)))

export function statement(context, node) {
  switch (node.type) {
    case 'EmptyStatement':
      return []
    case 'BlockStatement':
      return block(context, node.body)
    case 'ExpressionStatement':
      return effect(context, node.expression)
    case 'VariableDeclaration':
      return node.declarations.flatMap((it) => declaration(context, it))
    case 'IfStatement':
      return ifStatement(context, node)
    case 'ReturnStatement':
      return returnStatement(context, node.argument)
    case 'WhileStatement':
      return whileLoop(context, { test: node.test, body: node.body })
    case 'ForStatement':
      return forLoop(context, node)
    case 'DoWhileStatement':
      return doWhileLoop(context, node)
    case 'BreakStatement':
    case 'ContinueStatement':
      return breakOrContinue(context, node)
    case 'SwitchStatement':
      return switchStatement(context, node)
    case 'ThrowStatement':
      return throwStatement(context, node.argument)
    case 'TryStatement':
      return tryStatement(context, node)
  }
  return unsupported(node.type)
}

/** Where the condition is known, only what is carried out is compiled. */
function ifStatement(context, node) {
  const { test, consequent, alternate } = node
  const condition = conditionOf(context, test)
  const otherwise = alternate === null ? [] : [alternate]
  if (condition === true) return block(context, [consequent])
  if (condition === false) return block(context, otherwise)
  const then = block(context, [consequent])
  return [decide(condition, then, block(context, otherwise), context.likely(node))]
}

/** An expression whose value nobody needs. */
export function effect(context, node) {
  switch (node.type) {
    case 'AssignmentExpression':
      return assignment(context, node)
    case 'UpdateExpression':
      return update(context, node)
  }
  const value = expressionValue(context, node)
  return isTree(value) ? [drop(value)] : []
}
