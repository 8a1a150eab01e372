/**
 * The power of the fixtures: every planted one-rule bug must be met by at least one of them. Each
 * mutant is the design built from its sources with one place changed.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { describe, expect, it } from 'vitest'
import type { glibc, openGlibc } from './glibc.ts'
import { firstDifference, fixtures } from './test/fixtures.ts'
import { type Mutant, mutants } from './test/mutants.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

interface Built {
  readonly glibc: typeof glibc
  readonly openGlibc: typeof openGlibc
}

/** The design with the mutant's change, or unchanged. */
async function buildDesign(mutant?: Mutant): Promise<Built> {
  const output = await build({
    configFile: false,
    logLevel: 'silent',
    root: folder,
    build: {
      write: false,
      minify: false,
      ssr: `${folder}glibc.ts`,
      target: 'es2023',
    },
    plugins: [
      {
        name: 'mutant',
        enforce: 'pre',
        transform: (code, id) =>
          mutant !== undefined && id === folder + mutant.file
            ? code.replace(mutant.from, () => mutant.to)
            : undefined,
      },
    ],
  })
  const [bundle] = Array.isArray(output) ? output : [output]
  if (bundle === undefined || !('output' in bundle)) throw new Error('no bundle')
  const code = bundle.output[0].code
  const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
  return (await import(url)) as Built
}

const caughtBy = ({ glibc: design, openGlibc: open }: Built): string | undefined => {
  for (const fixture of fixtures) {
    const difference = firstDifference({ design, open }, fixture, 100)
    if (difference !== undefined) return difference
  }
  return undefined
}

describe('glibc: mutants', () => {
  it('the unchanged design passes when built the same way', async () => {
    expect(caughtBy(await buildDesign())).toBeUndefined()
  })
  for (const mutant of mutants) {
    it(`caught: not ${mutant.rule}`, async () => {
      expect(readFileSync(folder + mutant.file, 'utf8')).toContain(mutant.from)
      expect(caughtBy(await buildDesign(mutant))).toBeDefined()
    })
  }
})
