// What leaves a function: `return`, `throw`, and `try … finally`, which sees to both.
import { expressionValue } from './expressions.mjs'
import { as, branch, drop, get, int, protect, set, unreachable } from './instructions.mjs'
import { callScript } from './scripts.mjs'
import { block } from './statements.mjs'
import { NeedsFloat, unsupported } from './unsupported.mjs'
import { isTree } from './values.mjs'

export function returnStatement(context, argument) {
  const { end, result } = context
  if (argument === null) return leave(context, result === 'void' ? undefined : int(0))
  const value = expressionValue(context, argument)
  if (result === 'void') unsupported('a value from a function without')
  if (!isTree(value)) {
    if (value.constant !== 'undefined') unsupported('an object as result')
    return leave(context, as(result, int(0)))
  }
  if (value.type === 'void') return [value, ...leave(context, as(result, int(0)))]
  if (value.type === 'f64' && result === 'i64') throw new NeedsFloat()
  if (context.finallies.length === 0) return [branch(end, as(result, value))]
  // The value is computed before what the finally blocks do.
  const local = context.local(result)
  return [set(local, value), ...leave(context, get(local))]
}

/** Carries out the finally blocks around, then branches to the function's end. */
function leave(context, value) {
  return [...runFinallies(context), branch(context.end, value)]
}

/** A finally block that returns itself has only those around it to carry out. */
function runFinallies(context) {
  const kept = context.finallies
  const statements = []
  for (let i = kept.length - 1; i >= 0; i--) {
    context.finallies = kept.slice(0, i)
    statements.push(...block(context, kept[i].body))
  }
  context.finallies = kept
  return statements
}

/** `throw new Class(…)` is a call of a JavaScript function that does. */
export function throwStatement(context, argument) {
  if (argument.type !== 'NewExpression') unsupported('throw')
  const { name } = argument.callee
  const isBuiltin = name === 'Error'
  const source = isBuiltin ? undefined : context.compiler.program.meaning(context.file, name)
  if (!isBuiltin && source?.exported === undefined) unsupported(`throw ${name}`)
  const thrower = ({ names, all, reference }) =>
    `(${names}) => { throw new ${isBuiltin ? name : reference(source.exported)}(${all}) }`
  const args = argument.arguments.map((it) => expressionValue(context, it))
  return [drop(callScript(context, thrower, args, 'f64')), unreachable()]
}

/** The finally block is written twice: for what is thrown, and for the normal way out. */
export function tryStatement(context, { block: body, handler, finalizer }) {
  if (handler) unsupported('catch')
  context.finallies = [...context.finallies, finalizer]
  const tried = block(context, body.body)
  context.finallies = context.finallies.slice(0, -1)
  const after = () => block(context, finalizer.body)
  return [protect({}, tried, after()), ...after()]
}
