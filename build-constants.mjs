// Writes the constants of dist/'s modules, their own and imported ones, as literals.
//
// V8 reads a module's constant from its context at every use, in optimized code too, and checks
// that it was set; an imported one from its module; and a member of an object costs a check of the
// object besides. The layouts of structs are such objects: a malloc of ours reads some twenty of
// them. tsc has no option for it: erasable syntax has no enum. lab/PERFORMANCE.md has the figures.
//
// Only whole numbers, and members of objects that hold nothing else and have NAMES_LIKE_THIS, when
// they are written without a call and from the modules' own names: what a build machine does not
// change. Never a name that the module declares again. A line stays the line it was.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseSync } from 'vite'

const dist = process.argv[2]

const modules = new Map(
  readdirSync(dist, { recursive: true })
    .filter((name) => name.endsWith('.js') && !name.includes('web/'))
    .map((name) => {
      const file = resolve(dist, name)
      const text = readFileSync(file, 'utf8')
      return [file, { text, program: parseSync(file, text).program }]
    }),
)

/** Every node below one, in the order of the text. */
function* nodesOf(node) {
  if (Array.isArray(node)) {
    for (const child of node) yield* nodesOf(child)
  } else if (node !== null && typeof node === 'object') {
    if (typeof node.type === 'string') yield node
    for (const key of Object.keys(node)) yield* nodesOf(node[key])
  }
}

const isWhole = (value) => Number.isSafeInteger(value) && !Object.is(value, -0)
const isTable = (value) =>
  value !== null &&
  typeof value === 'object' &&
  Object.getPrototypeOf(value) === Object.prototype &&
  Object.entries(value).every(([key, member]) => /^[A-Z][A-Z0-9_]*$/.test(key) && isWhole(member))

/** Names that a module declares itself, or imports from its neighbours. */
const namesOf = ({ program }) =>
  new Set(
    program.body.flatMap((node) => {
      const { declarations = [] } = node.declaration ?? node
      const imported = node.source?.value.startsWith('.') ? node.specifiers : []
      return [...declarations.map(({ id }) => id.name), ...imported.map(({ local }) => local.name)]
    }),
  )

/** Is it the same on every machine? */
function isFixed(initializer, names) {
  const keys = new Set()
  for (const node of nodesOf(initializer)) {
    if (/Call|New|Function|Await|Template/.test(node.type)) return false
    if (node.type === 'Property' && !node.computed) keys.add(node.key)
    if (node.type === 'MemberExpression' && !node.computed) keys.add(node.property)
    if (node.type === 'Identifier' && !keys.has(node) && !names.has(node.name)) return false
  }
  return true
}

/** Names that a module exports as `const` and that are the same on every machine. */
function constantsOf(module) {
  const names = namesOf(module)
  return module.program.body
    .filter(({ type, declaration }) => type === 'ExportNamedDeclaration' && declaration)
    .flatMap(({ declaration }) => (declaration.kind === 'const' ? declaration.declarations : []))
    .filter(({ init }) => isFixed(init, names))
    .map(({ id }) => id.name)
}

/** A module's declarations of constants that it keeps to itself. */
const ownDeclarations = ({ program }) =>
  program.body
    .filter(({ type, kind }) => type === 'VariableDeclaration' && kind === 'const')
    .flatMap(({ declarations }) => declarations)
    .filter(({ id, init }) => id.type === 'Identifier' && init !== null)

/** Adds those of them to `constants` that follow from what is there already. */
function addOwn(module, constants) {
  for (const { id, init } of ownDeclarations(module)) {
    if (!isFixed(init, new Set(constants.keys()))) continue
    const text = module.text.slice(init.start, init.end)
    const value = Function(...constants.keys(), `return (${text})`)(...constants.values())
    if (isWhole(value) || isTable(value)) constants.set(id.name, value)
  }
}

const literal = (value) => (value < 0 ? `(${value})` : `${value}`)

const importsOf = (file, { program }) =>
  program.body
    .filter(({ type, source }) => type === 'ImportDeclaration' && source.value.startsWith('.'))
    .flatMap(({ source, specifiers }) => {
      const from = resolve(dirname(file), source.value)
      const names = new Set(modules.has(from) ? constantsOf(modules.get(from)) : [])
      return specifiers
        .filter(({ imported }) => names.has(imported?.name))
        .map(({ imported, local }) => ({ from, name: imported.name, local: local.name }))
    })

/** The constants of each module that others import some from: only those are loaded here. */
const loaded = new Map()
for (const [file, module] of modules) {
  for (const { from } of importsOf(file, module)) {
    if (!loaded.has(from)) loaded.set(from, await import(pathToFileURL(from).href))
  }
}

/** What may be written as a literal in a module: local name to number or table. */
function constantsIn(file, module) {
  const own = loaded.has(file) ? constantsOf(module) : []
  const named = [
    ...own.map((name) => [name, loaded.get(file)[name]]),
    ...importsOf(file, module).map(({ from, name, local }) => [local, loaded.get(from)[name]]),
  ]
  const constants = new Map(named.filter(([, value]) => isWhole(value) || isTable(value)))
  addOwn(module, constants)
  return constants
}

/** Places of `text` to be replaced: [start, end, literal]. */
function replacements(file, module) {
  const { program } = module
  const constants = constantsIn(file, module)
  const places = []
  const skipped = new Set()
  const declared = new Set()
  const topLevel = new Set(
    program.body.flatMap((node) => node.declaration?.declarations ?? ownDeclarations(module)),
  )
  for (const node of nodesOf(program.body)) {
    const { type } = node
    if (type === 'ImportDeclaration' || type.startsWith('Export')) {
      for (const { local } of node.specifiers ?? []) skipped.add(local)
      for (const { imported, exported } of node.specifiers ?? []) {
        skipped.add(imported).add(exported)
      }
    } else if (topLevel.has(node)) {
      skipped.add(node.id)
    } else if (type === 'VariableDeclarator' || type === 'FunctionDeclaration') {
      declared.add(node.id?.name)
    } else if (
      type === 'Property' ||
      type === 'PropertyDefinition' ||
      type === 'MethodDefinition'
    ) {
      if (!node.computed) skipped.add(node.key)
      // `{ NAME }` names a key and reads a variable at once.
      if (node.shorthand) skipped.add(node.value)
    } else if (type === 'AssignmentExpression' || type === 'UpdateExpression') {
      // A member that is written to is no constant.
      declared.add((node.left ?? node.argument).object?.name)
    } else if (type === 'MemberExpression') {
      if (!node.computed) skipped.add(node.property)
      const table = node.object.type === 'Identifier' ? constants.get(node.object.name) : undefined
      if (typeof table !== 'object') continue
      if (node.computed || !Object.hasOwn(table, node.property.name)) continue
      places.push([node.start, node.end, literal(table[node.property.name]), node.object.name])
    }
    for (const parameter of node.params ?? []) {
      for (const { name } of nodesOf(parameter)) declared.add(name)
    }
  }
  for (const node of nodesOf(program.body)) {
    if (node.type !== 'Identifier' || skipped.has(node)) continue
    const value = constants.get(node.name)
    if (typeof value === 'number') places.push([node.start, node.end, literal(value), node.name])
  }
  return places.filter(([, , , name]) => !declared.has(name)).sort((a, b) => a[0] - b[0])
}

let written = 0
for (const [file, module] of modules) {
  let text = ''
  let from = 0
  for (const [start, end, replacement] of replacements(file, module)) {
    text += module.text.slice(from, start) + replacement
    from = end
    written++
  }
  if (from > 0) writeFileSync(file, text + module.text.slice(from))
}
if (written === 0) throw new Error('no constant was found: is dist/ complete?')
