// Properties: of live objects, of what modules export, and elements of typed arrays.
import { callFunction } from './calls.mjs'
import { expressionValue, numberValue } from './expressions.mjs'
import { load } from './memory-accesses.mjs'
import { topLevelValue } from './names.mjs'
import { unsupported } from './unsupported.mjs'
import { numberTree, UNDEFINED } from './values.mjs'

export function memberValue(context, node) {
  const object = expressionValue(context, node.object)
  if (node.optional && object.constant === 'undefined') return UNDEFINED
  if (!node.computed) return propertyOf(context, object, node.property.name)
  const view = viewOf(context, object)
  return load(view, numberValue(context, node.property))
}

/** A value as a view of memory that compiled code can read. */
export function viewOf({ compiler }, value) {
  if (value.view) return value
  if (value.constant !== 'object' || !ArrayBuffer.isView(value.object)) unsupported('array')
  return compiler.memory.view(compiler, value) ?? unsupported('array elsewhere')
}

export function propertyOf(context, object, name) {
  switch (object.constant) {
    case 'builtin':
      return { constant: 'builtin-method', name: `${object.name}.${name}` }
    case 'namespace': {
      const meaning = context.compiler.program.meaning(object.file, name)
      return topLevelValue(context, meaning ?? unsupported(name), name)
    }
    case 'record':
      if (typeof object.value[name] === 'number') return numberTree(object.value[name])
      break
    case 'object':
      return liveProperty(context, object, name)
  }
  return unsupported(`.${name} of ${object.constant ?? 'a number'}`)
}

/** A property of a live object: its own is a field, another one comes from its class. */
function liveProperty(context, owner, name) {
  const live = owner.object
  if (ArrayBuffer.isView(live)) {
    if (typeof live[name] === 'function') return { constant: 'array-method', owner, name }
  } else if (!Object.hasOwn(live, name)) {
    return inherited(context, owner, name)
  }
  return fieldOf(context.compiler, owner, name)
}

function inherited(context, owner, name) {
  const { compiler } = context
  const member = compiler.program.memberOf(owner.object, name)
  if (member?.kind === 'get') {
    return callFunction(context, { source: member, self: owner, args: [], name })
  }
  if (member !== undefined) return { constant: 'method', member, owner, name }
  if (owner.object[name] !== undefined) unsupported(`.${name}`)
  compiler.expect(`${owner.name}.${name} === undefined`)
  return UNDEFINED
}

/** What a field holds now, and holds in every run: else an expectation fails when it is linked. */
function fieldOf(compiler, owner, name) {
  const value = owner.object[name]
  const path = `${owner.name}.${name}`
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return numberField(compiler, owner, name, value)
    case 'function': {
      const source = compiler.program.sourceOf(value)
      if (source?.kind !== 'function') return { constant: 'script', path }
      compiler.expect(`${path}.name === ${JSON.stringify(value.name)}`)
      return { constant: 'function', ...source }
    }
    case 'undefined':
      if (compiler.program.changes(owner.object, name)) unsupported(`${path} may change`)
      compiler.expect(`${path} === undefined`)
      return UNDEFINED
    case 'string':
      compiler.expect(`${path} === ${JSON.stringify(value)}`)
      return { constant: 'text', value }
    case 'object':
      return objectField(compiler, owner, name, value)
  }
  return unsupported(path)
}

function numberField(compiler, owner, property, value) {
  const { object, name } = owner
  const changes = !ArrayBuffer.isView(object) && compiler.program.changes(object, property, true)
  const about = { owner: name, property, boolean: typeof value === 'boolean', changes }
  return compiler.number(`${name}.${property}`, 'i64', about, object, value)
}

function objectField(compiler, owner, name, value) {
  const path = `${owner.name}.${name}`
  if (value === null || compiler.program.changes(owner.object, name)) {
    unsupported(`${path} may change`)
  }
  const kind = value.constructor?.name
  if (kind !== 'Object') compiler.expect(`${path}.constructor.name === '${kind}'`)
  return { constant: 'object', object: value, ...compiler.objectAt(value, owner, name) }
}
