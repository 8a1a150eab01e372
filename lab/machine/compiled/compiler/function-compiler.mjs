// One function, from its syntax tree to instructions: statements, expressions, calls.
//
// A value is either a constant of the compiler ({ constant: 'object' | 'function' | …, … }), a view of
// shared memory ({ view, element, base }), or an instruction tree that computes a number.

import { arrayCall, builtinCall } from './builtins.mjs'
import {
  arithmetic,
  as,
  bitwise,
  block,
  both,
  branch,
  branchTable,
  branchUnless,
  branchWhen,
  call,
  compare,
  decide,
  drop,
  either,
  float,
  get,
  getInt32,
  int,
  int32,
  isInt32,
  load,
  loop,
  low,
  not,
  protect,
  readGlobal,
  sequence,
  set,
  store,
  toFloat,
  toInt,
  truth,
  unary,
  unreachable,
  when,
  writeGlobal,
} from './instructions.mjs'

/** Something this compiler does not do: the caller calls the JavaScript function instead. */
export class Unsupported extends Error {}

const unsupported = (what) => {
  throw new Unsupported(what)
}

const isTree = (value) => value?.op !== undefined
const UNDEFINED = { constant: 'undefined' }

/** Functions inside one another in place. */
const INLINE_DEPTH = 24

class Scope {
  #names = new Map()
  constructor(outer) {
    this.outer = outer
  }
  declare(name, value) {
    this.#names.set(name, value)
  }
  find(name) {
    return this.#names.get(name) ?? this.outer?.find(name)
  }
}

export class FunctionCompiler {
  #compiler
  /** The function of the module this becomes part of. */
  #target
  #file
  #self
  #scope
  #returns
  #result
  /** Statements to carry out before a return, innermost last. */
  #finallies = []
  #loops = []
  #depth
  #assigned
  #node

  constructor(compiler, target, file, self, result, depth) {
    this.#compiler = compiler
    this.#target = target
    this.#file = file
    this.#self = self
    this.#result = result
    this.#depth = depth
    this.#returns = {}
    this.#scope = new Scope(undefined)
  }

  // ── entry points ─────────────────────────────────────────────────────────────────────────────

  /** A method as a function of the module; `parameters` are types, or { view } for an Int32Array. */
  static method(compiler, object, name, parameters) {
    const member = compiler.program.memberOf(object, name)
    if (member === undefined) unsupported(`no method ${name}`)
    const args = parameters.map((type) =>
      type === 'view' ? { view: true, element: 'i32', base: { type: 'i32' } } : { type },
    )
    const self = { constant: 'object', object, ...compiler.objects.get(object) }
    return outOfLine(compiler, member, self, args, name).target
  }

  /** The function as JavaScript calls it: numbers are doubles, not BigInts. */
  static entry(target, name) {
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

  static globalAccess(global, direction) {
    const value = { type: 'f64' }
    const isGet = direction === 'get'
    return {
      key: `${direction} ${global.key}`,
      params: isGet ? [] : ['f64'],
      result: isGet ? 'f64' : 'void',
      locals: isGet ? [] : [value],
      body: [
        isGet ? toFloat(readGlobal(global)) : writeGlobal(global, as(global.type, get(value))),
      ],
    }
  }

  /** Binds the parameters of `node` and compiles its body. */
  body(node, args) {
    this.#node = node
    this.#assigned = assignedNames(node)
    const before = []
    node.params.forEach((parameter, i) => {
      let name = parameter
      let value = args[i]
      if (parameter.type === 'AssignmentPattern') {
        name = parameter.left
        if (value === undefined || value.constant === 'undefined') {
          value = this.value(parameter.right)
        }
      }
      if (name.type === 'ObjectPattern') this.#destructure(name, value, before)
      else before.push(...this.#bind(name.name, value ?? UNDEFINED))
    })
    if (node.body.type !== 'BlockStatement') {
      return { before, expression: this.value(node.body) }
    }
    const label = this.#returns
    const body = [...before, ...this.#block(node.body.body)]
    return { body, label, result: this.#result }
  }

  /** A name for a value: constants and trees that cannot change stand for themselves. */
  #bind(name, value) {
    if (value.view && value.base !== undefined && value.base.op !== 'local.get') {
      const local = this.#local('i32')
      this.#scope.declare(name, { ...value, base: get(local) })
      return [set(local, value.base)]
    }
    if (!isTree(value)) {
      if (this.#assigned.has(name)) unsupported(`${name} is assigned to`)
      this.#scope.declare(name, value)
      return []
    }
    const steady = !this.#assigned.has(name)
    if (steady && isSteady(value)) {
      this.#scope.declare(name, value)
      return []
    }
    if (isInt32(value) && (steady || !this.#isWide(name))) {
      const local = this.#local('i32')
      local.steady = steady
      this.#scope.declare(name, steady ? getInt32(local) : { variable: local, int32: true, name })
      return [set(local, value)]
    }
    const local = this.#local(value.type === 'i32' && !steady ? 'i64' : value.type)
    local.steady = steady
    this.#scope.declare(name, { variable: local })
    return [set(local, value)]
  }

  /** Is a variable known to get more than 32-bit integers? */
  #isWide(name) {
    return this.#compiler.wide(this.#node).has(name)
  }

  #local(type) {
    const local = { type }
    this.#target.locals.push(local)
    return local
  }

  // ── statements ───────────────────────────────────────────────────────────────────────────────

  #block(statements) {
    const outer = this.#scope
    this.#scope = new Scope(outer)
    const written = statements.flatMap((it) => this.#statement(it))
    this.#scope = outer
    return written
  }

  #statement(node) {
    switch (node?.type) {
      case undefined:
      case 'EmptyStatement':
        return []
      case 'BlockStatement':
        return this.#block(node.body)
      case 'ExpressionStatement':
        return this.#effect(node.expression)
      case 'VariableDeclaration':
        return node.declarations.flatMap((it) => this.#declaration(it))
      case 'IfStatement':
        return this.#if(node)
      case 'ReturnStatement':
        return this.#return(node.argument)
      case 'WhileStatement':
        return this.#loop({ test: node.test, body: node.body })
      case 'ForStatement':
        return this.#for(node)
      case 'DoWhileStatement':
        return this.#doWhile(node)
      case 'BreakStatement':
      case 'ContinueStatement':
        return this.#leave(node)
      case 'SwitchStatement':
        return this.#switch(node)
      case 'ThrowStatement':
        return this.#throw(node.argument)
      case 'TryStatement':
        return this.#try(node)
    }
    return unsupported(node.type)
  }

  #declaration({ id, init }) {
    if (id.type === 'ObjectPattern') {
      const before = []
      this.#destructure(id, this.value(init), before)
      return before
    }
    if (init === null) {
      const local = this.#local('i64')
      this.#scope.declare(id.name, { variable: local })
      return [set(local, int(0))]
    }
    return this.#bind(id.name, this.value(init))
  }

  #destructure(pattern, value, before) {
    for (const { type, key, value: name } of pattern.properties) {
      if (type !== 'Property' || name.type !== 'Identifier') unsupported('pattern')
      before.push(...this.#bind(name.name, this.#property(value, key.name)))
    }
  }

  #if({ test, consequent, alternate }) {
    const condition = this.#condition(test)
    if (typeof condition === 'boolean') {
      return condition ? this.#block([consequent]) : this.#block(alternate ? [alternate] : [])
    }
    const then = this.#block([consequent])
    return [decide(condition, then, alternate ? this.#block([alternate]) : [])]
  }

  #return(argument) {
    const label = this.#returns
    if (argument === null || argument === undefined) {
      return [...this.#runFinallies(), branch(label, this.#result === 'void' ? undefined : int(0))]
    }
    const value = this.value(argument)
    if (this.#result === 'void') unsupported('a value from a function without')
    if (!isTree(value)) {
      if (value.constant !== 'undefined') unsupported('an object as result')
      return [...this.#runFinallies(), branch(label, as(this.#result, int(0)))]
    }
    if (value.type === 'void') {
      return [value, ...this.#runFinallies(), branch(label, as(this.#result, int(0)))]
    }
    if (value.type === 'f64' && this.#result === 'i64') throw new NeedsFloat()
    if (this.#finallies.length === 0) return [branch(label, as(this.#result, value))]
    const local = this.#local(this.#result)
    return [set(local, value), ...this.#runFinallies(), branch(label, get(local))]
  }

  #runFinallies() {
    const kept = this.#finallies
    const statements = []
    for (let i = kept.length - 1; i >= 0; i--) {
      this.#finallies = kept.slice(0, i)
      statements.push(...this.#block(kept[i].body))
    }
    this.#finallies = kept
    return statements
  }

  #loop({ test, body, update }) {
    const end = {}
    const again = {}
    const next = {}
    this.#loops.push({ end, next, finallies: this.#finallies.length })
    const condition = test ? this.#condition(test) : true
    const written = this.#block([body])
    this.#loops.pop()
    const head = condition === true ? [] : branchUnless(end, conditionTree(condition))
    const tail = update ? this.#effect(update) : []
    return [
      block(end, 'void', [
        loop(again, [...head, block(next, 'void', written), ...tail, branch(again)]),
      ]),
    ]
  }

  #for({ init, test, update, body }) {
    const outer = this.#scope
    this.#scope = new Scope(outer)
    const before =
      init === null
        ? []
        : init.type === 'VariableDeclaration'
          ? this.#statement(init)
          : this.#effect(init)
    const written = [...before, ...this.#loop({ test, body, update })]
    this.#scope = outer
    return written
  }

  #doWhile({ test, body }) {
    const end = {}
    const again = {}
    const next = {}
    this.#loops.push({ end, next, finallies: this.#finallies.length })
    const written = this.#block([body])
    this.#loops.pop()
    const condition = conditionTree(this.#condition(test))
    return [
      block(end, 'void', [
        loop(again, [block(next, 'void', written), ...branchWhen(again, condition)]),
      ]),
    ]
  }

  #leave({ type, label }) {
    if (label) unsupported('label')
    const isBreak = type === 'BreakStatement'
    const around = this.#loops.findLast(({ next }) => isBreak || next !== undefined)
    if (around.finallies !== this.#finallies.length) unsupported(`${type} out of try`)
    return [branch(isBreak ? around.end : around.next)]
  }

  #switch({ discriminant, cases }) {
    const end = {}
    const what = this.#local('i64')
    const labels = cases.map(() => ({}))
    this.#loops.push({ end, next: undefined, finallies: this.#finallies.length })
    const bodies = cases.map(({ consequent }) => this.#block(consequent))
    this.#loops.pop()
    const values = cases.map(({ test }) => (test ? this.value(test) : undefined))
    const otherwise = labels[values.indexOf(undefined)] ?? end
    const known = values.filter((it) => it !== undefined)
    if (!known.every((it) => it.op === 'i64.const' && it.value >= 0 && it.value < 256)) {
      unsupported('switch over other than small numbers')
    }
    const table = []
    for (let i = 0; i <= Math.max(...known.map(({ value }) => value)); i++) {
      const at = values.findIndex((it) => it?.value === i)
      table.push(at < 0 ? otherwise : labels[at])
    }
    let written = [branchTable(table, otherwise, low(get(what)))]
    bodies.forEach((body, i) => {
      written = [block(labels[i], 'void', written), ...body]
    })
    return [set(what, toInt(this.#number(discriminant))), block(end, 'void', written)]
  }

  /** `throw new Class(…)` is a call of a JavaScript function that does. */
  #throw(argument) {
    if (argument.type !== 'NewExpression') unsupported('throw')
    const { callee, arguments: given } = argument
    const builtin = callee.name === 'Error'
    const source = builtin ? undefined : this.#compiler.program.meaning(this.#file, callee.name)
    if (!builtin && source?.exported === undefined) unsupported(`throw ${callee.name}`)
    const thrower = (args) =>
      `(${args.names}) => { throw new ${builtin ? 'Error' : args.reference(source.exported)}(${args.all}) }`
    return [
      ...this.#callScript(
        thrower,
        given.map((it) => this.value(it)),
        'f64',
      ),
      unreachable(),
    ].map((it) => drop(it))
  }

  #try({ block: protectedBlock, handler, finalizer }) {
    if (handler) unsupported('catch')
    this.#finallies = [...this.#finallies, finalizer]
    const body = this.#block(protectedBlock.body)
    this.#finallies = this.#finallies.slice(0, -1)
    const after = () => this.#block(finalizer.body)
    return [protect({}, body, after()), ...after()]
  }

  #effect(node) {
    switch (node.type) {
      case 'AssignmentExpression':
        return this.#assign(node).statements
      case 'UpdateExpression':
        return this.#update(node).statements
    }
    const value = this.value(node)
    return isTree(value) ? [drop(value)] : []
  }

  // ── expressions ──────────────────────────────────────────────────────────────────────────────

  /** A number or truth value, as a tree. */
  #number(node) {
    const value = this.value(node)
    if (isTree(value)) return value
    return unsupported(`${value.constant ?? 'view'} as a number`)
  }

  /** A tree for a condition, or a boolean when it is known. */
  #condition(node) {
    const value = this.value(node)
    if (value.constant === 'undefined') return false
    if (value.constant === 'boolean') return value.value
    if (!isTree(value)) return true
    if (value.op === 'i64.const') return value.value !== 0
    return truth(value)
  }

  value(node) {
    switch (node.type) {
      case 'ParenthesizedExpression':
        return this.value(node.expression)
      case 'Literal':
        return literal(node)
      case 'Identifier':
        return this.#identifier(node.name)
      case 'ThisExpression':
        return this.#self ?? unsupported('this')
      case 'MemberExpression':
        return this.#member(node)
      case 'ChainExpression':
        return this.value(node.expression)
      case 'CallExpression':
        return this.#call(node)
      case 'BinaryExpression':
        return this.#binary(node)
      case 'LogicalExpression':
        return this.#logical(node)
      case 'UnaryExpression':
        return this.#unary(node)
      case 'ConditionalExpression':
        return this.#conditional(node)
      case 'AssignmentExpression': {
        const { statements, value } = this.#assign(node)
        return sequence(statements, value())
      }
      case 'UpdateExpression': {
        const { statements, value } = this.#update(node)
        return node.prefix ? sequence(statements, value()) : this.#postfix(node, statements)
      }
    }
    return unsupported(node.type)
  }

  #identifier(name) {
    if (name === 'undefined') return UNDEFINED
    const found = this.#scope.find(name)
    if (found?.variable) return found.int32 ? getInt32(found.variable) : get(found.variable)
    if (found !== undefined) return found
    const meaning = this.#compiler.program.meaning(this.#file, name)
    if (meaning === undefined) {
      if (name === 'Math' || name === 'Atomics') return { constant: 'builtin', name }
      return unsupported(`name ${name}`)
    }
    return this.#meaning(meaning, name)
  }

  /** The value of a name at a module's top level. */
  #meaning(meaning, name) {
    const { kind, live } = meaning
    if (kind === 'function') return { constant: 'function', ...meaning }
    if (kind === 'namespace') return { constant: 'namespace', ...meaning }
    if (kind !== 'const') unsupported(`${kind} ${name}`)
    if (typeof live === 'number') return numberOf(live)
    if (ArrayBuffer.isView(live)) return this.#compiler.exported(meaning)
    if (typeof live === 'object' && live !== null) return { constant: 'record', value: live }
    return new FunctionCompiler(this.#compiler, this.#target, meaning.file).value(meaning.node)
  }

  #member(node) {
    const object = this.value(node.object)
    if (node.optional && object.constant === 'undefined') return UNDEFINED
    if (node.computed) {
      const view = this.#view(object)
      return load(view, this.#number(node.property))
    }
    return this.#property(object, node.property.name)
  }

  #view(value) {
    if (value.view) return value
    if (value.constant !== 'object' || !ArrayBuffer.isView(value.object)) unsupported('array')
    return this.#compiler.memory.view(this.#compiler, value) ?? unsupported('array elsewhere')
  }

  #property(object, name) {
    if (object.constant === 'builtin') {
      return { constant: 'builtin-method', name: `${object.name}.${name}` }
    }
    if (object.constant === 'namespace') {
      const meaning = this.#compiler.program.meaning(object.file, name)
      return this.#meaning(meaning ?? unsupported(name), name)
    }
    if (object.constant === 'record' && typeof object.value[name] === 'number') {
      return numberOf(object.value[name])
    }
    if (object.constant !== 'object') unsupported(`.${name} of ${object.constant ?? 'a number'}`)
    const live = object.object
    const { program } = this.#compiler
    if (ArrayBuffer.isView(live) && typeof live[name] === 'function') {
      return { constant: 'array-method', owner: object, name }
    }
    if (!Object.hasOwn(live, name) && !ArrayBuffer.isView(live)) {
      const member = program.memberOf(live, name)
      if (member?.kind === 'get') return this.#callFunction(member, object, [], name)
      if (member === undefined) {
        if (live[name] !== undefined) unsupported(`.${name}`)
        this.#compiler.expect(`${object.name}.${name} === undefined`)
        return UNDEFINED
      }
      return { constant: 'method', member, owner: object, name }
    }
    return this.#field(object, name, live[name])
  }

  #field(object, name, value) {
    const compiler = this.#compiler
    const path = `${object.name}.${name}`
    switch (typeof value) {
      case 'number':
      case 'boolean': {
        const about = { owner: object.name, property: name, boolean: typeof value === 'boolean' }
        const changes =
          !ArrayBuffer.isView(object.object) && compiler.program.changes(object.object, name, true)
        return compiler.number(path, 'i64', { ...about, changes }, object.object, value)
      }
      case 'function': {
        const source = compiler.program.sourceOf(value)
        if (source?.kind === 'function') {
          compiler.expect(`${path}.name === ${JSON.stringify(value.name)}`)
          return { constant: 'function', ...source }
        }
        return { constant: 'script', source: path, owner: object, name }
      }
      case 'undefined':
        if (compiler.program.changes(object.object, name)) unsupported(`${path} may change`)
        compiler.expect(`${path} === undefined`)
        return UNDEFINED
      case 'string':
        compiler.expect(`${path} === ${JSON.stringify(value)}`)
        return { constant: 'text', value }
      case 'object':
        if (value === null || compiler.program.changes(object.object, name))
          unsupported(`${path} may change`)
        if (value.constructor?.name !== 'Object') {
          compiler.expect(`${path}.constructor.name === '${value.constructor.name}'`)
        }
        return { constant: 'object', object: value, ...compiler.objectAt(value, object, name) }
    }
    return unsupported(path)
  }

  #binary({ operator, left, right }) {
    const a = this.value(left)
    const b = this.value(right)
    if (!isTree(a) || !isTree(b)) return this.#compareConstants(operator, a, b)
    if (operator in { '+': 0, '-': 0, '*': 0, '/': 0, '%': 0 }) {
      return arithmetic(operator, a, b) ?? unsupported('% of fractions')
    }
    if (operator in { '===': 0, '!==': 0, '<': 0, '>': 0, '<=': 0, '>=': 0 }) {
      return compare(operator, a, b)
    }
    if (operator === '**' && a.value !== undefined && b.value !== undefined) {
      return numberOf(a.value ** b.value)
    }
    if (operator in { '&': 0, '|': 0, '^': 0, '<<': 0, '>>': 0, '>>>': 0 }) {
      return bitwise(operator, a, b)
    }
    return unsupported(operator)
  }

  #compareConstants(operator, a, b) {
    if (operator === '+' && a.constant === 'text' && b.constant === 'text') {
      return { constant: 'text', value: a.value + b.value }
    }
    if (operator !== '===' && operator !== '!==') unsupported(`${operator} of objects`)
    if (isTree(a) || isTree(b)) {
      // A truth value compared with `true` or `false`; a number is never undefined.
      const [tree, other] = isTree(a) ? [a, b] : [b, a]
      if (other.constant === 'boolean') {
        const same = other.value ? truth(tree) : not(tree)
        return operator === '===' ? same : not(same)
      }
      return { constant: 'boolean', value: operator === '!==' }
    }
    const identity = (it) => (it.constant === 'object' ? it.object : (it.value ?? it.constant))
    return { constant: 'boolean', value: (identity(a) === identity(b)) === (operator === '===') }
  }

  #logical({ operator, left, right }) {
    const a = this.value(left)
    const known =
      a.constant === 'undefined' ? false : a.constant === 'boolean' ? a.value : undefined
    if (operator === '??') {
      if (a.constant === 'undefined') return this.value(right)
      return a
    }
    if (!isTree(a)) {
      const isTrue = known ?? true
      return isTrue === (operator === '&&') ? this.value(right) : a
    }
    const b = this.value(right)
    if (!isTree(b)) unsupported('logical operator over objects')
    if (a.type === 'i32' && b.type === 'i32') {
      return operator === '&&' ? both(a, b) : either(a, b)
    }
    const kept = this.#local(a.type === 'f64' || b.type === 'f64' ? 'f64' : 'i64')
    const rest = [set(kept, b)]
    const test = truth(get(kept))
    return sequence([set(kept, a), when(operator === '&&' ? test : not(test), rest)], get(kept))
  }

  #unary({ operator, argument }) {
    if (operator === '!') {
      const known = this.#condition(argument)
      return typeof known === 'boolean' ? { constant: 'boolean', value: !known } : not(known)
    }
    if (operator === 'void') return UNDEFINED
    const value = this.#number(argument)
    if (operator === '-') {
      if (value.type === 'f64') return unary('f64.neg', 'f64', value)
      return arithmetic('-', int(0), value)
    }
    if (operator === '~') return bitwise('^', value, int(-1))
    if (operator === '+') return value
    return unsupported(operator)
  }

  #conditional({ test, consequent, alternate }) {
    const condition = this.#condition(test)
    if (typeof condition === 'boolean') return this.value(condition ? consequent : alternate)
    const a = this.value(consequent)
    const b = this.value(alternate)
    if (a.constant === 'object' && b.constant === 'object') {
      const [x, y] = [this.#view(a), this.#view(b)]
      if (x.element !== y.element || !x.base || !y.base) unsupported('a choice of objects')
      return { ...x, base: when(condition, [x.base], [y.base], 'i32') }
    }
    if (!isTree(a) || !isTree(b)) {
      const [x, y] = [a, b].map((it) => (it.constant === 'boolean' ? boolean(it.value) : it))
      if (!isTree(x) || !isTree(y)) unsupported('a choice of objects')
      return when(condition, [toInt(x)], [toInt(y)], 'i64')
    }
    const type = a.type === b.type ? a.type : a.type === 'f64' || b.type === 'f64' ? 'f64' : 'i64'
    return when(condition, [as(type, a)], [as(type, b)], type)
  }

  // ── assignments ──────────────────────────────────────────────────────────────────────────────

  /** Statements that assign, and what reads the value assigned. */
  #assign({ operator, left, right }) {
    const target = this.#target_(left)
    if (operator === '=') return target.write(this.#valueToStore(right))
    const sign = operator.slice(0, -1)
    const a = target.read()
    const b = this.#number(right)
    if (sign in { '+': 0, '-': 0, '*': 0, '%': 0, '/': 0 })
      return target.write(arithmetic(sign, a, b))
    return target.write(bitwise(sign, a, b))
  }

  #valueToStore(node) {
    const value = this.value(node)
    if (value.constant === 'boolean') return boolean(value.value)
    return isTree(value) ? value : unsupported('storing an object')
  }

  #update({ operator, argument }) {
    const target = this.#target_(argument)
    return target.write(arithmetic(operator[0], target.read(), int(1)))
  }

  #postfix({ argument }, statements) {
    const kept = this.#local('i64')
    return sequence([set(kept, this.#number(argument)), ...statements], get(kept))
  }

  /** Where an assignment goes: how to read it and write it. */
  #target_(node) {
    if (node.type === 'ParenthesizedExpression') return this.#target_(node.expression)
    if (node.type === 'Identifier') {
      const found = this.#scope.find(node.name)
      const local = found?.variable ?? unsupported(`assignment ${node.name}`)
      const read = () => (found.int32 ? getInt32(local) : get(local))
      return {
        read,
        write: (value) => {
          if (found.int32 && !isInt32(toInt(value))) throw new NeedsWide(this.#node, node.name)
          if (value.type === 'f64' && local.type === 'i64') unsupported(`fraction in ${node.name}`)
          return { statements: [set(local, value)], value: read }
        },
      }
    }
    if (node.type !== 'MemberExpression') unsupported(`assignment to ${node.type}`)
    const object = this.value(node.object)
    if (!node.computed) {
      const field = this.#property(object, node.property.name)
      if (field.op !== 'global.get') unsupported(`assignment to .${node.property.name}`)
      const { global } = field
      return {
        read: () => readGlobal(global),
        write: (value) => ({
          statements: [writeGlobal(global, value)],
          value: () => readGlobal(global),
        }),
      }
    }
    const view = this.#view(object)
    const { before, index } = this.#settledIndex(this.#number(node.property))
    return {
      read: () => load(view, index),
      write: (tree) => {
        const statements = [...before, store(view, index, tree)]
        // The value is used again where an assignment is one: then it is kept.
        const value = () => {
          const kept = this.#local(tree.type === 'f64' ? 'f64' : 'i64')
          statements.splice(before.length, 1, set(kept, tree), store(view, index, get(kept)))
          return get(kept)
        }
        return { statements, value }
      },
    }
  }

  /** An index that may be written down twice: what does more than compute goes before. */
  #settledIndex(index) {
    if (isPure(index)) return { before: [], index }
    const local = this.#local('i64')
    local.steady = true
    return { before: [set(local, index)], index: get(local) }
  }

  // ── calls ────────────────────────────────────────────────────────────────────────────────────

  #call(node) {
    const callee = this.value(node.callee)
    if (callee.constant === 'undefined' && (node.optional || isOptional(node.callee))) {
      return UNDEFINED
    }
    const args = node.arguments.map((it) => this.value(it))
    return this.#callValue(callee, args)
  }

  #callValue(callee, args) {
    switch (callee.constant) {
      case 'builtin-method': {
        const tools = { local: (type) => this.#local(type), view: (it) => this.#view(it) }
        return builtinCall(callee.name, args, tools) ?? unsupported(callee.name)
      }
      case 'array-method':
        return this.#callArray(callee, args)
      case 'function':
        return this.#callFunction(callee, undefined, args, callee.node.id?.name ?? 'function')
      case 'method':
        return this.#callFunction(callee.member, callee.owner, args, callee.name)
      case 'script':
        return this.#callPath(callee.source, args, 'f64')
    }
    return unsupported('callee')
  }

  #callArray({ owner, name }, args) {
    const view = this.#view(owner)
    const made = arrayCall(name, view, args)
    return made ?? this.#callPath(`${owner.name}.${name}`, args, 'i64')
  }

  /** Calls what a path of JavaScript leads to. */
  #callPath(path, args, result) {
    return this.#callScript(({ names, all }) => `(${names}) => ${path}(${all})`, args, result)[0]
  }

  /** In place when small, else as a function of the module, else as JavaScript. */
  #callFunction(source, self, args, name) {
    try {
      const compiler = this.#compiler
      if (compiler.isSmall(source.node) && this.#depth < INLINE_DEPTH) {
        const tree = this.#inline(source, self, args)
        if (compiler.staysSmall(source.node, tree)) return tree
      }
      const { target, given } = outOfLine(compiler, source, self, args, name)
      return call(target, given)
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      return this.#fallBack(source, self, args, name, error)
    }
  }

  #fallBack(source, self, args, name, error) {
    if (self !== undefined) {
      this.#compiler.fallbacks.add(`${self.name}.${name}: ${error.message}`)
      return this.#callPath(`${self.name}.${name}`, args, 'i64')
    }
    if (source.exported === undefined) throw error
    this.#compiler.fallbacks.add(`${name}: ${error.message}`)
    return this.#callScript(
      ({ names, all, reference }) => `(${names}) => ${reference(source.exported)}(${all})`,
      args,
      'i64',
    )[0]
  }

  /** Calls a JavaScript function with the numbers among `args`; the others are written into it. */
  #callScript(source, args, result) {
    const numbers = []
    const texts = args.map((it) => {
      if (isTree(it)) {
        numbers.push(it)
        return `a${numbers.length - 1}`
      }
      switch (it.constant) {
        case 'object':
          return it.name
        case 'text':
        case 'boolean':
          return JSON.stringify(it.value)
        case 'undefined':
          return 'undefined'
      }
      return unsupported(`${it.constant ?? 'view'} for JavaScript`)
    })
    const names = numbers.map((_, i) => `a${i}`).join(', ')
    const reference = ({ file, name }) => this.#compiler.reference(file, name)
    const text = source({ names, all: texts.join(', '), reference })
    const target = this.#compiler.import(text, numbers.length, 'f64')
    const value = call(target, numbers)
    return [result === 'f64' ? value : toInt(value)]
  }

  #inline(source, self, args) {
    const before = []
    const settled = args.map((it) => {
      if (!isTree(it) || isSteady(it)) return it
      const local = this.#local(isInt32(it) ? 'i32' : it.type)
      local.steady = true
      before.push(set(local, it))
      return isInt32(it) ? getInt32(local) : get(local)
    })
    return sequence(before, this.#inlined(source, self, settled))
  }

  #inlined(source, self, args) {
    let result = resultOf(source.node)
    for (;;) {
      const inner = new FunctionCompiler(
        this.#compiler,
        this.#target,
        source.file,
        self,
        result,
        this.#depth + 1,
      )
      try {
        const made = inner.body(source.node, args)
        if (made.expression !== undefined) {
          const { before, expression } = made
          return isTree(expression) ? sequence(before, expression) : expression
        }
        return wrapBody(made)
      } catch (error) {
        if (this.#compiler.learned(error, source.node)) continue
        if (!(error instanceof NeedsFloat) || result === 'f64') throw error
        result = 'f64'
      }
    }
  }
}

const isPure = (it) =>
  !['call', 'sequence', 'block', 'if', 'atomic'].includes(it.op) && it.args.every(isPure)

/** A return of something that is no integer, from a function thought to give integers. */
class NeedsFloat extends Error {}

/** A variable that was thought to hold 32-bit integers only. */
export class NeedsWide extends Error {
  constructor(node, name) {
    super(name)
    this.node = node
  }
}

/** A value that stays what it is: a constant, or a local that is set once. */
const isSteady = (it) =>
  /\.const$/.test(it.op) ||
  (it.op === 'local.get' && it.local.steady) ||
  (it.op === 'i64.extend' && isSteady(it.args[0]))

/** A body whose only branch to its end is its last statement needs no block. */
function wrapBody({ body, label, result }) {
  const last = body.at(-1)
  const branches = countBranches(body, label)
  if (branches === 0) return result === 'void' ? block(label, 'void', body) : sequence(body, int(0))
  if (last.op === 'br' && last.label === label && branches === 1) {
    return last.args.length > 0
      ? sequence(body.slice(0, -1), last.args[0])
      : block({}, 'void', body.slice(0, -1))
  }
  // What comes after a return in every way is never reached, but must have the type.
  const end = result === 'void' ? [] : [as(result, int(0))]
  return block(label, result, [...body, ...end])
}

function countBranches(it, label) {
  if (Array.isArray(it)) return it.reduce((sum, one) => sum + countBranches(one, label), 0)
  if (it === null || typeof it !== 'object' || it.op === undefined) return 0
  let count = it.label === label && (it.op === 'br' || it.op === 'br_if') ? 1 : 0
  for (const key of ['args', 'before', 'value', 'body', 'then', 'otherwise', 'after']) {
    if (typeof it[key] === 'object') count += countBranches(it[key], label)
  }
  return count
}

const resultOf = (node) => {
  if (node.body.type !== 'BlockStatement') return 'i64'
  return givesValue(node.body) ? 'i64' : 'void'
}

function givesValue(node) {
  if (Array.isArray(node)) return node.some(givesValue)
  if (node === null || typeof node !== 'object') return false
  if (/Function/.test(node.type ?? '')) return false
  if (node.type === 'ReturnStatement') return node.argument !== null
  return Object.values(node).some((it) => typeof it === 'object' && givesValue(it))
}

/** Names that a function assigns to. */
function assignedNames(node) {
  const names = new Set()
  const visit = (it) => {
    if (Array.isArray(it)) it.forEach(visit)
    else if (it !== null && typeof it === 'object') {
      if (it.type === 'AssignmentExpression' && it.left.type === 'Identifier')
        names.add(it.left.name)
      if (it.type === 'UpdateExpression' && it.argument.type === 'Identifier') {
        names.add(it.argument.name)
      }
      Object.values(it).forEach((one) => typeof one === 'object' && visit(one))
    }
  }
  visit(node.body)
  return names
}

const isOptional = (node) =>
  node.optional === true || (node.type === 'MemberExpression' && isOptional(node.object))

const boolean = (value) => int(value ? 1 : 0)
const numberOf = (value) => (Number.isSafeInteger(value) ? int(value) : float(value))

function literal({ value }) {
  switch (typeof value) {
    case 'number':
      return numberOf(value)
    case 'boolean':
      return boolean(value)
    case 'string':
      return { constant: 'text', value }
  }
  return unsupported(`literal ${value}`)
}

const conditionTree = (condition) =>
  typeof condition === 'boolean' ? int32(condition ? 1 : 0) : condition

/** A function of the module for these constant arguments; `given` are the others. */
function outOfLine(compiler, source, self, args, name) {
  const key = [
    `${source.file}:${source.node.start} ${name}`,
    self?.name ?? '',
    ...args.map((it) => describe(it)),
  ].join('|')
  const given = []
  for (const it of args) {
    if (isTree(it)) given.push(it)
    else if (it.view) given.push(it.base)
  }
  const build = (target, result) => {
    target.result = result
    target.params = []
    target.locals = []
    const bound = args.map((it) => {
      if (it.view) {
        const local = { type: 'i32', steady: true }
        target.locals.push(local)
        target.params.push('i32')
        return { ...it, base: get(local) }
      }
      if (!isTree(it) && it.type === undefined) return it
      const local = { type: it.type === 'f64' ? 'f64' : 'i64', steady: true }
      target.locals.push(local)
      target.params.push(local.type)
      return get(local)
    })
    const inner = new FunctionCompiler(compiler, target, source.file, self, result, 0)
    const made = inner.body(source.node, bound)
    if (made.expression !== undefined) {
      if (!isTree(made.expression)) unsupported('an object as result')
      if (made.expression.type === 'f64' && result === 'i64') throw new NeedsFloat()
      const { type } = made.expression
      if (type === 'void') target.result = 'void'
      target.body = [
        ...made.before,
        type === 'void' ? made.expression : as(result, made.expression),
      ]
      return
    }
    const whole = wrapBody(made)
    target.body = [result === 'void' ? whole : as(result, whole)]
  }
  const target = compiler.function(key, (it) => {
    let result = resultOf(source.node)
    for (;;) {
      try {
        build(it, result)
        return
      } catch (error) {
        if (compiler.learned(error, source.node)) continue
        if (!(error instanceof NeedsFloat) || result === 'f64') throw error
        result = 'f64'
      }
    }
  })
  return { target, given }
}

function describe(it) {
  if (isTree(it)) return it.type === 'f64' ? 'f64' : 'i64'
  if (it.view) return `view ${it.element}`
  switch (it.constant) {
    case 'object':
      return it.name
    case 'text':
    case 'boolean':
      return JSON.stringify(it.value)
    case 'undefined':
      return 'undefined'
    case 'function':
      return `${it.file}:${it.node.start}`
  }
  if (it.type !== undefined) return it.type
  return unsupported(`${it.constant} as argument`)
}
