import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LiveBlocks } from './live-blocks.ts'

describe('live blocks', () => {
  it('behave as a Map with a list of free slots (blocks that share places)', () => {
    // Multiples of a power of two crowd the table, so that removals have to close long gaps.
    const block = fc.tuple(fc.nat(40), fc.constantFrom(1, 1 << 10, 1 << 22)).map(([n, m]) => n * m)
    fc.assert(
      fc.property(fc.array(block, { maxLength: 400 }), (steps) => {
        const blocks = new LiveBlocks()
        const model = new Map<number, number>()
        const free: number[] = []
        let made = 0
        for (const [line, number] of steps.entries()) {
          const slot = model.get(number)
          expect(blocks.slotOf(number)).toBe(slot ?? -1)
          if (slot === undefined) {
            const expected = free.pop() ?? made++
            expect(blocks.add(number, line, line % 2 === 0)).toBe(expected)
            expect(blocks.bornIn(expected)).toBe(line)
            expect(blocks.isNull(expected)).toBe(line % 2 === 0)
            model.set(number, expected)
          } else {
            blocks.remove(number)
            free.push(slot)
            model.delete(number)
          }
        }
        for (const [number, slot] of model) expect(blocks.slotOf(number)).toBe(slot)
        expect(blocks.slotsMade).toBe(made)
      }),
    )
  })

  it('grow with what is live, not with what has been', () => {
    const blocks = new LiveBlocks()
    for (let number = 0; number < 300_000; number++) {
      blocks.add(number, number, false)
      if (number >= 5000) blocks.remove(number - 5000)
    }
    expect(blocks.slotsMade).toBe(5001)
    for (let number = 295_000; number < 300_000; number++) {
      expect(blocks.slotOf(number)).toBeGreaterThanOrEqual(0)
    }
    expect(blocks.slotOf(294_999)).toBe(-1)
  })
})
