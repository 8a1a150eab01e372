/**
 * The virtual machine: the same seed gives the same run to the last bit, ops are those of the
 * threads machine, and what locks, cores and cache lines cost shows where it should.
 */
import { describe, expect, it } from 'vitest'
import { COUNTER_ROW, Counter, Event } from '../../lab/words/events.ts'
import { MIB } from '../../lab/words/units.ts'
import { type Ran, runThreads, runVirtual, testFile } from '../support/machine.ts'

const crowd = testFile('scenarios/crowd.ts')
const traffic = testFile('scenarios/traffic.ts')
const replace = testFile('scenarios/replace.ts')
const design = (name: string): string => testFile(`designs/${name}.ts`)

/** What a run came to, in figures that two equal runs must share. */
const fingerprint = ({ outcome, safepoints, samples, counters, histograms }: Ran) => ({
  outcome,
  safepoints,
  samples,
  counters: [...counters],
  histograms: [...histograms].flatMap((count, bucket) => (count === 0 ? [] : [[bucket, count]])),
})

describe('virtual: a run that completes', () => {
  for (const name of [design('bump'), 'glibc', 'ptmalloc2', 'tcmalloc']) {
    it(`carries every op out, and marks every phase (${name.split('/').at(-1)})`, async () => {
      const ran = await runVirtual(crowd, name, { cores: 4 })
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
    const ran = await runVirtual(traffic, 'glibc', { drain: true, seconds: 0.01 })
    expect(ran.outcome.message).toBe('')
    expect(ran.outcome.outcome).toBe('completed')
    expect(ran.outcome.ns).toBeGreaterThanOrEqual(10e6)
    expect(ran.count(Counter.MALLOCS)).toBeGreaterThan(1000)
    expect(ran.count(Counter.REMOTE_FREES)).toBeGreaterThan(0)
    expect(ran.count(Counter.MALLOCS) - ran.count(Counter.FREES)).toBeLessThanOrEqual(8)
    expect(ran.samples).toBeGreaterThan(5)
    expect(ran.safepoints.flatMap((s) => s.violations)).toEqual([])
  })

  it('carries out the very ops of the threads machine, lab thread by lab thread', async () => {
    const options = { params: { threads: 6, rounds: 300 } }
    const real = await runThreads(crowd, 'glibc', options)
    const simulated = await runVirtual(crowd, 'glibc', { ...options, cores: 3 })
    const ofSeats = ({ counters, plan }: Ran, counter: number): number[] =>
      Array.from({ length: plan.threads }, (_, seat) => counters[seat * COUNTER_ROW + counter]!)
    const counters = [Counter.OPS, Counter.MALLOCS, Counter.FREES, Counter.REQUESTED_BYTES]
    for (const counter of [...counters, Counter.REMOTE_FREES]) {
      expect(ofSeats(simulated, counter)).toEqual(ofSeats(real, counter))
    }
  })
})

describe('virtual: same seed, same run', () => {
  for (const name of ['glibc', 'ptmalloc2', 'tcmalloc']) {
    it(`is the same to the last bit, with more threads than cores (${name})`, async () => {
      const options = { params: { threads: 9, rounds: 400 }, cores: 4, lines: true }
      const first = await runVirtual(crowd, name, options)
      const second = await runVirtual(crowd, name, options)
      expect(fingerprint(second)).toEqual(fingerprint(first))
    })
  }

  it('is another run with another schedule seed, of the same ops', async () => {
    const options = { params: { threads: 9, rounds: 400 }, cores: 2, costs: { slice: 20_000 } }
    const plain = await runVirtual(crowd, 'ptmalloc2', options)
    const varied = await runVirtual(crowd, 'ptmalloc2', { ...options, scheduleSeed: 7 })
    const again = await runVirtual(crowd, 'ptmalloc2', { ...options, scheduleSeed: 7 })
    expect(varied.outcome.ns).not.toBe(plain.outcome.ns)
    expect(fingerprint(again)).toEqual(fingerprint(varied))
    expect(varied.count(Counter.REQUESTED_BYTES)).toBe(plain.count(Counter.REQUESTED_BYTES))
  })
})

describe('virtual: what costs time', () => {
  it('a convoy: a lock whose holder is off its core keeps all waiting', async () => {
    const options = { params: { threads: 8, rounds: 500 }, cores: 2 }
    const short = await runVirtual(crowd, design('bump'), { ...options, costs: { slice: 5000 } })
    const long = await runVirtual(crowd, design('bump'), options)
    const switches = (ran: Ran): number => ran.outcome.simulation?.contextSwitches ?? 0
    expect(switches(short)).toBeGreaterThan(switches(long))
    expect(short.count(Counter.LOCK_WAIT_NS)).toBeGreaterThan(long.count(Counter.LOCK_WAIT_NS))
  })

  it('cores let threads work side by side, where the design does', async () => {
    const options = { params: { threads: 8, slots: 100 }, seconds: 0.002 }
    const one = await runVirtual(replace, 'glibc', { ...options, cores: 1 })
    const eight = await runVirtual(replace, 'glibc', { ...options, cores: 8 })
    expect(eight.count(Counter.OPS)).toBeGreaterThan(4 * one.count(Counter.OPS))
    expect(one.outcome.simulation?.cpuSeconds).toBeLessThanOrEqual(one.outcome.ns / 1e9)
  })

  it('a line written by two cores goes to and fro, and is counted', async () => {
    const params = { threads: 4, rounds: 50, writes: 500 }
    const shared = await runVirtual('cache-scratch', 'glibc', { params, cores: 8, lines: true })
    const own = await runVirtual('cache-thrash', 'glibc', { params, cores: 8, lines: true })
    expect(shared.outcome.simulation?.passiveSharing).toBeGreaterThan(100)
    expect(shared.outcome.simulation?.activeSharing).toBe(0)
    expect(own.outcome.simulation?.activeSharing).toBe(0)
    // gperftools hands neighbours of one span to different threads, glibc does not.
    const mixed = await runVirtual('cache-thrash', 'tcmalloc', { params, cores: 8, lines: true })
    expect(mixed.outcome.simulation?.activeSharing).toBeGreaterThan(100)
  })

  it('each page costs its fault', async () => {
    const params = { threads: 1, rounds: 100 }
    const run = (fault: number): Promise<Ran> =>
      runVirtual(crowd, design('bump'), { params, costs: { fault, newStack: 0 } })
    const cheap = await run(0)
    const dear = await run(100_000)
    const faults = dear.count(Counter.MINOR_FAULTS)
    expect(faults).toBe(cheap.count(Counter.MINOR_FAULTS))
    // The first one is of the design's boot, before the clock starts; a new stack has two more.
    expect(dear.outcome.ns - cheap.outcome.ns).toBe((faults - 1 + 2) * 100_000)
  })
})

describe('virtual: what goes wrong', () => {
  it('a lock taken twice by one thread is a deadlock, and says who waits for whom', async () => {
    const ran = await runVirtual(crowd, design('locks-twice'))
    expect(ran.outcome.outcome).toBe('deadlock')
    expect(ran.outcome.message).toMatch(/lab thread 2 waits for lock "locks-twice", held by lab/)
    expect(ran.outcome.message).toMatch(/lab thread 0 waits for the lab threads it started/)
  })

  it('two locks taken in opposite orders are a deadlock', async () => {
    const options = { params: { threads: 2, rounds: 200 }, cores: 2 }
    const ran = await runVirtual(crowd, design('lock-order'), options)
    expect(ran.outcome.outcome).toBe('deadlock')
    expect(ran.outcome.message).toMatch(/lab thread 1 waits for lock ".*", held by lab thread 2/)
    expect(ran.outcome.message).toMatch(/lab thread 2 waits for lock ".*", held by lab thread 1/)
  })

  it('overlapping blocks are found by their stamps', async () => {
    const ran = await runVirtual(crowd, design('hands-out-twice'))
    expect(ran.outcome.outcome).toBe('corrupted')
  })

  it('the memory limit kills, with the thread that crossed it', async () => {
    const ran = await runVirtual('seedservice', 'glibc', {
      params: { days: 2, records: 2000 },
      memoryLimit: 12 * MIB,
    })
    expect(ran.outcome.outcome).toBe('oom-killed')
    expect(ran.outcome.message).toMatch(/OOM-killed: a page fault of lab thread \d+ took RSS/)
    expect(ran.safepoints.at(-1)?.reason).toBe('oom')
  })

  it('stops in the middle when the user asks, and pauses before', async () => {
    const ran = await runVirtual(replace, 'glibc', {
      params: { threads: 4 },
      seconds: 3600,
      steer(machine) {
        void machine.pause().then(() => {
          machine.resume()
          machine.stop()
        })
      },
    })
    expect(ran.outcome.outcome).toBe('interrupted')
    expect(ran.safepoints.at(-1)).toMatchObject({ reason: 'end', clean: true })
  })
})

describe('virtual: many lab threads', () => {
  it('larson: all hand their slots on at once, again and again', async () => {
    const params = { threads: 12, slots: 10, rounds: 40, work: 200 }
    const ran = await runVirtual('larson', 'glibc', { params, cores: 4 })
    expect(ran.outcome.message).toBe('')
    expect(ran.count(Counter.MALLOCS)).toBe(12 * 10 + 12 * 200)
    expect(ran.count(Event.THREAD_STARTED)).toBe(12 * 5)
  })

  it('512 on 64 cores', async () => {
    const params = { threads: 512, slots: 8, work: 20 }
    const ran = await runVirtual('larson', 'glibc', { params, cores: 64 })
    expect(ran.outcome.message).toBe('')
    expect(ran.count(Counter.MALLOCS)).toBe(512 * 8 + 512 * 20)
  })
})
