// Compiles methods of live objects to WebAssembly. The objects are constants to it: what
// `this.words` is, which class `this.process` has and which function `rules.intMalloc` are known,
// so that only numbers are left to compute. See ../README.md for the part of JavaScript it
// understands.
import { nodesOf } from '../../../../build-modules.mjs'
import { encodeModule, placesOf } from './binary.mjs'
import { entryOf, getterOf, methodOf, setterOf } from './entries.mjs'
import { constant, readGlobal } from './instructions.mjs'
import { countTrees, visitTrees } from './trees.mjs'
import { NeedsWide, Unsupported } from './unsupported.mjs'
import { codeOf } from './writing.mjs'

/** Nodes of a function that is put in place of every call of it. */
const INLINE_NODES = 300
/** The same where it is rarely called. */
export const INLINE_NODES_RARE = 20
/** Instructions of such a function, those of what is put in its place included. */
const INLINE_INSTRUCTIONS = 1200

export class Compiler {
  program
  /** Live object to { name, object }: the constants of the code. */
  objects = new Map()
  globals = []
  /** Numbers known when a run starts. */
  holes = []
  imports = []
  /** Functions that stay JavaScript although a compiled one calls them, and why. */
  fallbacks = new Set()
  /** Exports of other modules that the glue needs: { file, name }. */
  references = []
  #functions = new Map()
  #failed = new Map()
  #sizes = new Map()
  #wide = new Map()
  #exports = []
  /** Assertions about the live objects: source text of conditions. */
  #expected = []

  /**
   * `twin` is a root as another lab thread has it; `profile`, which may be missing, knows what is
   * rare.
   */
  constructor(program, memory, twin, profile) {
    this.program = program
    this.memory = memory
    this.twin = twin
    this.profile = profile
  }

  /** A root object: the glue is given it by this name. */
  root(object, name) {
    this.objects.set(object, { name, path: undefined })
  }

  /** A constant object by its place: `path` is what leads from another one to it. */
  objectAt(object, owner, property) {
    let known = this.objects.get(object)
    if (known === undefined) {
      known = {
        name: `o${this.objects.size}`,
        path: `${owner.name}.${property}`,
        object,
        owner: owner.object,
        property,
      }
      this.objects.set(object, known)
    }
    return known
  }

  /** A constant array that a module exports. */
  exported({ live, exported: { file, name } }) {
    const known = this.objects.get(live) ?? { name: this.reference(file, name), object: live }
    this.objects.set(live, { ...known, imported: true })
    return { constant: 'object', object: live, ...known }
  }

  expect(condition) {
    if (!this.#expected.includes(condition)) this.#expected.push(condition)
  }

  global(key, type, about) {
    let found = this.globals.find((it) => it.key === key)
    if (found === undefined) {
      found = { key, type, ...about }
      this.globals.push(found)
    }
    return found
  }

  /**
   * A number of a live object: a global of the module, or, where all lab threads of a run have the
   * same for good, a constant.
   */
  number(path, type, about, object, value) {
    const isShared =
      !about.changes && (object === undefined || this.twinOf(object)?.[about.property] === value)
    return isShared
      ? constant(this.#hole(path, type, about))
      : readGlobal(this.global(path, type, about))
  }

  /** Where the copy of a constant array lies. */
  table(name) {
    return constant(this.#hole(`${name} copied`, 'i32', { table: name }))
  }

  #hole(key, type, about) {
    let found = this.holes.find((it) => it.key === key)
    if (found === undefined) {
      found = { key, type, number: this.holes.length, ...about }
      this.holes.push(found)
    }
    return found
  }

  /** The same object of another lab thread of the same run. */
  twinOf(object) {
    const { name, path, owner, property } = this.objects.get(object) ?? {}
    if (path === undefined) return name === 'loop' ? this.twin : undefined
    return this.twinOf(owner)?.[property]
  }

  /** A function of JavaScript, called with numbers: `source` is an expression that gives it. */
  import(source, count) {
    const key = `${source}/${count}`
    let found = this.imports.find((it) => it.key === key)
    if (found === undefined) {
      const params = Array(count).fill('f64')
      const name = `f${this.imports.length}`
      found = { key, name, source, params, result: 'f64', imported: true }
      this.imports.push(found)
    }
    return found
  }

  /** The name by which the glue knows what another module exports. */
  reference(file, name) {
    let at = this.references.findIndex((it) => it.file === file && it.name === name)
    if (at < 0) at = this.references.push({ file, name }) - 1
    return `r${at}`
  }

  /** Names of a function's variables that hold more than 32-bit integers. */
  wide(node) {
    let names = this.#wide.get(node)
    if (names === undefined) this.#wide.set(node, (names = new Set()))
    return names
  }

  /** Has an error taught something about the function, so that it should be compiled again? */
  learned(error, node) {
    if (!(error instanceof NeedsWide) || error.node !== node) return false
    this.wide(node).add(error.message)
    return true
  }

  /** Is a function, by the nodes of its syntax tree, small enough to be put in place of a call? */
  isSmall(node, most = INLINE_NODES) {
    let size = this.#sizes.get(node)
    if (size === undefined) {
      size = [...nodesOf(node.body)].length
      this.#sizes.set(node, size)
    }
    return size <= most
  }

  /** Is it still small with all that it calls put in place? */
  staysSmall(tree) {
    return countTrees(tree) <= INLINE_INSTRUCTIONS
  }

  /** A function as one of the module: compiled when first asked for. Throws `Unsupported`. */
  function(key, build) {
    const failed = this.#failed.get(key)
    if (failed !== undefined) throw failed
    let found = this.#functions.get(key)
    if (found === undefined) {
      found = { key, params: [], result: 'i64', locals: [], body: undefined }
      this.#functions.set(key, found)
      try {
        build(found)
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error
        this.#functions.delete(key)
        this.#failed.set(key, error)
        throw error
      }
    }
    return found
  }

  /** Makes a method of a live object a function of the module. Throws `Unsupported`. */
  export(object, method, parameters, name = method) {
    const target = methodOf(this, object, method, parameters)
    this.#exports.push({ name, target: entryOf(target, name) })
  }

  /** Bytes of the module, and what its imports and globals stand for. */
  finish() {
    this.#exportGlobals()
    const reached = this.#reachable()
    const imports = reached.filter(({ imported }) => imported)
    const functions = reached.filter(({ imported }) => !imported)
    const index = new Map([...imports, ...functions].map((it, i) => [it, i]))
    const numbers = {
      function: (target) => index.get(target),
      global: (global) => this.globals.indexOf(global),
    }
    const encoded = functions.map(({ params, result, locals, body }) => {
      locals.forEach((local, i) => {
        local.number = i
      })
      const types = locals.slice(params.length).map(({ type }) => type)
      return { params, result, locals: types, ...codeOf(body, numbers) }
    })
    const bytes = encodeModule({
      imports,
      globals: this.globals.map(({ type }) => type),
      functions: encoded,
      exports: this.#exports.map(({ name, target }) => ({ name, index: index.get(target) })),
    })
    const holes = this.holes.map((it) => ({ ...it, places: placesOf(bytes, it) }))
    return { bytes, imports, globals: this.globals, holes, expected: this.#expected, functions }
  }

  #exportGlobals() {
    this.globals.forEach((global, i) => {
      this.#exports.push({ name: `get${i}`, target: getterOf(global) })
      this.#exports.push({ name: `set${i}`, target: setterOf(global) })
    })
  }

  #reachable() {
    const seen = new Set()
    const visit = (target) => {
      if (seen.has(target)) return
      seen.add(target)
      visitTrees(target.body, (tree) => {
        if (tree.op === 'call') visit(tree.target)
      })
    }
    for (const { target } of this.#exports) visit(target)
    return [...seen]
  }
}
