import { describe, expect, it } from 'vitest'
import { Cores } from './cores.ts'

/** One core, on which seats have run for so many ns each, one after the other. */
function coreAfter(usedNs: readonly number[]): { cores: Cores; now: number } {
  const cores = new Cores(1, usedNs.length + 1, 1)
  let now = 0
  for (const [seat, ns] of usedNs.entries()) {
    cores.occupy(0, seat, now)
    now += ns
    cores.leave(seat, now)
    cores.requeue(0, seat)
  }
  return { cores, now }
}
const order = (cores: Cores, count: number): number[] =>
  Array.from({ length: count }, () => cores.takeFor(0))

describe('who runs next', () => {
  it('is who has had the least CPU time, and among equals who came first', () => {
    expect(order(coreAfter([300, 100, 200, 100]).cores, 4)).toEqual([1, 3, 2, 0])
  })

  it('comes after all others when it has yielded', () => {
    const { cores, now } = coreAfter([300, 200])
    cores.occupy(0, 2, now)
    cores.leave(2, now + 1)
    cores.requeueLast(0, 2)
    expect(order(cores, 3)).toEqual([1, 0, 2])
  })

  it('keeps what it is owed while it sleeps', () => {
    const cores = new Cores(1, 4, 1)
    cores.occupy(0, 0, 0)
    cores.enqueue(1, 0)
    // Seat 0 goes to sleep after it has had 1 ms and seat 1 nothing.
    cores.leave(0, 1e6)
    cores.occupy(0, cores.takeFor(0), 1e6)
    // A new thread, and seat 0 again: both find seat 1 with 0.1 ms.
    cores.enqueue(0, 1.1e6)
    cores.enqueue(2, 1.1e6)
    expect(order(cores, 2)).toEqual([2, 0])
  })

  it('is nobody when nobody waits', () => {
    expect(new Cores(2, 3, 1).takeFor(1)).toBe(-1)
  })
})
