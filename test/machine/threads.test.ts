/**
 * The threads machine on real workers: what a run comes to when all goes well, and when a worker
 * dies, locks are taken twice, blocks overlap, memory runs out, or the user stops it.
 */
import { describe, expect, it } from 'vitest'
import { Counter } from '../../lab/words/events.ts'
import { MIB } from '../../lab/words/units.ts'
import { runThreads, testFile } from '../support/machine.ts'

const crowd = testFile('scenarios/crowd.ts')
const traffic = testFile('scenarios/traffic.ts')
const design = (name: string): string => testFile(`designs/${name}.ts`)

describe('threads: a run that completes', () => {
  for (const name of [design('bump'), 'glibc', 'ptmalloc2']) {
    it(`carries every op out, and marks every phase (${name.split('/').at(-1)})`, async () => {
      const ran = await runThreads(crowd, name)
      expect(ran.outcome.message).toBe('')
      expect(ran.outcome.outcome).toBe('completed')
      expect(ran.safepoints.map((s) => s.label).filter((l) => l !== '')).toEqual([
        'before',
        'after',
      ])
      expect(ran.count(Counter.MALLOCS)).toBe(4 * 500 * 2)
      expect(ran.count(Counter.FREES)).toBe(4 * 500 * 2)
      expect(ran.count(Counter.LIVE_BYTES)).toBe(0)
      expect(ran.safepoints.flatMap((s) => s.violations)).toEqual([])
    })
  }

  it('opens channels and barriers at the deadline, and drains', async () => {
    const ran = await runThreads(traffic, 'glibc', { drain: true })
    expect(ran.outcome.message).toBe('')
    expect(ran.outcome.outcome).toBe('completed')
    expect(ran.count(Counter.MALLOCS)).toBeGreaterThan(1000)
    expect(ran.count(Counter.REMOTE_FREES)).toBeGreaterThan(0)
    // What was still in the channel at the deadline is the only thing that may be left.
    expect(ran.count(Counter.MALLOCS) - ran.count(Counter.FREES)).toBeLessThanOrEqual(8)
    expect(ran.safepoints.flatMap((s) => s.violations)).toEqual([])
  })

  it('seats are used again: far more lab threads than workers', async () => {
    const ran = await runThreads('seedservice', 'glibc', {
      params: { days: 4, ingesters: 4, records: 50 },
    })
    expect(ran.outcome.outcome).toBe('completed')
    expect(ran.safepoints.filter((s) => s.reason === 'phase')).toHaveLength(4)
  })
})

describe('threads: a run that cannot complete', () => {
  it('a worker that dies holding a lock: says which lab thread held which lock', async () => {
    const ran = await runThreads(crowd, design('dies-holding-lock'))
    expect(ran.outcome.outcome).toBe('crashed')
    expect(ran.outcome.message).toMatch(/died: .*3; it carried lab thread 2, .*"dies-holding-lock"/)
  })

  it('a deadlock: says who waits for which lock and who holds it', async () => {
    // Enough rounds that the others are still at it when lab thread 2 stops them.
    const ran = await runThreads(crowd, design('locks-twice'), { params: { rounds: 100_000 } })
    expect(ran.outcome.outcome).toBe('deadlock')
    expect(ran.outcome.message).toContain(
      'lab thread 2 waits for lock "locks-twice", held by lab thread 2',
    )
    expect(ran.outcome.message).toContain(
      'lab thread 1 waits for lock "locks-twice", held by lab thread 2',
    )
    // Lab thread 0 is still starting the last ones (which allocates), or waits for all of them.
    expect(ran.outcome.message).toMatch(/lab thread 0 waits for (the lab threads it started|lock)/)
  })

  it('a block handed out twice: the stamps tell', async () => {
    const ran = await runThreads(crowd, design('hands-out-twice'), { params: { rounds: 20_000 } })
    expect(ran.outcome.outcome).toBe('corrupted')
    expect(ran.outcome.message).toMatch(/lab thread \d+: overwritten at the (start|end) of a/)
  })

  it('memory beyond the limit: killed, with a heap that is whole', async () => {
    const ran = await runThreads('seedservice', 'glibc', {
      params: { days: 10, ingesters: 4, records: 4000 },
      memoryLimit: 32 * MIB,
    })
    expect(ran.outcome.outcome).toBe('oom-killed')
    expect(ran.outcome.message).toMatch(/lab thread \d+ took RSS over the memory limit of 32/)
    const last = ran.safepoints.at(-1)
    expect(last?.reason).toBe('oom')
    expect(last?.clean).toBe(true)
    expect(last?.violations).toEqual([])
    expect(last?.rssBytes).toBeGreaterThanOrEqual(32 * MIB)
  })

  it('no more address space: malloc returns NULL, and the scenario goes on', async () => {
    const ran = await runThreads('seedservice', 'glibc', {
      params: { days: 2, ingesters: 4, records: 4000 },
      tunables: { arena_max: 1 },
      addressSpaceLimit: 64 * MIB,
    })
    expect(ran.outcome.outcome).toBe('completed')
    expect(ran.count(Counter.FAILED_ALLOCATIONS)).toBeGreaterThan(0)
    expect(ran.safepoints.flatMap((s) => s.violations)).toEqual([])
  })

  it('the user stops it: interrupted, at a safepoint', async () => {
    const ran = await runThreads('seedservice', 'glibc', {
      params: { days: 1000, ingesters: 4, records: 1000 },
      steer: (machine) => {
        setTimeout(() => machine.stop(), 300)
      },
    })
    expect(ran.outcome.outcome).toBe('interrupted')
    expect(ran.safepoints.at(-1)?.clean).toBe(true)
    expect(ran.safepoints.flatMap((s) => s.violations)).toEqual([])
  })

  it('paused: nobody does anything until it goes on', async () => {
    const seen: number[] = []
    const ran = await runThreads('seedservice', 'glibc', {
      params: { days: 8, ingesters: 4, records: 2000 },
      steer: (machine) => {
        setTimeout(async () => {
          await machine.pause()
          const ops = (): number => machine.run.control.counters.reduce((a, b) => a + b, 0)
          seen.push(ops())
          await new Promise((resolve) => setTimeout(resolve, 200))
          seen.push(ops())
          machine.resume()
        }, 50)
      },
    })
    expect(ran.outcome.outcome).toBe('completed')
    expect(seen).toHaveLength(2)
    expect(seen[1]).toBe(seen[0])
  })
})
