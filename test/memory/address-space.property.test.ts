/**
 * Goal: the address space agrees with a plain model after every system call and access.
 * Method: random steps on both, with all results, figures, mappings and page contents compared;
 * then the same with planted bugs, each of which must be found.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FAULTY_PAGES } from './faulty-pages.ts'
import { Runner, steps } from './steps.ts'
import { createWorld, PAGE, type WorldOptions } from './world.ts'

const RUNS = 150

const holds = (options: WorldOptions, arbitrary = steps()) =>
  fc.property(arbitrary, (list) => new Runner(createWorld(options)).run(list))

describe('address space: agrees with the model', () => {
  test('without limits', () => {
    fc.assert(holds({}), { numRuns: RUNS })
  })

  test('with arena heaps counted at 16 times their size', () => {
    fc.assert(holds({ arenaHeapScale: 16 }), { numRuns: RUNS })
  })

  test('with a memory limit of 40 pages', () => {
    const limits = { memoryLimit: 40 * PAGE + 17 }
    fc.assert(holds({ limits }, steps(['free'])), { numRuns: RUNS })
  })

  test('with an address-space limit of 150 pages', () => {
    fc.assert(holds({ limits: { addressSpaceLimit: 150 * PAGE } }), { numRuns: RUNS })
  })

  test('with overcommit_memory 0 on a machine of 20 pages', () => {
    const limits = { overcommitMemory: 0, ramBytes: 20 * PAGE } as const
    fc.assert(holds({ limits }), { numRuns: RUNS })
  })

  test('with overcommit_memory 2 and a commit limit of 100 pages', () => {
    const limits = { overcommitMemory: 2, ramBytes: 200 * PAGE, overcommitRatio: 50 } as const
    fc.assert(holds({ limits }), { numRuns: RUNS })
  })

  test('with room for 12 mappings', () => {
    fc.assert(holds({ rowsMax: 12 }, steps([], 120)), { numRuns: RUNS })
  })

  test('long runs in a buffer that fills up', () => {
    fc.assert(holds({ dataBytes: 0 }, steps(['sbrk', 'mapStack'], 400)), { numRuns: 40 })
  })
})

describe('address space: planted bugs are found', () => {
  test.each(Object.entries(FAULTY_PAGES))('%s', (_name, makePages) => {
    const result = fc.check(holds({ makePages }), { numRuns: RUNS, seed: 1, endOnFailure: true })
    expect(result.failed).toBe(true)
  })
})
