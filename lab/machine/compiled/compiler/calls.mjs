// Calls, by what is called.
import { arrayCall, builtinCall } from './builtins.mjs'
import { INLINE_NODES_RARE } from './compiler.mjs'
import { expressionValue } from './expressions.mjs'
import { inlined, outOfLine } from './functions.mjs'
import { call } from './instructions.mjs'
import { viewOf } from './properties.mjs'
import { callFallback, callPath, callScript } from './scripts.mjs'
import { isOptional } from './syntax.mjs'
import { Unsupported, unsupported } from './unsupported.mjs'
import { UNDEFINED } from './values.mjs'

/** Functions inside one another in place. */
const INLINE_DEPTH = 24

export function callValue(context, node) {
  const callee = expressionValue(context, node.callee)
  if (callee.constant === 'undefined' && (node.optional || isOptional(node.callee))) {
    return UNDEFINED
  }
  const args = node.arguments.map((it) => expressionValue(context, it))
  switch (callee.constant) {
    case 'builtin-method':
      return callBuiltin(context, callee, args)
    case 'array-method':
      return callArrayMethod(context, callee, args)
    case 'function': {
      const name = callee.node.id?.name ?? 'function'
      return callFunction(context, { source: callee, self: undefined, args, name, site: node })
    }
    case 'method': {
      const { member, owner, name } = callee
      return callFunction(context, { source: member, self: owner, args, name, site: node })
    }
    case 'script':
      return callPath(context, callee.path, args, 'f64')
  }
  return unsupported('callee')
}

function callBuiltin(context, { name }, args) {
  const tools = {
    local: (type) => context.local(type),
    view: (array) => viewOf(context, array),
  }
  return builtinCall(name, args, tools) ?? unsupported(name)
}

function callArrayMethod(context, { owner, name }, args) {
  const view = viewOf(context, owner)
  const compiled = arrayCall(name, view, args)
  if (compiled !== undefined) return compiled
  // Without its result, which is the array: the module would ask for it as a number.
  const source = ({ names, all }) => `(${names}) => { ${owner.name}.${name}(${all}) }`
  return callScript(context, source, args, 'i64')
}

/**
 * Calls a function of JavaScript, { source, self, args, name, site }: in place when small, else as
 * a function of the module, else, when it cannot be compiled, as it is. `site` is the calling node;
 * accessors have none.
 */
export function callFunction(context, called) {
  const { compiler, depth } = context
  const { node } = called.source
  const { tooLarge } = context.moduleFunction
  const isRare = called.site !== undefined && context.isRare(called.site)
  const most = isRare ? INLINE_NODES_RARE : undefined
  try {
    if (compiler.isSmall(node, most) && depth < INLINE_DEPTH && !tooLarge.has(node)) {
      const tree = inlined(context, called)
      if (compiler.staysSmall(tree)) return tree
      tooLarge.add(node)
    }
    const { target, given } = outOfLine(compiler, called)
    return call(target, given)
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error
    return callFallback(context, called, error)
  }
}
