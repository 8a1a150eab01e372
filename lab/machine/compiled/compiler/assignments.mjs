// Assignments: to variables, to fields of live objects, to elements of arrays.
import { arithmetic } from './arithmetic.mjs'
import { expressionValue, numberValue } from './expressions.mjs'
import {
  get,
  int,
  isInt32,
  readGlobal,
  sequence,
  set,
  toInt,
  writeGlobal,
} from './instructions.mjs'
import { load, store } from './memory-accesses.mjs'
import { readVariable } from './names.mjs'
import { binaryTree } from './operators.mjs'
import { propertyOf, viewOf } from './properties.mjs'
import { NeedsWide, unsupported } from './unsupported.mjs'
import { booleanTree, isPure, isTree } from './values.mjs'

/** An assignment as a statement. */
export function assignment(context, node) {
  const { target, tree } = assigned(context, node)
  return [...target.before, ...target.write(tree)]
}

/** An assignment as an expression: the value assigned. */
export function assignmentValue(context, node) {
  const { target, tree } = assigned(context, node)
  return writeAndKeep(target, tree)
}

function assigned(context, { operator, left, right }) {
  const target = targetOf(context, left)
  if (operator === '=') return { target, tree: valueToStore(context, right) }
  const sign = operator.slice(0, -1)
  const old = target.read()
  return { target, tree: binaryTree(sign, old, numberValue(context, right)) }
}

function valueToStore(context, node) {
  const value = expressionValue(context, node)
  if (value.constant === 'boolean') return booleanTree(value.value)
  return isTree(value) ? value : unsupported('storing an object')
}

const writeAndKeep = ({ before, writeKept }, tree) => {
  const { statements, value } = writeKept(tree)
  return sequence([...before, ...statements], value)
}

/** `++` and `--` as a statement. */
export function update(context, { operator, argument }) {
  const target = targetOf(context, argument)
  return [...target.before, ...target.write(arithmetic(operator[0], target.read(), int(1)))]
}

/** `++x` gives the value after it, `x++` the one before. */
export function updateValue(context, { operator, prefix, argument }) {
  const target = targetOf(context, argument)
  const old = target.read()
  const tree = arithmetic(operator[0], old, int(1))
  if (prefix) return writeAndKeep(target, tree)
  const statements = target.write(tree)
  const kept = context.local(old.type === 'f64' ? 'f64' : 'i64')
  return sequence([...target.before, set(kept, old), ...statements], get(kept))
}

/**
 * Where an assignment goes: what must be done `before`, how to `read` what is there, statements
 * that `write` a tree, and those of `writeKept`, after which what was written is `value`.
 */
function targetOf(context, node) {
  switch (node.type) {
    case 'ParenthesizedExpression':
      return targetOf(context, node.expression)
    case 'Identifier':
      return variableTarget(context, node.name)
    case 'MemberExpression':
      return node.computed ? elementTarget(context, node) : fieldTarget(context, node)
  }
  return unsupported(`assignment to ${node.type}`)
}

function variableTarget(context, name) {
  const found = context.scope.find(name)
  const local = found?.variable ?? unsupported(`assignment ${name}`)
  const read = () => readVariable(found)
  const write = (tree) => {
    if (found.int32 && !isInt32(toInt(tree))) throw new NeedsWide(context.node, name)
    if (tree.type === 'f64' && local.type === 'i64') unsupported(`fraction in ${name}`)
    return [set(local, tree)]
  }
  return { before: [], read, write, writeKept: thenRead(write, read) }
}

function fieldTarget(context, { object, property }) {
  const field = propertyOf(context, expressionValue(context, object), property.name)
  if (field.op !== 'global.get') unsupported(`assignment to .${property.name}`)
  const { global } = field
  const read = () => readGlobal(global)
  const write = (tree) => [writeGlobal(global, tree)]
  return { before: [], read, write, writeKept: thenRead(write, read) }
}

/** Of variables and fields: reading them again costs nothing. */
const thenRead = (write, read) => (tree) => ({ statements: write(tree), value: read() })

function elementTarget(context, { object, property }) {
  const view = viewOf(context, expressionValue(context, object))
  const { before, index } = settledIndex(context, numberValue(context, property))
  const read = () => load(view, index)
  const write = (tree) => [store(view, index, tree)]
  const writeKept = (tree) => {
    const kept = context.local(tree.type === 'f64' ? 'f64' : 'i64')
    return { statements: [set(kept, tree), ...write(get(kept))], value: get(kept) }
  }
  return { before, read, write, writeKept }
}

/** An index that may be written down twice: what does more than compute goes before. */
function settledIndex(context, index) {
  if (isPure(index)) return { before: [], index }
  const local = context.steadyLocal('i64')
  return { before: [set(local, index)], index: get(local) }
}
