/** Goal: figures carry their unit and no false precision, at the edges too. */
import { describe, expect, it } from 'vitest'
import { KIB, MIB } from '../words/units.ts'
import { compact, grouped, latency, mib, percent, ratio } from './figures.ts'
import { liveBlock, plainLine } from './live-text.ts'
import { PLAIN } from './style.ts'
import { sampleOf } from './test/samples.ts'

describe('figures', () => {
  it('memory is always in MiB', () => {
    const cases = [0, 1, 30 * KIB, 9.99 * MIB, 10 * MIB, 99.96 * MIB, 768 * MIB, 4096 * MIB]
    expect(cases.map(mib)).toEqual([
      '0 MiB',
      '< 0.01 MiB',
      '0.03 MiB',
      '9.99 MiB',
      '10.0 MiB',
      '100 MiB',
      '768 MiB',
      '4 096 MiB',
    ])
  })
  it('counts are grouped or rounded', () => {
    expect([0, 999, 1000, 1_234_567].map(grouped)).toEqual(['0', '999', '1 000', '1 234 567'])
    expect([0, 999, 999.7, 45_678, 1_234_567, 2.5e9].map(compact)).toEqual([
      '0',
      '999',
      '1.00 k',
      '45.7 k',
      '1.23 M',
      '2.50 G',
    ])
  })
  it('shares never round up to all or down to none', () => {
    expect([0, 0.00001, 0.004, 0.5, 0.998, 0.99999, 1].map((part) => percent(part, 1))).toEqual([
      '0 %',
      '< 0.1 %',
      '0.4 %',
      '50 %',
      '99.8 %',
      '> 99.9 %',
      '100 %',
    ])
    expect(percent(1, 0)).toBe('–')
  })
  it('ratios have no value over nothing', () => {
    expect([ratio(3, 2), ratio(21, 2), ratio(3000, 2), ratio(1, 0)]).toEqual([
      '1.50',
      '10.5',
      '1 500',
      '–',
    ])
  })
  it('latencies below what the clock costs are only known to be so', () => {
    expect([latency(39, 1), latency(40, 1), latency(1535, 9), latency(0, 0)]).toEqual([
      '< 40 ns',
      '40 ns',
      '1.53 µs',
      '–',
    ])
  })
})

describe('live', () => {
  const context = {
    scenario: 'seedservice',
    variant: 'glibc',
    place: 1,
    of: 2,
    memoryLimit: 768 * MIB,
  }
  const before = sampleOf({ t: 1e9, ops: 1000, minorFaults: 0 })
  const now = sampleOf({
    t: 2e9,
    rss: 384 * MIB,
    live: 128 * MIB,
    ops: 51_000,
    minorFaults: 2500,
    lockWaitNs: 5e8,
    phase: 'day 3',
  })

  it('the block shows RSS against the limit, and rates over the last second', () => {
    expect(liveBlock(context, now, before, 90, PLAIN)).toMatchInlineSnapshot(`
      "seedservice · glibc (1 of 2) · after day 3 · 2.0 s
      RSS ███████████████░░░░░░░░░░░░░░ 384 MiB of 768 MiB  live 128 MiB (3.00 ×)  VmSize 0 MiB
      arenas 0   faults/s 2.50 k   ops/s 50.0 k   waiting for locks 0.5 of 0 threads"
    `)
  })

  it('no line is wider than the terminal, limit or not', () => {
    for (const width of [40, 60, 80, 200]) {
      for (const memoryLimit of [768 * MIB, undefined]) {
        const block = liveBlock({ ...context, memoryLimit }, now, before, width, PLAIN)
        expect(block.split('\n').filter((line) => line.length > width)).toEqual([])
      }
    }
  })

  it('the plain line says the same in one', () => {
    expect(plainLine(context, 'day 3', { ...now, arenas: 16 }).split('  ')).toEqual([
      'glibc: day 3',
      '2.0 s',
      'RSS 384 MiB (3.00 × live, 50 % of limit)',
      'arenas 16',
      'ops 51.0 k',
      'lock wait 500 ms',
    ])
  })
})
