/**
 * What the compiler knows of how often a place is reached. Counted in a process of its own: V8
 * counts for a whole isolate.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const SOURCE = `
export function work(i) {
  if (i % 1000 === 0) seldom(i)
  if (i >= 0) { often() }
  if (i % 2 === 0) { often() }
  return i
}
function seldom(i) { if (i > 1e9) never() }
function often() {}
function never() {}
export function idle() { often() }
`
const folderOf = (name: string): string =>
  fileURLToPath(new URL(`../../lab/machine/compiled/compiler/${name}`, import.meta.url))

const asked = (file: string): string => `
import { parseSync } from 'oxc-parser'
import { readFileSync } from 'node:fs'
import { Profiler } from ${JSON.stringify(folderOf('profile.mjs'))}
import { nodesOf } from ${JSON.stringify(folderOf('../../../../build-modules.mjs'))}
const file = ${JSON.stringify(file)}
const profiler = new Profiler()
const { work } = await import(file)
for (let i = 0; i < 1000; i++) work(i)
profiler.take()
for (let i = 0; i < 10_000; i++) work(i)
const profile = profiler.take()
profiler.end()
const { program } = parseSync(file, readFileSync(file, 'utf8'))
const nodes = [...nodesOf(program.body)]
const functions = nodes.filter(({ type }) => type === 'FunctionDeclaration')
console.log(JSON.stringify({
  most: functions.map((it) => profile.most(file, it)),
  likely: nodes
    .filter(({ type }) => type === 'IfStatement')
    .map((it) => profile.likely(file, it) ?? null),
  rare: nodes
    .filter(({ type }) => type === 'CallExpression')
    .map((it) => profile.isRare(file, it, profile.most(file, functions[0]))),
}))
`

it('counts since the last time; tells what is rare, likely and unlikely', () => {
  const folder = mkdtempSync(join(tmpdir(), 'arena-lab-profile-'))
  try {
    const file = join(folder, 'module.mjs')
    writeFileSync(file, SOURCE)
    const cwd = fileURLToPath(new URL('../../', import.meta.url))
    const args = ['--input-type=module', '-e', asked(file)]
    const answer = JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: 'utf8' }))
    expect(answer).toEqual({
      // work, seldom, often, never, idle
      most: [10_000, 10, 15_000, 0, 0],
      // i % 1000 === 0, i >= 0, i % 2 === 0; i > 1e9, in a function that is called
      likely: [false, true, null, false],
      // seldom, often, often; never; often in idle
      rare: [true, false, false, true, true],
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
