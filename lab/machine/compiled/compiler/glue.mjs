// Writes the JavaScript beside a module: what binds it to the live objects of a lab thread.
import { HOLE_BYTES } from './binary.mjs'

/**
 * The glue has `link()`, whose parts are, in the order in which they are used:
 *
 *   find(loop, memory, tables)  looks the objects up again by their paths, and checks that they
 *                               are what the code was compiled for
 *   constants()                 numbers that all lab threads of a run share, for the holes
 *   js                          the functions to import
 *   bind(exports)               for each lab thread, after `find`: copies its numbers to globals
 *
 * Numbers that change become accessors, so that JavaScript and the module see the same.
 */
export function glueOf(compiler, { imports, globals, holes, expected }, specifierOf) {
  const objects = [...compiler.objects.values()].filter(({ imported }) => !imported)
  const placed = objects.filter(({ path }) => path !== undefined)
  const references = compiler.references.map(
    ({ file, name }, i) => `import { ${name} as r${i} } from '${specifierOf(file)}'`,
  )
  const tables = holes.filter(({ table }) => table !== undefined)
  const places = holes.map((hole) => [HOLE_BYTES[hole.type], hole.places])
  const checks = expected.map((condition) => {
    const message = JSON.stringify(`not compiled for this: ${condition}`)
    return `    if (!(${condition})) throw new Error(${message})`
  })
  const numbers = holes.map((hole) =>
    hole.table === undefined
      ? `Number(${hole.owner}.${hole.property})`
      : `t${tables.indexOf(hole)}`,
  )
  return `${references.join('\n')}
/** Where the numbers of \`constants()\` go: [bytes of the number, places]. */
export const holes = ${JSON.stringify(places)}
export function link() {
  let memory, tables, ${objects.map(({ name }) => name).join(', ')}
  const js = {
${imports.map(({ name, source }) => `    ${name}: ${source},`).join('\n')}
  }
  return { js, find, constants, bind }
  function find(root, runMemory, tablesAt) {
    memory = runMemory
    tables = tablesAt
    loop = root
${placed.map(({ name, path }) => `    ${name} = ${path}`).join('\n')}
${checks.join('\n')}
  }
  function constants() {
    let at = tables
    const copied = (array) => {
      const start = at
      new array.constructor(memory.buffer, start, array.length).set(array)
      at += (array.byteLength + 63) & -64
      return start
    }
${tables.map(({ table }, i) => `    const t${i} = copied(${table})`).join('\n')}
    return [
${numbers.map((it) => `      ${it},`).join('\n')}
    ]
  }
  function bind(exports) {
${globals.map(bindGlobal).join('\n')}
  }
}
/** One number, kept in the module from now on. */
function keep(object, property, isTruth, read, write) {
  const get = isTruth ? () => read() !== 0 : read
  write(Number(object[property]))
  Object.defineProperty(object, property, { get, set: write, configurable: true, enumerable: true })
}
`
}

function bindGlobal({ owner, property, boolean, changes }, i) {
  return changes
    ? `    keep(${owner}, '${property}', ${boolean}, exports.get${i}, exports.set${i})`
    : `    exports.set${i}(Number(${owner}.${property}))`
}
