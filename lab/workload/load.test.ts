import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInScenarios } from '../../scenarios/index.ts'
import { BadInput } from '../words/bad-input.ts'
import { isSourcePath, loadExport, loadScenario } from './load.ts'

const folder = mkdtempSync(join(tmpdir(), 'arena-lab-load-'))
const before = process.env['XDG_CACHE_HOME']
beforeAll(() => {
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache')
})
afterAll(() => {
  if (before === undefined) delete process.env['XDG_CACHE_HOME']
  else process.env['XDG_CACHE_HOME'] = before
  rmSync(folder, { recursive: true })
})

/** A file of the user's, with this text. */
function fileOf(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
const load = (nameOrPath: string): ReturnType<typeof loadScenario> =>
  loadScenario(nameOrPath, builtInScenarios)

const MINE = `
import { defineScenario, KIB, sizeMix } from 'arena-lab'
const mix = sizeMix([{ weight: 1, low: 1, high: 4 * KIB }])
interface Unused { readonly n: number }
export default defineScenario({
  name: 'mine', summary: 'x', params: { n: { default: 5, unit: 'count', meaning: 'n' } },
  *main(t, p) { for (let i = 0; i < p.n; i++) { t.free(t.malloc(t.random.pick(mix))); yield } },
})`

describe('loadScenario', () => {
  it('knows the built-in ones', async () => {
    expect((await load('seedservice')).name).toBe('seedservice')
    await expect(load('seedservise')).rejects.toThrow(/did you mean seedservice\?/)
  })

  it('loads a TypeScript file and keeps it in the cache directory', async () => {
    const scenario = await load(fileOf('mine.ts', MINE))
    expect(scenario.roles.map((role) => role.name)).toEqual(['main'])
    const cached = readdirSync(join(folder, 'cache', 'arena-lab', 'modules'))
    expect(cached.some((name) => name.includes('mine'))).toBe(true)
  })

  it('loads JavaScript, and a plain object', async () => {
    const wrapped = MINE.replace('interface Unused { readonly n: number }', '')
    expect((await load(fileOf('wrapped.js', wrapped))).name).toBe('mine')
    const plain = `export default { name: 'plain', summary: '', params: {}, *main(t) { yield } }`
    expect((await load(fileOf('plain.mjs', plain))).main.name).toBe('main')
    const named = `exports.it = { name: 'named', summary: '', params: {}, *main(t) { yield } }`
    expect((await load(fileOf('named.cjs', named))).name).toBe('named')
  })

  it.each<[string, string, RegExp]>([
    ['broken.ts', 'export defaul {{', /cannot be loaded: .*broken\.ts:1:/],
    ['throws.js', 'throw new Error("boom\\nand more")', /cannot be loaded: boom/],
    ['none.ts', 'export const x = 4', /no scenario as its default export: it exports x/],
    ['empty.ts', '', /it exports nothing/],
    ['wrong.js', MINE.replace('*main(t, p) {', 'main: 4, /*').replace(/ },\n}\)$/, '*/})'), /main/],
    ['missing.js', 'import "./not-there.js"', /cannot be loaded: .*not-there/],
    ['noted.md', 'text', /expected a name that ends in \.ts/],
  ])('refuses %s', async (name, text, message) => {
    const loading = load(fileOf(name, text.replace(/interface .*\n/, '')))
    await expect(loading).rejects.toThrow(message)
    await expect(loading).rejects.toBeInstanceOf(BadInput)
    await expect(loading).rejects.toThrow(new RegExp(`^scenario file '.*${name}'`))
  })

  it('refuses what is no file', async () => {
    await expect(load('./not-there.ts')).rejects.toThrow(/'\.\/not-there\.ts' does not exist/)
    const directory = join(folder, 'folder.ts')
    mkdirSync(directory)
    await expect(load(directory)).rejects.toThrow(/is no file/)
  })

  it('tells names from paths', () => {
    for (const path of ['./x', 'a/b', 'x.ts', 'x.mjs', '/x']) expect(isSourcePath(path)).toBe(true)
    for (const name of ['seedservice', 'glibc', 'a.b']) expect(isSourcePath(name)).toBe(false)
  })
})

describe('loadExport', () => {
  it('loads whatever its caller accepts', async () => {
    const file = fileOf('design.ts', 'export const helper = 1\nexport const design = { boot() {} }')
    const accept = (value: unknown): object | undefined =>
      typeof value === 'object' && value !== null && 'boot' in value ? value : undefined
    expect(await loadExport(file, 'design', accept)).toHaveProperty('boot')
  })
})

describe('from dist/', () => {
  const dist = new URL('../../dist/lab/workload/load.js', import.meta.url)

  it('loads in workers, without a cache directory too', () => {
    if (!existsSync(dist)) throw new Error('build first: npx tsc -p tsconfig.build.json')
    const file = fileOf('worker-mine.ts', MINE)
    const script = fileOf(
      'main.mjs',
      `import { isMainThread, Worker } from 'node:worker_threads'
       import { loadScenario } from ${JSON.stringify(dist.href)}
       const scenario = await loadScenario(${JSON.stringify(file)}, new Map())
       process.stdout.write(isMainThread + ' ' + scenario.name + '\\n')
       if (isMainThread) new Worker(new URL(import.meta.url))`,
    )
    // /proc refuses folders in the one way that makes a careless mkdir run for ever.
    for (const cache of [join(folder, 'other'), '/proc/nowhere']) {
      const env = { ...process.env, XDG_CACHE_HOME: cache }
      const out = execFileSync(process.execPath, [script], { env, timeout: 60_000 }).toString()
      expect(out).toBe('true mine\nfalse mine\n')
    }
  })
})
