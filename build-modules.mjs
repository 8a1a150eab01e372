// The modules of dist/, parsed, for the two steps of the build that rewrite them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseSync } from 'vite'

/** Every module below a folder but the dashboard's: file name to text and syntax tree. */
export const modulesOf = (dist) =>
  new Map(
    readdirSync(dist, { recursive: true })
      .filter((name) => name.endsWith('.js') && !name.includes('web/'))
      .map((name) => {
        const file = resolve(dist, name)
        const text = readFileSync(file, 'utf8')
        return [file, { text, program: parseSync(file, text).program }]
      }),
  )

/** Every node below one, in the order of the text. */
export function* nodesOf(node) {
  if (Array.isArray(node)) {
    for (const child of node) yield* nodesOf(child)
  } else if (node !== null && typeof node === 'object') {
    if (typeof node.type === 'string') yield node
    for (const key of Object.keys(node)) yield* nodesOf(node[key])
  }
}

/** Names a module imports from its neighbours: where from, under which name, and its own for it. */
export const importsOf = (file, { program }) =>
  program.body
    .filter(({ type, source }) => type === 'ImportDeclaration' && source.value.startsWith('.'))
    .flatMap(({ source, specifiers }) =>
      specifiers
        .filter(({ imported }) => imported !== undefined)
        .map(({ imported, local }) => ({
          from: resolve(dirname(file), source.value),
          name: imported.name,
          local: local.name,
        })),
    )

/**
 * Writes a module with places of its text replaced: [start, end, replacement], in order. Gives how
 * many they were.
 */
export function rewrite(file, { text }, places) {
  let written = ''
  let from = 0
  for (const [start, end, replacement] of places) {
    written += text.slice(from, start) + replacement
    from = end
  }
  if (places.length > 0) writeFileSync(file, written + text.slice(from))
  return places.length
}
