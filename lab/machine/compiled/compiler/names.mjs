// Names: variables of the function, and what its module declares and imports.
import { expressionValue } from './expressions.mjs'
import { FunctionContext } from './function-context.mjs'
import { get, getInt32 } from './instructions.mjs'
import { unsupported } from './unsupported.mjs'
import { numberTree, UNDEFINED } from './values.mjs'

const BUILTINS = new Set(['Math', 'Atomics'])

export function nameValue(context, name) {
  if (name === 'undefined') return UNDEFINED
  const found = context.scope.find(name)
  if (found?.variable) return readVariable(found)
  if (found !== undefined) return found
  const meaning = context.compiler.program.meaning(context.file, name)
  if (meaning !== undefined) return topLevelValue(context, meaning, name)
  return BUILTINS.has(name) ? { constant: 'builtin', name } : unsupported(`name ${name}`)
}

/** The value of a variable that a scope has. */
export const readVariable = ({ variable, int32 }) => (int32 ? getInt32(variable) : get(variable))

/** The value of a name at a module's top level. */
export function topLevelValue({ compiler, moduleFunction }, meaning, name) {
  const { kind, live, file, node } = meaning
  if (kind === 'function') return { constant: 'function', ...meaning }
  if (kind === 'namespace') return { constant: 'namespace', ...meaning }
  if (kind !== 'const') unsupported(`${kind} ${name}`)
  if (typeof live === 'number') return numberTree(live)
  if (ArrayBuffer.isView(live)) return compiler.exported(meaning)
  if (typeof live === 'object' && live !== null) return { constant: 'record', value: live }
  // Not exported: its initializer is computed wherever the name is read, and, being rare, by calls.
  const depth = Number.POSITIVE_INFINITY
  return expressionValue(new FunctionContext(compiler, moduleFunction, { file, depth }), node)
}
