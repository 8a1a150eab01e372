/** How locks are waited for in simulated time: kinds of them that differ, and what cannot be. */
import { describe, expect, it } from 'vitest'
import { Counter, Event } from '../../lab/words/events.ts'
import { type Ran, runVirtual, testFile } from '../support/machine.ts'

const crowd = testFile('scenarios/crowd.ts')
const replace = testFile('scenarios/replace.ts')

const arenas = (ran: Ran): number => 1 + ran.count(Event.ARENA_NEW)

describe('virtual: locks that are only tried', () => {
  const options = { params: { threads: 2 }, cores: 2, seconds: 0.01 }

  it('are tried one after the other, while others move on', async () => {
    // With two threads only one arena is locked at any moment.
    const atOnce = { ...options, costs: { 'ptmalloc2.tries': 0 } }
    expect(arenas(await runVirtual(replace, 'ptmalloc2', atOnce))).toBe(2)
    expect(arenas(await runVirtual(replace, 'ptmalloc2', options))).toBeGreaterThan(2)
  })

  it('belong to nobody else until their maker has let go of them', async () => {
    const params = { threads: 8, rounds: 50 }
    const ran = await runVirtual(crowd, testFile('designs/makes-lock.ts'), { params, cores: 8 })
    expect(ran.outcome.message).toBe('')
    expect(ran.count(Counter.TRYLOCK_FAILURES)).toBeGreaterThan(0)
  })
})

describe('virtual: locks that are waited for', () => {
  it('with sched_yield, nobody sleeps in the kernel, and others run', async () => {
    const options = { params: { threads: 8 }, cores: 2, seconds: 0.01 }
    const yields = await runVirtual(replace, 'ptmalloc2', options)
    const sleeps = await runVirtual(replace, 'ptmalloc2', {
      ...options,
      costs: { 'ptmalloc2.yields': 0 },
    })
    const switches = (ran: Ran): number => ran.outcome.simulation?.contextSwitches ?? 0
    expect(switches(yields)).toBeGreaterThan(switches(sleeps))
    expect(yields.count(Counter.MALLOCS)).toBeGreaterThan(sleeps.count(Counter.MALLOCS))
  })

  it('faults hold up system calls, but those of known mappings since Linux 6.4', async () => {
    const options = { params: { threads: 8 }, cores: 8, seconds: 0.002 }
    const before = await runVirtual(replace, 'glibc', { ...options, costs: { vmaLocks: 0 } })
    const since = await runVirtual(replace, 'glibc', options)
    const waits = (ran: Ran): number => ran.count(Counter.KERNEL_WAIT_NS)
    expect(waits(since)).toBeGreaterThan(0)
    expect(waits(before)).toBeGreaterThan(waits(since))
  })

  it('with the mmap_lock, a fault does not wait for all who spin to write', async () => {
    // 128 threads grow their heaps, each page an mprotect: somebody spins for the lock at any
    // moment. Who starts them must fault in a new stack for each, and sleeps for the lock.
    const params = { days: 1, ingesters: 128, records: 6341 }
    const ran = await runVirtual('seedservice', 'glibc', { params, cores: 64 })
    expect(ran.outcome.message).toBe('')
    // Each works for more than 0.5 ms and is started within 0.05 ms of the one before.
    expect(arenas(ran)).toBeGreaterThan(32)
  })

  it('with the mmap_lock, who spins has patience with readers for so long', async () => {
    const params = { days: 1, ingesters: 64, records: 2000 }
    const switches = async (readerSpin: number): Promise<number> => {
      const options = { params, cores: 64, costs: { readerSpin } }
      const { outcome } = await runVirtual('seedservice', 'glibc', options)
      expect(outcome.message).toBe('')
      return outcome.simulation?.contextSwitches ?? 0
    }
    // A reader who is woken has the lock 6.2 µs before it runs.
    expect(await switches(5000)).toBeGreaterThan(await switches(100_000))
  })
})
