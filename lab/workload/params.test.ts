import { describe, expect, it } from 'vitest'
import { parseAssignment } from '../words/assignments.ts'
import { BadInput } from '../words/bad-input.ts'
import { resolveParams } from './params.ts'
import { type AnyParams, defineScenario } from './scenario.ts'

const SCENARIO = defineScenario({
  name: 'sample',
  summary: '',
  params: {
    days: { default: 10, unit: 'count', min: 1, max: 100, meaning: 'Days.' },
    bytes: { default: 64, unit: 'bytes', max: 2 ** 30, meaning: 'Size.' },
    pause: { default: 0, unit: 'ns', meaning: 'Pause.' },
    skew: { default: true, unit: 'flag', meaning: 'Skew.' },
  },
  *main() {
    yield
  },
})
const resolve = (...given: string[]): AnyParams =>
  resolveParams(
    SCENARIO,
    given.map((text) => parseAssignment(text, 'parameter')),
  )

describe('parameters', () => {
  it('are the defaults, or what is assigned', () => {
    expect(resolve()).toEqual({ days: 10, bytes: 64, pause: 0, skew: true })
    expect(resolve('days=3', 'bytes=64KiB', 'pause=10ms', 'skew=off')).toEqual({
      days: 3,
      bytes: 65536,
      pause: 10_000_000,
      skew: false,
    })
  })

  it.each([
    ['dayz=3', /unknown parameter of sample 'dayz': did you mean days/],
    ['days=0', /days='0': expected count, a whole number from 1 to 100/],
    ['days=101', /from 1 to 100/],
    ['days=2.5', /whole number/],
    ['bytes=2GiB', /from 0 to 1GiB/],
    ['bytes=-1', /expected bytes/],
    ['pause=soon', /expected a duration/],
    ['skew=2', /expected true or false/],
    ['days', /expected name=value/],
    ['days=', /no value/],
    ['=3', /expected name=value/],
    ['__proto__=3', /unknown parameter/],
  ])('refuses %s', (text, message) => {
    expect(() => resolve(text)).toThrow(message)
    expect(() => resolve(text)).toThrow(BadInput)
  })

  it('refuses a name given twice', () => {
    expect(() => resolve('days=1', 'days=2')).toThrow(/given twice/)
  })
})
