/**
 * The model against the real thing, without needing it: traces with the placements, mallinfo2 figures
 * and resident bytes that glibc 2.36 (Debian 2.36-9+deb12u14) gave for them. `arena-lab verify` does
 * the same live.
 */
import { describe, expect, it } from 'vitest'
import { glibc, openGlibc } from './glibc.ts'
import { firstDifference, fixtures } from './test/fixtures.ts'

describe('glibc: fixtures', () => {
  for (const fixture of fixtures) {
    it(`${fixture.name}: every placement, figure and resident byte as the real glibc's`, () => {
      const difference = firstDifference({ design: glibc, open: openGlibc }, fixture, 500)
      expect(difference).toBeUndefined()
    })
  }
})
