// Declared names and what they are bound to.
import { expressionValue } from './expressions.mjs'
import { get, getInt32, int, isInt32, set } from './instructions.mjs'
import { propertyOf } from './properties.mjs'
import { unsupported } from './unsupported.mjs'
import { isSteady, isTree } from './values.mjs'

export function declaration(context, { id, init }) {
  if (id.type === 'ObjectPattern') return destructure(context, id, expressionValue(context, init))
  if (init !== null) return bind(context, id.name, expressionValue(context, init))
  const local = context.local('i64')
  context.scope.declare(id.name, { variable: local })
  return [set(local, int(0))]
}

export const destructure = (context, { properties }, value) =>
  properties.flatMap(({ type, key, value: name }) => {
    if (type !== 'Property' || name.type !== 'Identifier') unsupported('pattern')
    return bind(context, name.name, propertyOf(context, value, key.name))
  })

/** A name for a value: constants and trees that cannot change stand for themselves. */
export function bind(context, name, value) {
  if (value.view) return bindView(context, name, value)
  const isSteadyName = !context.assigned.has(name)
  if (!isTree(value) || (isSteadyName && isSteady(value))) {
    if (!isSteadyName) unsupported(`${name} is assigned to`)
    context.scope.declare(name, value)
    return []
  }
  return isSteadyName ? bindOnce(context, name, value) : bindVariable(context, name, value)
}

/** The base of a view is computed once. */
function bindView(context, name, value) {
  if (context.assigned.has(name)) unsupported(`${name} is assigned to`)
  if (value.base === undefined || value.base.op === 'local.get') {
    context.scope.declare(name, value)
    return []
  }
  const local = context.local('i32')
  context.scope.declare(name, { ...value, base: get(local) })
  return [set(local, value.base)]
}

function bindOnce(context, name, value) {
  const narrow = isInt32(value)
  const local = context.steadyLocal(narrow ? 'i32' : value.type)
  context.scope.declare(name, narrow ? getInt32(local) : { variable: local })
  return [set(local, value)]
}

/** A variable holds 32 bits for as long as nothing else is assigned to it. */
function bindVariable(context, name, value) {
  const int32 = isInt32(value) && !context.isWide(name)
  const local = context.local(int32 ? 'i32' : value.type === 'i32' ? 'i64' : value.type)
  context.scope.declare(name, { variable: local, int32 })
  return [set(local, value)]
}
