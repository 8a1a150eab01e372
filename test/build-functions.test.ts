/**
 * The build binds functions where they are called: only those that modules declare, and nothing
 * that may not be there yet. Method: modules that have every trap, before and after.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'

const script = fileURLToPath(new URL('../build-functions.mjs', import.meta.url))

const MODULES = {
  'low.js': `export function twice(n) { return 2 * n }
export const plus = (n) => n + 1
export const table = { run: (n) => n }
export let changing = () => 'first'
export const change = () => { changing = () => 'second' }
export const both = (n) => plus(twice(n))
`,
  // Each imports the other: \`late\` is not there when \`ring.js\` runs, \`hoisted\` is.
  'ring.js': `import { hoisted, late } from './user.js'
export const early = hoisted()
export const wait = () => late()
`,
  'user.js': `import { twice, plus, table, changing, change, both as pair } from './low.js'
import { early, wait } from './ring.js'
export function hoisted() { return 'hoisted' }
export const late = () => 'late'
function own(n) { return n - 1 }
const shadowed = (plus) => plus(1)
export function result() {
  const before = changing()
  change()
  const list = [1, 2].map(twice)
  return [twice(1), plus(1), table.run(1), before, changing(), pair(3), own(1), list,
    shadowed((n) => -n), early, wait(), late()]
}
`,
}

it('functions are bound to constants, and what a module does stays the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'arena-lab-functions-'))
  const fill = (name: string): string => {
    const inner = join(folder, name)
    execFileSync('mkdir', [inner])
    writeFileSync(join(inner, 'package.json'), '{ "type": "module" }')
    for (const [file, text] of Object.entries(MODULES)) writeFileSync(join(inner, file), text)
    return inner
  }
  const resultOf = async (inner: string): Promise<unknown[]> => {
    const url = pathToFileURL(join(inner, 'user.js')).href
    return ((await import(/* @vite-ignore */ url)) as { result(): unknown[] }).result()
  }
  try {
    const built = fill('built')
    execFileSync(process.execPath, [script, built])
    const expected = await resultOf(fill('plain'))
    expect(expected).toEqual([
      ...[2, 2, 1, 'first', 'second', 7, 0, [2, 4], -1, 'hoisted', 'late', 'late'],
    ])
    expect(await resultOf(built)).toEqual(expected)

    const user = readFileSync(join(built, 'user.js'), 'utf8')
    expect(user).toContain('const change$ = change, twice$ = twice, pair$ = pair, own$ = own;')
    expect(user).toContain("export const late = () => 'late'; const late$ = late;")
    expect(user).toContain('[1, 2].map(twice)')
    expect(user).toContain('[twice$(1), plus(1), table.run(1), before, changing(), pair$(3), own$')
    expect(user.split('\n')).toHaveLength(MODULES['user.js'].split('\n').length)
    const low = readFileSync(join(built, 'low.js'), 'utf8')
    expect(low).toContain('both = (n) => plus$(twice$(n))')
    expect(readFileSync(join(built, 'ring.js'), 'utf8')).toContain('wait = () => late()')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
