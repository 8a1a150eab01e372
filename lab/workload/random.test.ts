import { describe, expect, it } from 'vitest'
import { RandomStream, type StreamKey } from './random.ts'
import { meanSize, sizeMix } from './size-mix.ts'

const KEY: StreamKey = { seed: 1, role: 'ingest', index: 0, generation: 0 }
const draw = (key: Partial<StreamKey>, count = 4): number[] => {
  const stream = new RandomStream({ ...KEY, ...key })
  return Array.from({ length: count }, () => stream.uint32())
}

describe('random numbers', () => {
  it('are the same on every Node', () => {
    // Kept from the first run: a change of these changes every seed's meaning.
    expect(draw({})).toMatchInlineSnapshot(`
      [
        4092846373,
        4193524471,
        2893102280,
        708452305,
      ]
    `)
  })

  it('differ by seed, role, index and generation', () => {
    const keys = [{}, { seed: 2 }, { seed: 2 ** 32 + 1 }, { role: 'janitor' }, { index: 1 }]
    const streams = [...keys, { generation: 1 }].map((key) => draw(key).join())
    expect(new Set(streams).size).toBe(streams.length)
  })

  it('are uniform', () => {
    const stream = new RandomStream(KEY)
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 100_000; i++) counts[stream.range(5, 14) - 5]!++
    // Ten thousand each are expected; the standard deviation is 95.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })

  it('reach both ends of a range, and nothing beyond', () => {
    const stream = new RandomStream(KEY)
    const seen = new Set<number>()
    for (let i = 0; i < 1000; i++) seen.add(stream.range(-1, 2))
    expect([...seen].sort((a, b) => a - b)).toEqual([-1, 0, 1, 2])
    for (let i = 0; i < 1000; i++) expect(stream.below(2 ** 32)).toBeLessThan(2 ** 32)
    expect(stream.range(7, 7)).toBe(7)
  })
})

describe('size mixes', () => {
  const mix = sizeMix([
    { weight: 60, low: 32, high: 127 },
    { weight: 30, low: 128, high: 1023 },
    { weight: 9, low: 1024, high: 8191 },
    { weight: 1, low: 8192, high: 65535 },
  ])

  it('are drawn by their weights', () => {
    const stream = new RandomStream(KEY)
    const counts = [0, 0, 0, 0]
    let least = Infinity
    for (let i = 0; i < 100_000; i++) {
      const size = stream.pick(mix)
      counts[[127, 1023, 8191, 65535].findIndex((high) => size <= high)]!++
      least = Math.min(least, size)
    }
    expect(least).toBe(32)
    expect(Math.abs(counts[0]! - 60_000)).toBeLessThan(800)
    expect(Math.abs(counts[1]! - 30_000)).toBeLessThan(800)
    expect(Math.abs(counts[2]! - 9_000)).toBeLessThan(500)
    expect(Math.abs(counts[3]! - 1_000)).toBeLessThan(170)
  })

  it('have a mean', () => {
    expect(meanSize(mix)).toBeCloseTo(0.6 * 79.5 + 0.3 * 575.5 + 0.09 * 4607.5 + 0.01 * 36863.5)
  })

  it('refuse rows that are none', () => {
    expect(() => sizeMix([])).toThrow(RangeError)
    expect(() => sizeMix([{ weight: 0, low: 1, high: 2 }])).toThrow(RangeError)
    expect(() => sizeMix([{ weight: 1, low: 3, high: 2 }])).toThrow(RangeError)
    expect(() => sizeMix([{ weight: 1, low: 0.5, high: 2 }])).toThrow(RangeError)
  })
})
