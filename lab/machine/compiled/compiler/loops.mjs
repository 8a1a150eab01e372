// Loops and switches: what `break` leaves and `continue` goes on with.
import { branchUnless, branchWhen } from './conditions.mjs'
import { conditionOf, expressionValue, numberValue } from './expressions.mjs'
import { block, branch, branchTable, get, isInt32, loop, low, set, toInt } from './instructions.mjs'
import { effect, statement, block as statementBlock } from './statements.mjs'
import { unsupported } from './unsupported.mjs'
import { conditionTree } from './values.mjs'

/** Compiles what `break` and `continue` branch out of: to `end`, and, in a loop, to `next`. */
function within(context, labels, compile) {
  context.loops.push({ ...labels, finallies: context.finallies.length })
  const made = compile()
  context.loops.pop()
  return made
}

/** A loop that tests before each turn; `update` is that of a `for`. */
export function whileLoop(context, { test, body, update }) {
  const end = {}
  const again = {}
  const next = {}
  const condition = test ? conditionOf(context, test) : true
  const turn = within(context, { end, next }, () => statementBlock(context, [body]))
  const head = condition === true ? [] : branchUnless(end, conditionTree(condition))
  const tail = update ? effect(context, update) : []
  const whole = [...head, block(next, 'void', turn), ...tail, branch(again)]
  return [block(end, 'void', [loop(again, whole)])]
}

export const forLoop = (context, { init, test, update, body }) =>
  context.inScope(() => [...forInit(context, init), ...whileLoop(context, { test, body, update })])

function forInit(context, init) {
  if (init === null) return []
  return init.type === 'VariableDeclaration' ? statement(context, init) : effect(context, init)
}

export function doWhileLoop(context, { test, body }) {
  const end = {}
  const again = {}
  const next = {}
  const turn = within(context, { end, next }, () => statementBlock(context, [body]))
  const condition = conditionTree(conditionOf(context, test))
  const whole = [block(next, 'void', turn), ...branchWhen(again, condition)]
  return [block(end, 'void', [loop(again, whole)])]
}

export function breakOrContinue(context, { type, label }) {
  if (label) unsupported('label')
  const isBreak = type === 'BreakStatement'
  const around = context.loops.findLast(({ next }) => isBreak || next !== undefined)
  if (around.finallies !== context.finallies.length) unsupported(`${type} out of try`)
  return [branch(isBreak ? around.end : around.next)]
}

/** Cases of a switch are branched to by their number in a table of this length. */
const CASES_MAX = 256

/** Blocks around one another, innermost the branch: leaving the n-th comes out before case n. */
export function switchStatement(context, { discriminant, cases }) {
  const end = {}
  const what = context.local('i64')
  const labels = cases.map(() => ({}))
  const bodies = within(context, { end }, () =>
    cases.map(({ consequent }) => statementBlock(context, consequent)),
  )
  const values = cases.map(({ test }) => (test ? expressionValue(context, test) : undefined))
  const otherwise = labels[values.indexOf(undefined)] ?? end
  const table = caseTable(values, labels, otherwise)
  let written = [branchTable(table, otherwise, low(get(what)))]
  bodies.forEach((body, i) => {
    written = [block(labels[i], 'void', written), ...body]
  })
  const value = toInt(numberValue(context, discriminant))
  // The table is looked up by 32 bits.
  if (!isInt32(value)) unsupported('switch over wide numbers')
  return [set(what, value), block(end, 'void', written)]
}

/** The label for each small number. */
function caseTable(values, labels, otherwise) {
  const known = values.filter((it) => it !== undefined)
  const isSmall = ({ op, value }) => op === 'i64.const' && value >= 0 && value < CASES_MAX
  if (!known.every(isSmall)) unsupported('switch over other than small numbers')
  const length = Math.max(-1, ...known.map(({ value }) => value)) + 1
  return Array.from({ length }, (_, number) => {
    const at = values.findIndex((it) => it?.value === number)
    return at < 0 ? otherwise : labels[at]
  })
}
