import { expect, it } from 'vitest'
import { hasVmaLocks } from './calibrate.ts'

it('kernels from 6.4 on have locks of their own for mappings', () => {
  const known = [
    '5.10.0-28-amd64',
    '6.1.0-18-amd64',
    '6.3.13',
    '6.4.0',
    '6.12.9+bpo-amd64',
    '7.0.1',
  ]
  expect(known.map(hasVmaLocks)).toEqual([false, false, false, true, true, true])
  expect(hasVmaLocks('unknown')).toBe(false)
})
