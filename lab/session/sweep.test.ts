/** Sweeps: which values a list or a range stands for, and what their report shows. */
import { describe, expect, it } from 'vitest'
import { PLAIN } from '../report/style.ts'
import { sweepHtml } from '../report/sweep-html.ts'
import { sweepText } from '../report/sweep-text.ts'
import { type SweepSummary, throughputOf } from '../report/sweep-types.ts'
import { mainJob, survivor } from '../report/test/summaries.ts'
import { valuesOf } from './sweep.ts'

const values = (text: string): string[] => valuesOf({ name: 'threads', text })

describe('sweep: values', () => {
  it('lists, ranges, doublings', () => {
    expect(values('4')).toEqual(['4'])
    expect(values('64KiB')).toEqual(['64KiB'])
    expect(values('1, 2,4')).toEqual(['1', '2', '4'])
    expect(values('true,false')).toEqual(['true', 'false'])
    expect(values('3..6')).toEqual(['3', '4', '5', '6'])
    expect(values('1,2,4,…,192')).toEqual(['1', '2', '4', '8', '16', '32', '64', '128', '192'])
    expect(values('1,...,8')).toEqual(['1', '2', '4', '8'])
  })

  it('says what is wrong with others', () => {
    expect(() => values('1,,2')).toThrow(/a value is missing/)
    expect(() => values('6..3')).toThrow(/expected up to/)
    expect(() => values('…,4')).toThrow(/between two numbers/)
    expect(() => values('a,…,4')).toThrow(/between two numbers/)
  })
})

/** A larson that does 100 M ops a second on each core, from one second on. */
const point = (cores: number) => {
  const mark = { ...survivor.phases[0]!, label: 'running', seconds: 1, ops: 5000 }
  const glibc = {
    ...survivor,
    variant: 'glibc',
    seconds: 3,
    ops: 5000 + 2 * cores * 100e6,
    lockWaitNs: 0,
    phases: [mark],
  }
  const tcmalloc = { ...glibc, variant: 'tcmalloc', ops: 5000 + 4 * cores * 100e6 }
  const variants = [glibc, tcmalloc]
  const variantsAsked = ['glibc', 'tcmalloc']
  const summary = { ...mainJob, scenario: 'larson', cores, variants, variantsAsked }
  return { values: { cores: `${cores}` }, summary }
}
const sweep: SweepSummary = {
  scenario: 'larson',
  machine: 'virtual',
  seed: 1,
  axes: [{ name: 'cores', values: ['2', '72'] }],
  points: [point(2), point(72)],
}

describe('sweep: report', () => {
  it('takes rates from the mark "running" on', () => {
    expect(throughputOf(point(2).summary.variants[0]!)).toBe(200e6)
    expect(throughputOf(survivor)).toBe(survivor.opsPerSecond)
  })

  it('a page with a curve of each variant, the published ones, and the table of 72 cores', () => {
    const html = sweepHtml(sweep)
    for (const name of ['glibc', 'tcmalloc', 'glibc, published', 'mimalloc, published']) {
      expect(html).toContain(`>${name}</text>`)
    }
    // Replacements: a third of the ops.
    expect(html).toContain('200.00 M')
    expect(html).toMatch(/<td>glibc<\/td><td>2\.00<\/td><td>1\.43<\/td>/)
    expect(html).not.toMatch(/<script|NaN|Infinity/)
  })

  it('a table in the terminal', () => {
    const text = sweepText(sweep, 100, PLAIN)
    expect(text).toMatch(/cores=2 +200 M +400 M/)
    expect(text).toMatch(/cores=72 +7\.20 G +14\.4 G/)
  })
})
