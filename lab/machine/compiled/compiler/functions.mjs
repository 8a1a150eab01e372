// Whole functions: put in place of a call, or as functions of the module.
import { bind, destructure } from './bindings.mjs'
import { expressionValue, numberValue } from './expressions.mjs'
import { FunctionContext } from './function-context.mjs'
import { as, block, get, getInt32, int, isInt32, sequence, set } from './instructions.mjs'
import { block as statementBlock } from './statements.mjs'
import { asCondition, assignedNames, resultOf } from './syntax.mjs'
import { countTrees } from './trees.mjs'
import { NeedsFloat, unsupported } from './unsupported.mjs'
import { describe, isSteady, isTree, UNDEFINED } from './values.mjs'

/** The value of a call, with the function's body in place of it. */
export function inlined(context, { source, self, args }) {
  const before = []
  const settled = args.map((it) => {
    if (!isTree(it) || isSteady(it)) return it
    const local = context.steadyLocal(isInt32(it) ? 'i32' : it.type)
    before.push(set(local, it))
    return isInt32(it) ? getInt32(local) : get(local)
  })
  const { compiler, moduleFunction } = context
  const value = knowingMore(compiler, source.node, (result) => {
    const about = { file: source.file, self, result, depth: context.depth + 1 }
    const inner = new FunctionContext(compiler, moduleFunction, about)
    return bodyValue(inner, source.node, settled)
  })
  if (isTree(value)) return sequence(before, value)
  return before.length === 0 ? value : unsupported('an object as result')
}

/**
 * A call as one of a function of the module, compiled for the constants among the arguments;
 * `given` are the others.
 */
export function outOfLine(compiler, { source, self, args, name }) {
  const place = `${source.file}:${source.node.start} ${name}`
  const key = [place, self?.name ?? '', ...args.map(describe)].join('|')
  const given = args.flatMap((it) => (isTree(it) ? [it] : it.view ? [it.base] : []))
  const target = compiler.function(key, (made) =>
    knowingMore(compiler, source.node, (result) => {
      const most = compiler.profile?.most(source.file, source.node) ?? 0
      Object.assign(made, { result, params: [], locals: [], most, tooLarge: new Set() })
      const parameters = args.map((it) => parameterOf(made, it))
      const context = new FunctionContext(compiler, made, { file: source.file, self, result })
      const value = bodyValue(context, source.node, parameters)
      if (!isTree(value)) unsupported('an object as result')
      if (value.type === 'f64' && result === 'i64') throw new NeedsFloat()
      if (value.type === 'void') made.result = 'void'
      made.body = [value.type === 'void' ? value : as(result, value)]
    }),
  )
  return { target, given }
}

/** What an argument is within a function of the module: a parameter, unless it is constant. */
function parameterOf({ locals, params }, argument) {
  const isNumber = isTree(argument) || argument.type !== undefined
  if (!argument.view && !isNumber) return argument
  const narrow = argument.type === 'f64' ? 'f64' : 'i64'
  const local = { type: argument.view ? 'i32' : narrow, steady: true }
  locals.push(local)
  params.push(local.type)
  return argument.view ? { ...argument, base: get(local) } : get(local)
}

/** Calls `compile` again with what its errors teach: wide variables, fractions as results. */
function knowingMore(compiler, node, compile) {
  let result = resultOf(node)
  for (;;) {
    try {
      return compile(result)
    } catch (error) {
      if (compiler.learned(error, node)) continue
      if (!(error instanceof NeedsFloat) || result === 'f64') throw error
      result = 'f64'
    }
  }
}

/** Binds the parameters of `node` and compiles its body: a tree, or a constant. */
function bodyValue(context, node, args) {
  context.node = node
  context.assigned = assignedNames(node)
  const before = node.params.flatMap((parameter, i) => bindParameter(context, parameter, args[i]))
  if (node.body.type !== 'BlockStatement') {
    const value = expressionValue(context, node.body)
    if (isTree(value)) return sequence(before, value)
    return before.length === 0 ? value : unsupported('an object as result')
  }
  const condition = asCondition(node.body.body)
  if (condition !== undefined) return sequence(before, numberValue(context, condition))
  return ending(context, [...before, ...statementBlock(context, node.body.body)])
}

function bindParameter(context, parameter, argument) {
  const hasDefault = parameter.type === 'AssignmentPattern'
  const pattern = hasDefault ? parameter.left : parameter
  const isMissing = argument === undefined || argument.constant === 'undefined'
  const value = hasDefault && isMissing ? expressionValue(context, parameter.right) : argument
  if (pattern.type === 'ObjectPattern') return destructure(context, pattern, value)
  return bind(context, pattern.name, value ?? UNDEFINED)
}

/** A body whose only branch to its end is its last statement needs no block. */
function ending({ end, result }, body) {
  const last = body.at(-1)
  const returns = countTrees(body, (it) => it.op === 'br' && it.label === end)
  if (returns === 0) return result === 'void' ? block(end, 'void', body) : sequence(body, int(0))
  if (last.op === 'br' && last.label === end && returns === 1) {
    const before = body.slice(0, -1)
    return last.args.length > 0 ? sequence(before, last.args[0]) : block({}, 'void', before)
  }
  // What comes after a return in every way is never reached, but must have the type.
  const never = result === 'void' ? [] : [as(result, int(0))]
  return block(end, result, [...body, ...never])
}
