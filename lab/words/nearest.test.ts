import { describe, expect, it } from 'vitest'
import { BadInput } from './bad-input.ts'
import { editDistance, nearestNames, unknownName } from './nearest.ts'

describe('nearest names', () => {
  it('counts edits', () => {
    expect(editDistance('', 'abc')).toBe(3)
    expect(editDistance('kitten', 'sitting')).toBe(3)
    expect(editDistance('arena', 'aerna')).toBe(1)
    expect(editDistance('same', 'same')).toBe(0)
  })

  it('puts the nearest first and leaves far ones out', () => {
    const names = ['arena_max', 'arena_test', 'mmap_max', 'tcache_count', 'top_pad']
    expect(nearestNames('arena_mx', names)[0]).toBe('arena_max')
    expect(nearestNames('ARENA-MAX', names)[0]).toBe('arena_max')
    expect(nearestNames('tcache', names)).toEqual(['tcache_count'])
    expect(nearestNames('wibble_wobble', names)).toEqual([])
    expect(nearestNames('', names)).toEqual([])
  })

  it('says what was meant, in one line', () => {
    const error = unknownName('scenario', 'seedservce\n', ['seedservice', 'c5'])
    expect(error).toBeInstanceOf(BadInput)
    expect(error.message).toBe(
      "unknown scenario 'seedservce\\n': did you mean seedservice? (known: seedservice, c5)",
    )
  })
})
