/** The queue against a list that is sorted anew each time. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventQueue } from './event-queue.ts'

const SEATS = 12

/** How far away an event is: within the ring, at its edge, far beyond; before now, too. */
const distance = fc.oneof(
  fc.nat(20),
  fc.integer({ min: 1000, max: 1050 }),
  fc.integer({ min: -5, max: 5000 }),
  fc.integer({ min: 2 ** 30, max: 2 ** 33 }),
)
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ put: fc.nat(SEATS - 1), distance }) },
  { weight: 1, arbitrary: fc.record({ remove: fc.nat(SEATS - 1) }) },
  { weight: 2, arbitrary: fc.record({ again: distance }) },
)

it('event queue: the soonest comes first, the lower rank of two at once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const queue = new EventQueue(SEATS)
      for (let seat = 0; seat < SEATS; seat++) queue.rank[seat] = (seat * 7) % SEATS
      const model = new Map<number, number>()
      let now = 0
      const put = (seat: number, away: number): void => {
        const when = Math.max(0, now + away)
        queue.put(seat, when)
        model.set(seat, when)
      }
      for (const one of steps) {
        if ('put' in one) put(one.put, one.distance)
        else if ('remove' in one) {
          queue.remove(one.remove)
          model.delete(one.remove)
        } else if (model.size > 0) put(queue.soonest(), one.again)
        expect(queue.size).toBe(model.size)
        const [first] = [...model].sort(
          ([a, whenA], [b, whenB]) => whenA - whenB || queue.rank[a]! - queue.rank[b]!,
        )
        if (first === undefined) continue
        expect(queue.soonest()).toBe(first[0])
        expect(queue.when[first[0]]).toBe(first[1])
        now = Math.max(now, first[1])
      }
    }),
    { numRuns: 500 },
  )
})
