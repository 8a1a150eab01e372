/** The published stress programs on real threads: each comes to its end, with every op done. */
import { describe, expect, it } from 'vitest'
import { Counter } from '../../lab/words/events.ts'
import { runThreads, runVirtual } from '../support/machine.ts'

const DESIGNS = ['glibc', 'ptmalloc2', 'tcmalloc'] as const
const THREADS = 2

/** Small parameters, and what they come to: blocks made, and lab threads started beside main. */
const CLASSICS = [
  {
    name: 'larson',
    // Each hands its slots on twenty times: often all of them at once.
    params: { threads: THREADS, slots: 20, rounds: 25, work: 500 },
    mallocs: THREADS * (20 + 500),
  },
  {
    name: 'xmalloc',
    params: { threads: THREADS, batch: 64, work: 40 },
    mallocs: THREADS * 64 * 40,
  },
  {
    name: 'threadtest',
    params: { threads: THREADS, objects: 400, rounds: 10 },
    mallocs: 400 * 10,
  },
  {
    name: 'cache-scratch',
    params: { threads: THREADS, writes: 20, rounds: 50 },
    mallocs: THREADS + THREADS * 50,
  },
  {
    name: 'cache-thrash',
    params: { threads: THREADS, writes: 20, rounds: 50 },
    mallocs: THREADS * 50,
  },
  {
    name: 'round-robin',
    params: { threads: THREADS, blocks: 100, rounds: 3 },
    mallocs: THREADS * 100 * 3,
  },
]

describe('classics: on real threads', () => {
  for (const [place, { name, params, mallocs }] of CLASSICS.entries()) {
    // Hand-overs are where a run may hang: larson with two of them.
    for (const design of name === 'larson'
      ? DESIGNS.slice(0, 2)
      : [DESIGNS[place % DESIGNS.length]!]) {
      it(`${name}, ${design}: every block is made, and none is lost`, async () => {
        const ran = await runThreads(name, design, { params })
        expect(ran.outcome.message).toBe('')
        expect(ran.outcome.outcome).toBe('completed')
        expect(ran.count(Counter.MALLOCS)).toBe(mallocs)
        expect(ran.safepoints.flatMap((s) => s.violations)).toEqual([])
      })
    }
  }
})

describe('classics: on simulated cores', () => {
  for (const { name, params, mallocs } of CLASSICS) {
    it(`${name}: the same blocks`, async () => {
      const ran = await runVirtual(name, 'glibc', { params, cores: 2 })
      expect(ran.outcome.message).toBe('')
      expect(ran.count(Counter.MALLOCS)).toBe(mallocs)
    })
  }
})
