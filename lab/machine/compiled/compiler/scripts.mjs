// Calls of functions that stay JavaScript.
import { call, toInt } from './instructions.mjs'
import { unsupported } from './unsupported.mjs'
import { isTree } from './values.mjs'

/**
 * Calls a JavaScript function with the numbers among `args`; constants are written into its text.
 * `source` makes the text, of the numbers' names, all arguments, and a way to name an export.
 */
export function callScript(context, source, args, result) {
  const numbers = args.filter(isTree)
  const texts = args.map((it) => (isTree(it) ? `a${numbers.indexOf(it)}` : constantText(it)))
  const names = numbers.map((_, i) => `a${i}`).join(', ')
  const reference = ({ file, name }) => context.compiler.reference(file, name)
  const text = source({ names, all: texts.join(', '), reference })
  const value = call(context.compiler.import(text, numbers.length), numbers)
  return result === 'f64' ? value : toInt(value)
}

function constantText({ constant, name, value }) {
  switch (constant) {
    case 'object':
      return name
    case 'text':
    case 'boolean':
      return JSON.stringify(value)
    case 'undefined':
      return 'undefined'
  }
  return unsupported(`${constant ?? 'view'} for JavaScript`)
}

/** Calls what a path of JavaScript leads to. */
export const callPath = (context, path, args, result) =>
  callScript(context, ({ names, all }) => `(${names}) => ${path}(${all})`, args, result)

/** Calls a function that cannot be compiled, and notes why. Its result must be an integer. */
export function callFallback(context, { source, self, args, name }, error) {
  if (self !== undefined) {
    const path = `${self.name}.${name}`
    context.compiler.fallbacks.add(`${path}: ${error.message}`)
    return callPath(context, path, args, 'i64')
  }
  // What its module does not export can only be called by a function that is.
  if (source.exported === undefined) throw error
  context.compiler.fallbacks.add(`${name}: ${error.message}`)
  const caller = ({ names, all, reference }) =>
    `(${names}) => ${reference(source.exported)}(${all})`
  return callScript(context, caller, args, 'i64')
}
