// What is known while one function of JavaScript is compiled, shared by all that take part in it.

/** Names of a block and what they stand for: a value, or { variable } for a local that changes. */
class Scope {
  #outer
  #names = new Map()

  constructor(outer) {
    this.#outer = outer
  }

  declare(name, value) {
    this.#names.set(name, value)
  }

  find(name) {
    return this.#names.get(name) ?? this.#outer?.find(name)
  }
}

export class FunctionContext {
  /** The file that the function's names are looked up in. */
  file
  /** What `this` is: a constant, or undefined. */
  self
  /** Type of the result: i64, f64 or void. */
  result
  /** How many functions around this one it is put in place in. */
  depth
  /** The label that a return branches to. */
  end = {}
  scope = new Scope(undefined)
  /** Loops and switches around the statement at hand, innermost last. */
  loops = []
  /** `finally` blocks to carry out before a return, innermost last. */
  finallies = []
  /** The function's syntax tree, once its body is being compiled, and the names it assigns to. */
  node
  assigned

  /** `moduleFunction`: the function of the module that the instructions become part of. */
  constructor(compiler, moduleFunction, { file, self, result, depth = 0 }) {
    this.compiler = compiler
    this.moduleFunction = moduleFunction
    this.file = file
    this.self = self
    this.result = result
    this.depth = depth
  }

  /** A new variable of the module's function. */
  local(type) {
    const local = { type }
    this.moduleFunction.locals.push(local)
    return local
  }

  /** A new variable that is set once. */
  steadyLocal(type) {
    return Object.assign(this.local(type), { steady: true })
  }

  /** Is a variable known to get more than 32-bit integers? */
  isWide(name) {
    return this.compiler.wide(this.node).has(name)
  }

  /** Is a place reached rarely, in view of what the function of the module mostly does? */
  isRare(node) {
    const { profile } = this.compiler
    return profile?.isRare(this.file, node, this.moduleFunction.most) ?? false
  }

  /** Is an `if` nearly always or nearly never carried out? Undefined when neither is known. */
  likely(node) {
    return this.compiler.profile?.likely(this.file, node)
  }

  /** Calls `compile` with a scope of its own for the names it declares. */
  inScope(compile) {
    const outer = this.scope
    this.scope = new Scope(outer)
    const made = compile()
    this.scope = outer
    return made
  }
}
