/**
 * The model against the real thing, without needing it: traces with the placements, mallinfo2
 * figures and resident bytes that glibc 2.36 (Debian 2.36-9+deb12u14) gave for them. `arena-lab
 * verify` does the same live.
 */
import { describe, expect, it } from 'vitest'
import { glibc, openGlibc } from './glibc.ts'
import { openPtmalloc2, ptmalloc2 } from './ptmalloc2.ts'
import { firstDifference, fixtures, ptmalloc2Fixtures } from './test/fixtures.ts'

describe('glibc: fixtures', () => {
  for (const fixture of fixtures) {
    it(`${fixture.name}: every placement, figure and resident byte as the real glibc's`, () => {
      const difference = firstDifference({ design: glibc, open: openGlibc }, fixture, 500)
      expect(difference).toBeUndefined()
    })
  }
})

describe('ptmalloc2: fixtures', () => {
  for (const fixture of ptmalloc2Fixtures) {
    it(`${fixture.name}: every placement, figure and resident byte as Gloger's own`, () => {
      const difference = firstDifference({ design: ptmalloc2, open: openPtmalloc2 }, fixture, 500)
      expect(difference).toBeUndefined()
    })
  }
})
