import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/**
 * What stays JavaScript although compiled code calls it: rare, and each with its reason. A function
 * that appears here uses something the compiler does not know (README.md): if it is called often,
 * write it otherwise.
 */
const IN_JAVASCRIPT: Record<string, readonly string[]> = {
  glibc: ['nameArena: TemplateLiteral', 'letOthersRun: NewExpression', '$corrupt: TemplateLiteral'],
  ptmalloc2: [
    'nameArena: TemplateLiteral',
    'letOthersRun: NewExpression',
    '$corrupt: TemplateLiteral',
  ],
  tcmalloc: [
    'letOthersRun: NewExpression',
    '$corrupt: TemplateLiteral',
    '$memalignPages: % of fractions',
  ],
}

const report = (design: string): string =>
  readFileSync(
    new URL(`../../../dist/lab/machine/compiled/modules/${design}.txt`, import.meta.url),
    'utf8',
  )

it.each(Object.entries(IN_JAVASCRIPT))(
  'of %s only rare functions stay JavaScript',
  (design, rare) => {
    const [compiled, uncompiled] = report(design).split('called in JavaScript:\n')
    const lines = uncompiled!.trimEnd().split('\n')
    expect(lines.map((line) => line.trim().replace(/^o\d+\./, '')).sort()).toEqual([...rare].sort())
    for (const entry of ['run', 'malloc', 'free', 'calloc', 'exit']) {
      expect(compiled).toContain(`  entry ${entry}\n`)
    }
  },
)
