// Functions of the module that JavaScript calls. Their numbers are doubles: 64-bit integers would
// be BigInts there.
import { outOfLine } from './functions.mjs'
import { as, call, get, readGlobal, toFloat, writeGlobal } from './instructions.mjs'
import { unsupported } from './unsupported.mjs'

/** A parameter of `export`: the first byte of an Int32Array, where only that is known. */
const INT32_VIEW = { view: true, element: 'i32', base: undefined }

/** A method as a function of the module; parameters are types, or 'view' for an Int32Array. */
export function methodOf(compiler, object, name, parameters) {
  const source = compiler.program.memberOf(object, name)
  if (source === undefined) unsupported(`no method ${name}`)
  const args = parameters.map((type) => (type === 'view' ? INT32_VIEW : { type }))
  const self = { constant: 'object', object, ...compiler.objects.get(object) }
  return outOfLine(compiler, { source, self, args, name }).target
}

/** Calls `target` as JavaScript calls it. */
export function entryOf(target, name) {
  const locals = target.params.map((type) => ({ type: type === 'i32' ? 'i32' : 'f64' }))
  const result = target.result === 'void' ? 'void' : 'f64'
  const value = call(target, locals.map(get))
  return {
    key: `entry ${name}`,
    params: locals.map(({ type }) => type),
    result,
    locals,
    body: [result === 'void' ? value : toFloat(value)],
  }
}

export const getterOf = (global) => ({
  key: `get ${global.key}`,
  params: [],
  result: 'f64',
  locals: [],
  body: [toFloat(readGlobal(global))],
})

export function setterOf(global) {
  const value = { type: 'f64' }
  return {
    key: `set ${global.key}`,
    params: ['f64'],
    result: 'void',
    locals: [value],
    body: [writeGlobal(global, as(global.type, get(value)))],
  }
}
