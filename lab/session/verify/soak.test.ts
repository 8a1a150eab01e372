/** Goal: as many traces as there are pairs meet every number of threads with every profile. */
import { expect, it } from 'vitest'
import { SOAK_PROFILES, SOAK_THREADS, soakTrace } from './soak.ts'

it('soak: 25 traces meet each of 5 numbers of threads with each of 5 profiles', () => {
  const options = { threads: SOAK_THREADS, profiles: SOAK_PROFILES, ops: 1000 }
  const names = Array.from({ length: 25 }, (_, number) => soakTrace({}, options, number, 7).name)
  expect(SOAK_THREADS).toEqual([1, 2, 4, 16, 40])
  expect(new Set(names).size).toBe(25)
})
