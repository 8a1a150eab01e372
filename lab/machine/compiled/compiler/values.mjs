// What an expression of JavaScript is to the compiler, one of three things:
//
//   a constant    { constant: 'object' | 'function' | …, … }: nothing is computed for it
//   a view        { view: true, element, base }: a typed array over shared memory
//   a tree        instructions that compute a number (instructions.mjs)
import { float, int, int32 } from './instructions.mjs'
import { unsupported } from './unsupported.mjs'

export const UNDEFINED = { constant: 'undefined' }

export const isTree = (value) => value?.op !== undefined

export const booleanTree = (value) => int(value ? 1 : 0)

export const numberTree = (value) => (Number.isSafeInteger(value) ? int(value) : float(value))

/** The value of a literal. */
export function literal({ value }) {
  switch (typeof value) {
    case 'number':
      return numberTree(value)
    case 'boolean':
      return booleanTree(value)
    case 'string':
      return { constant: 'text', value }
  }
  return unsupported(`literal ${value}`)
}

/** A condition as a tree, also where it is known. */
export const conditionTree = (condition) =>
  typeof condition === 'boolean' ? int32(condition ? 1 : 0) : condition

/** Operations that must be carried out once, and where they stand. */
const DOING = new Set(['call', 'sequence', 'block', 'if', 'atomic'])

/** Does a tree only compute, so that it may be written down twice? */
export const isPure = ({ op, args }) => !DOING.has(op) && args.every(isPure)

/** A tree whose value stays what it is: a constant, or a local that is set once. */
export const isSteady = ({ op, local, args }) =>
  /\.const$/.test(op) ||
  (op === 'local.get' && local.steady) ||
  (op === 'i64.extend' && isSteady(args[0]))

/** An argument as part of the name of a function of the module: constants are compiled in. */
export function describe(value) {
  if (isTree(value)) return value.type === 'f64' ? 'f64' : 'i64'
  if (value.view) return `view ${value.element}`
  switch (value.constant) {
    case 'object':
      return value.name
    case 'text':
    case 'boolean':
      return JSON.stringify(value.value)
    case 'undefined':
      return 'undefined'
    case 'function':
      return `${value.file}:${value.node.start}`
  }
  // A parameter of an exported function: only its type is known.
  if (value.type !== undefined) return value.type
  return unsupported(`${value.constant} as argument`)
}
