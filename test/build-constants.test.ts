/**
 * The build writes constants as literals: only what never changes, and nothing that only
 * looks like one. Method: two small modules that have every trap, before and after.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'

const script = fileURLToPath(new URL('../build-constants.mjs', import.meta.url))

const LAYOUT = `export const Word = { HEAD: 0, TAIL: 4 }
export const WORDS = 12, OFFSET = -3
export const mixed = { count: 1, name: 'x' }
export const ratio = 0.5
export const pid = process.pid, here = { PID: process.pid }, sum = Math.max(1, 2)
export let calls = 0
export const count = () => { calls = calls + 1 }
export const end = (at) => at + Word.TAIL + WORDS
`
const USER = `import { Word, WORDS, OFFSET as SHIFT, mixed } from './layout.js'
import { ratio, calls, count, end, pid, here, sum } from './layout.js'
export { WORDS } from './layout.js'
const key = 'TAIL'
const MASK = WORDS * 2 - 1, Own = { FIRST: Word.TAIL, SECOND: MASK }
const Seen = { TIMES: 0 }
const late = () => { Seen.TIMES = Seen.TIMES + 1; return Seen.TIMES }
export const shadowed = (WORDS) => WORDS + Word.HEAD
export function result() {
  count()
  const own = { Word: 1, WORDS: 2, TAIL: 3 }
  const { TAIL } = own
  const text = 'Word.TAIL' // Word.TAIL
  return [Word.HEAD, Word.TAIL, 5 - SHIFT, Word[key], Object.keys(Word).length, text, TAIL,
    own.WORDS, mixed.count, ratio, calls, end(1), shadowed(7), { SHIFT }.SHIFT,
    pid - here.PID, sum, MASK + Own.FIRST + Own.SECOND, late()]
}
`

it('constants become literals, and what a module does stays the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'arena-lab-constants-'))
  try {
    const load = async (version: string): Promise<unknown[]> => {
      const url = `${pathToFileURL(join(folder, 'user.js')).href}?${version}`
      return ((await import(/* @vite-ignore */ url)) as { result(): unknown[] }).result()
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'layout.js'), LAYOUT)
    writeFileSync(join(folder, 'user.js'), USER)
    const before = await load('before')
    execFileSync(process.execPath, [script, folder])
    const after = await load('after')
    const expected = [0, 4, 8, 4, 2, 'Word.TAIL', 3, 2, 1, 0.5, 1, 17, 7, -3, 0, 2, 50, 1]
    expect(before).toEqual(expected)
    // The second load shares the first one’s layout module: one call more.
    expect(after).toEqual(expected.map((value, place) => (place === 10 ? 2 : value)))

    const text = readFileSync(join(folder, 'user.js'), 'utf8')
    expect(text).toContain(
      'return [0, 4, 5 - (-3), Word[key], Object.keys(Word).length, text, TAIL',
    )
    expect(text).toContain("const text = 'Word.TAIL' // Word.TAIL")
    expect(text).toContain('pid - here.PID, sum, 23 + 4 + 23, late()]')
    expect(text).toContain('Seen.TIMES = Seen.TIMES + 1')
    expect(text).toContain('shadowed = (WORDS) => WORDS + 0')
    expect(text.split('\n')).toHaveLength(USER.split('\n').length)
    const layout = readFileSync(join(folder, 'layout.js'), 'utf8')
    expect(layout).toContain('export const end = (at) => at + 4 + 12')
    expect(layout).toContain('export let calls = 0')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
