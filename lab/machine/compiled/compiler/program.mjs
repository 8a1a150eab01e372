// The modules of dist/ as the compiler sees them: what a name of a module means, which syntax tree
// a live function or class was made from.
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { modulesOf, nodesOf } from '../../../../build-modules.mjs'

/** Names of fields that a piece of code assigns to: those of `this`, or all others. */
function assignedIn(code, ofThis) {
  const names = []
  for (const { type, left, argument } of nodesOf(code ?? [])) {
    const target =
      type === 'AssignmentExpression' ? left : type === 'UpdateExpression' ? argument : undefined
    if (target?.type !== 'MemberExpression' || target.computed) continue
    if ((target.object.type === 'ThisExpression') === ofThis) names.push(target.property.name)
  }
  return names
}

/** All of `dist`; loads the modules as well, so that what they export can be recognized. */
export class Program {
  #modules
  /** Live function or class to { node, file }. */
  #sources = new Map()
  /** By class body: names assigned to outside its constructor, as in `this.name = 1`. */
  #assignedToThis = new Map()
  /** Names assigned to as in `x.name = 1`. */
  #assignedElsewhere = new Set()

  constructor(dist) {
    this.#modules = modulesOf(dist)
    for (const [file, module] of this.#modules) this.#index(file, module)
  }

  #index(file, module) {
    module.names = new Map()
    for (const statement of module.program.body) {
      if (statement.type === 'ImportDeclaration') {
        for (const { imported, local, type } of statement.specifiers) {
          const from = statement.source.value
          const source = from.startsWith('.') ? resolve(dirname(file), from) : undefined
          const name = type === 'ImportNamespaceSpecifier' ? '*' : imported?.name
          module.names.set(local.name, { kind: 'import', source, name })
        }
        continue
      }
      const node = statement.declaration ?? statement
      if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') {
        const kind = node.type === 'FunctionDeclaration' ? 'function' : 'class'
        module.names.set(node.id.name, { kind, node, file })
      } else if (node.type === 'VariableDeclaration') {
        for (const { id, init } of node.declarations) {
          if (id.type === 'Identifier') {
            const isFunction = /^(Arrow)?FunctionExpression$/.test(init?.type)
            const kind = isFunction ? 'function' : node.kind === 'const' ? 'const' : 'variable'
            module.names.set(id.name, { kind, node: init, file })
          }
        }
      }
    }
    this.#collectAssigned(module.program.body)
  }

  #collectAssigned(body) {
    const own = new Map()
    for (const node of nodesOf(body)) {
      if (node.type !== 'ClassBody') continue
      const names = new Set()
      for (const { kind, value } of node.body) {
        if (kind === 'constructor') continue
        for (const name of assignedIn(value, true)) names.add(name)
      }
      own.set(node, names)
    }
    for (const [classBody, names] of own) this.#assignedToThis.set(classBody, names)
    for (const name of assignedIn(body, false)) this.#assignedElsewhere.add(name)
  }

  /**
   * May a field of a live object get another value after its constructor? `anywhere`: also by code
   * outside its class, where any assignment to a field of this name counts.
   */
  changes(object, name, anywhere) {
    if (anywhere && this.#assignedElsewhere.has(name)) return true
    for (let proto = Object.getPrototypeOf(object); proto; proto = Object.getPrototypeOf(proto)) {
      const source = this.#sources.get(proto.constructor)
      if (source?.kind === 'class' && this.#assignedToThis.get(source.node.body).has(name))
        return true
    }
    return false
  }

  /** Imports modules, so that the functions and classes they export can be found again. */
  async know(files) {
    for (const file of files) {
      const live = await import(pathToFileURL(file).href)
      for (const [name, value] of Object.entries(live)) {
        const meaning = this.meaning(file, name)
        if (meaning === undefined) continue
        meaning.exported = { file: meaning.file, name }
        if (typeof value === 'function') this.#sources.set(value, meaning)
        else meaning.live = value
      }
    }
  }

  files() {
    return [...this.#modules.keys()]
  }

  /** What a name at a module's top level stands for, followed through imports. */
  meaning(file, name) {
    const found = this.#modules.get(file)?.names.get(name)
    if (found?.kind === 'import') {
      if (found.source === undefined) return undefined
      if (found.name === '*') return { kind: 'namespace', file: found.source }
      return this.meaning(found.source, found.name) ?? this.#reexported(found.source, found.name)
    }
    // `const f$ = f`: a name bound by build-functions.mjs.
    if (found?.kind === 'const' && found.node?.type === 'Identifier') {
      return this.meaning(file, found.node.name)
    }
    return found ?? this.#reexported(file, name)
  }

  #reexported(file, name) {
    for (const statement of this.#modules.get(file)?.program.body ?? []) {
      if (statement.type !== 'ExportNamedDeclaration' || !statement.source) continue
      for (const { local, exported } of statement.specifiers) {
        if (exported.name === name) {
          return this.meaning(resolve(dirname(file), statement.source.value), local.name)
        }
      }
    }
    return undefined
  }

  /** The syntax tree of a live function or class, if a known module exports it. */
  sourceOf(live) {
    return this.#sources.get(live)
  }

  /** A method or accessor of a live object, by its class and the classes that one extends. */
  memberOf(object, name) {
    for (let proto = Object.getPrototypeOf(object); proto; proto = Object.getPrototypeOf(proto)) {
      const source = this.#sources.get(proto.constructor)
      if (source?.kind !== 'class') continue
      const member = source.node.body.body.find(
        ({ type, key, kind, static: isStatic }) =>
          type === 'MethodDefinition' && key.name === name && kind !== 'set' && !isStatic,
      )
      if (member !== undefined) return { kind: member.kind, node: member.value, file: source.file }
    }
    return undefined
  }
}
