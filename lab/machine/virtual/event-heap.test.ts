/** The heap against a list that is sorted anew each time. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventHeap } from './event-heap.ts'

const SEATS = 12

const step = fc.oneof(
  fc.record({ put: fc.nat(SEATS - 1), when: fc.nat(20) }),
  fc.record({ remove: fc.nat(SEATS - 1) }),
)

it('event heap: the soonest comes first, the lower rank of two at once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = new EventHeap(SEATS)
      for (let seat = 0; seat < SEATS; seat++) heap.rank[seat] = (seat * 7) % SEATS
      const model = new Map<number, number>()
      for (const one of steps) {
        if ('put' in one) {
          heap.put(one.put, one.when)
          model.set(one.put, one.when)
        } else {
          heap.remove(one.remove)
          model.delete(one.remove)
        }
        expect(heap.size).toBe(model.size)
        const [first] = [...model].sort(
          ([a, whenA], [b, whenB]) => whenA - whenB || heap.rank[a]! - heap.rank[b]!,
        )
        if (first !== undefined) expect(heap.first).toBe(first[0])
      }
    }),
  )
})
