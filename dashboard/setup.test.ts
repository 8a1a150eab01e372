/** Goal: message, link and command line of a setup say the same, whatever is written in it. */
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { parseRunArguments } from '../lab/cli/run.ts'
import { MIB } from '../lab/words/units.ts'
import {
  argumentsOf,
  commandLine,
  FIRST_SETUP,
  queryOf,
  RunSetup,
  setupOfQuery,
  setupOfRun,
} from './setup.ts'

const parameter = fc
  .tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[ -~]{0,12}$/))
  .map(([name, value]) => `${name}=${value}`)
const word = fc.stringMatching(/^[ -~]{0,16}$/)
const setups = fc.record({
  scenario: fc.stringMatching(/^[ -~]{1,20}$/),
  variants: fc.array(fc.stringMatching(/^[ -~]{1,30}$/), { minLength: 1, maxLength: 4 }),
  params: fc.uniqueArray(parameter, { maxLength: 6, selector: (text) => text.split('=')[0] }),
  machine: fc.constantFrom('threads', 'virtual'),
  memoryLimit: word,
  addressSpaceLimit: word,
  cores: word,
  seed: fc.stringMatching(/^\d{0,9}$/).filter((seed) => seed !== '1'),
  seconds: word,
  lockstep: fc.boolean(),
  traceWaits: fc.boolean(),
})

describe('setup: the link', () => {
  it('brings back every setup, whatever signs are in it', () => {
    fc.assert(
      fc.property(setups, (setup) => {
        expect(setupOfQuery(`#${queryOf(setup)}`)).toEqual(setup)
      }),
    )
  })

  it('is no setup without a scenario, and never more than the schema allows', () => {
    expect(setupOfQuery('')).toBeUndefined()
    expect(setupOfQuery('#run')).toBeUndefined()
    expect(setupOfQuery('#a=glibc')).toBeUndefined()
    const many = `#scenario=x${'&a=glibc'.repeat(9)}${'&P=p=1'.repeat(500)}`
    expect(v.safeParse(RunSetup, setupOfQuery(many)).success).toBe(true)
    expect(setupOfQuery(`#scenario=${'x'.repeat(100)}`)).toBeUndefined()
    expect(setupOfQuery('#scenario=a%0Ab')).toBeUndefined()
    expect(setupOfQuery('#scenario=%E0%A4%A')).toMatchObject({ scenario: '%E0%A4%A' })
  })

  it('of a parameter given twice the last value stands', () => {
    expect(setupOfQuery('#scenario=x&P=days=1&P=n=2&P=days=3')!.params).toEqual(['days=3', 'n=2'])
  })
})

describe('setup: the command line', () => {
  it('is read back by the command line as what the form says', () => {
    const setup = {
      ...FIRST_SETUP,
      params: ['days=4'],
      cores: '8',
      seed: '7',
      seconds: '10s',
      traceWaits: true,
    }
    expect(parseRunArguments(argumentsOf(setup))).toMatchObject({
      scenario: 'seedservice',
      variants: ['glibc', 'glibc:arena_max=1'],
      params: [{ name: 'days', text: '4' }],
      machine: 'threads',
      limits: { memoryLimit: 768 * MIB },
      cores: 8,
      seed: 7,
      seconds: 10,
      lockstep: true,
      traceWaits: true,
    })
  })

  it('leaves out what run takes by itself, and lock-step of one', () => {
    const setup = { ...FIRST_SETUP, variants: ['glibc'], memoryLimit: '' }
    expect(commandLine(argumentsOf(setup))).toBe('arena-lab run seedservice -a glibc')
  })

  it('quotes what a shell would read otherwise', () => {
    const odd = ['run', "it's", '$(reboot)', 'a b', 'glibc:arena_max=1', '']
    expect(commandLine(odd)).toBe(`arena-lab run 'it'\\''s' '$(reboot)' 'a b' glibc:arena_max=1 ''`)
  })

  it('of a past run sets it up again', () => {
    const ran = {
      scenario: 'pinned-top',
      machine: 'threads',
      cores: 2,
      seed: 42,
      params: { n: 3 },
      limits: { memoryLimit: 64 * MIB, addressSpaceLimit: null },
    }
    expect(commandLine(argumentsOf(setupOfRun(ran, ['glibc'])))).toBe(
      'arena-lab run pinned-top -a glibc -P n=3 --memory-limit 64MiB --cores 2 --seed 42',
    )
  })
})
