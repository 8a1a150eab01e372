// Binds the functions that dist/'s modules call to constants of the module that calls them.
//
// V8 knows what a module's own constant holds, so that a call through one is inlined as it stands.
// An imported name is read from its module at every call, checked for having been initialized, and
// then compared with the function that was inlined: seven instructions. A function declaration of
// the same module costs four, since it might be assigned to. A free of ours and what it calls make
// ten such calls; lab/PERFORMANCE.md has the figures.
//
// Only functions that modules declare, and only where they are called. Never a name that the module
// declares again, nor a `const` of a module that might run after this one (they import each other);
// a declared function is there before any module runs. A line stays the line it was.
import { dirname, resolve } from 'node:path'
import { importsOf, modulesOf, nodesOf, rewrite } from './build-modules.mjs'

const modules = modulesOf(process.argv[2])

/** Statements of a module's top level, those behind `export` without it. */
const declarationsOf = ({ program }) =>
  program.body.map((statement) => ({ statement, node: statement.declaration ?? statement }))

/** Functions of a module by name: declared, or a constant, and then of which statement. */
function functionsOf(module) {
  const functions = new Map()
  for (const { statement, node } of declarationsOf(module)) {
    if (node.type === 'FunctionDeclaration') functions.set(node.id.name, { constant: false })
    if (node.type !== 'VariableDeclaration' || node.kind !== 'const') continue
    for (const { id, init } of node.declarations) {
      if (!/^(Arrow)?FunctionExpression$/.test(init?.type)) continue
      const exported = statement !== node
      functions.set(id.name, { constant: true, exported, end: statement.end })
    }
  }
  return functions
}

const functionsIn = new Map([...modules].map(([file, module]) => [file, functionsOf(module)]))

const neighbours = new Map(
  [...modules].map(([file, { program }]) => [
    file,
    program.body
      .filter(({ source }) => source?.value.startsWith('.'))
      .map(({ source }) => resolve(dirname(file), source.value)),
  ]),
)

/** Does a module import another, itself or through others? */
function reaches(from, to, seen = new Set()) {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  return (neighbours.get(from) ?? []).some((next) => reaches(next, to, seen))
}

/** What a module may bind: its name, and where the binding goes (undefined: after the imports). */
function callable(file, module) {
  const found = new Map()
  for (const { from, name, local } of importsOf(file, module)) {
    const declared = functionsIn.get(from)?.get(name)
    if (declared === undefined || (declared.constant && reaches(from, file))) continue
    found.set(local, undefined)
  }
  for (const [name, { constant, exported, end }] of functionsIn.get(file)) {
    // A constant that is not exported is known as it is.
    if (!constant || exported) found.set(name, constant ? end : undefined)
  }
  for (const name of declaredBelow(module)) found.delete(name)
  return found
}

/** Names that a module declares below its top level. */
function declaredBelow(module) {
  const top = new Set(
    declarationsOf(module).flatMap(({ node }) => [node, ...(node.declarations ?? [])]),
  )
  const names = new Set()
  for (const node of nodesOf(module.program.body)) {
    const isDeclaration = /^(VariableDeclarator|FunctionDeclaration)$/.test(node.type)
    const own = isDeclaration && !top.has(node) ? [node.id] : []
    for (const { name } of nodesOf([...own, ...(node.params ?? [])])) names.add(name)
  }
  return names
}

const boundName = (name) => `${name}$`
const binding = (names) =>
  `; const ${names.map((name) => `${boundName(name)} = ${name}`).join(', ')};`

/** Places to be replaced, those of the bindings among them. */
function replacements(file, module) {
  const found = callable(file, module)
  const called = new Set()
  const places = []
  for (const { type, callee } of nodesOf(module.program.body)) {
    if (type !== 'CallExpression' || !found.has(callee.name)) continue
    places.push([callee.start, callee.end, boundName(callee.name)])
    called.add(callee.name)
  }
  const names = [...called]
  const early = names.filter((name) => found.get(name) === undefined)
  const imports = module.program.body.filter(({ type }) => type === 'ImportDeclaration')
  const start = imports.at(-1)?.end ?? module.program.body[0]?.start
  if (early.length > 0) places.push([start, start, binding(early)])
  for (const name of names) {
    const end = found.get(name)
    if (end !== undefined) places.push([end, end, binding([name])])
  }
  return places.sort((a, b) => a[0] - b[0])
}

let bound = 0
for (const [file, module] of modules) bound += rewrite(file, module, replacements(file, module))
if (bound === 0) throw new Error('no function was found: is dist/ complete?')
