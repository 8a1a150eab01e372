import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  readableDuration,
  readableSize,
} from './sizes.ts'

describe('sizes', () => {
  it('reads what users write', () => {
    const cases: Record<string, number | undefined> = {
      '0': 0,
      '1000': 1000,
      '64KiB': 65536,
      '64K': 65536,
      '64 kib': 65536,
      '768MiB': 805306368,
      '1.5GiB': 1610612736,
      '10MB': 10_000_000,
      '5B': 5,
      '2TiB': 2199023255552,
      '1.5': undefined,
      '0.3KiB': undefined,
      '-1': undefined,
      '': undefined,
      MiB: undefined,
      '12parsecs': undefined,
      '1e3': undefined,
      '64KiB extra': undefined,
      '9999999999TiB': undefined,
      constructor: undefined,
      '1constructor': undefined,
    }
    for (const [text, bytes] of Object.entries(cases)) expect(parseSize(text), text).toBe(bytes)
  })

  it('formats and reads back exactly', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 40 }), (value, shift) => {
        const bytes = Math.floor(value / 2 ** shift) * 2 ** Math.min(shift, 10)
        fc.pre(Number.isSafeInteger(bytes))
        expect(parseSize(formatSize(bytes))).toBe(bytes)
      }),
    )
    expect(formatSize(64 * 1024 * 1024)).toBe('64MiB')
    expect(formatSize(1000)).toBe('1000')
    expect(formatSize(1536)).toBe('1536')
  })

  it('is readable', () => {
    expect(readableSize(0)).toBe('0 B')
    expect(readableSize(1023)).toBe('1023 B')
    expect(readableSize(1024)).toBe('1.00 KiB')
    expect(readableSize(1_095_216_660)).toBe('1.02 GiB')
    expect(readableSize(768 * 1024 * 1024)).toBe('768 MiB')
    expect(readableSize(1024 * 1024 - 1)).toBe('1.00 MiB')
    expect(readableSize(-4096)).toBe('-4.00 KiB')
  })
})

describe('durations', () => {
  it('reads what users write', () => {
    expect(parseDuration('10s')).toBe(10e9)
    expect(parseDuration('5m')).toBe(300e9)
    expect(parseDuration('250ms')).toBe(250e6)
    expect(parseDuration('1.5h')).toBe(5400e9)
    expect(parseDuration('40us')).toBe(40_000)
    expect(parseDuration('7ns')).toBe(7)
    expect(parseDuration('0')).toBe(0)
    expect(parseDuration('10')).toBeUndefined()
    expect(parseDuration('10', 's')).toBe(10e9)
    expect(parseDuration('10 s', 'ns')).toBe(10e9)
    expect(parseDuration('0.5ns')).toBeUndefined()
    expect(parseDuration('soon')).toBeUndefined()
  })

  it('formats and reads back exactly', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10_000 }),
        fc.constantFrom(1, 1e3, 1e6, 1e9, 60e9),
        (n, unit) => {
          expect(parseDuration(formatDuration(n * unit))).toBe(n * unit)
        },
      ),
    )
    expect(formatDuration(10e9)).toBe('10s')
    expect(formatDuration(90e9)).toBe('90s')
    expect(formatDuration(120e9)).toBe('2m')
  })

  it('is readable', () => {
    expect(readableDuration(40)).toBe('40 ns')
    expect(readableDuration(350_000)).toBe('350 µs')
    expect(readableDuration(1.25e9)).toBe('1.25 s')
    expect(readableDuration(125e9)).toBe('2 min 5 s')
    expect(readableDuration(3720e9)).toBe('1 h 2 min')
  })
})
