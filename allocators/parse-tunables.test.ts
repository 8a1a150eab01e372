import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BadInput } from '../lab/words/bad-input.ts'
import { describeTunable, parseVariant, resolveTunables } from './parse-tunables.ts'
import type { TunableSpecs } from './tunables.ts'

interface Sample {
  arena_max: number
  trim_threshold: number
  perturb: number
  check: number
}
const SPECS: TunableSpecs<Sample> = {
  arena_max: {
    kind: 'count',
    default: 0,
    min: 0,
    max: 1024,
    aliases: ['MALLOC_ARENA_MAX', 'glibc.malloc.arena_max', 'M_ARENA_MAX'],
    meaning: 'Most arenas.',
  },
  trim_threshold: {
    kind: 'bytes',
    default: 131072,
    min: 0,
    max: 2 ** 40,
    aliases: ['MALLOC_TRIM_THRESHOLD_', 'M_TRIM_THRESHOLD'],
    meaning: 'Free top that is trimmed.',
  },
  perturb: { kind: 'count', default: -5, min: -10, max: 255, aliases: [], meaning: 'A byte.' },
  check: { kind: 'flag', default: 0, min: 0, max: 1, aliases: [], meaning: 'A flag.' },
}
const resolve = (variant: string): Sample =>
  resolveTunables<Sample>(SPECS, parseVariant(variant).assignments)

describe('variants', () => {
  it('are a design and assignments', () => {
    expect(parseVariant('glibc')).toEqual({ label: 'glibc', design: 'glibc', assignments: [] })
    expect(parseVariant(' glibc:arena_max=1,MALLOC_TRIM_THRESHOLD_=128KiB')).toEqual({
      label: 'glibc:arena_max=1,MALLOC_TRIM_THRESHOLD_=128KiB',
      design: 'glibc',
      assignments: [
        { name: 'arena_max', text: '1' },
        { name: 'MALLOC_TRIM_THRESHOLD_', text: '128KiB' },
      ],
    })
  })

  it('take GLIBC_TUNABLES apart, with its name or without', () => {
    const both = [
      { name: 'glibc.malloc.arena_max', text: '1' },
      { name: 'glibc.malloc.trim_threshold', text: '4096' },
    ]
    const list = 'glibc.malloc.arena_max=1:glibc.malloc.trim_threshold=0x1000'
    expect(parseVariant(`glibc:GLIBC_TUNABLES=${list}`).assignments).toEqual(both)
    expect(parseVariant(`glibc:${list}`).assignments).toEqual(both)
    expect(parseVariant(`./a:b/my.ts:GLIBC_TUNABLES=:${list}::`).assignments).toEqual(both)
    expect(parseVariant(`native:glibc:M_MXFAST=0,GLIBC_TUNABLES=${list}`)).toMatchObject({
      design: 'native:glibc',
      assignments: [{ name: 'M_MXFAST', text: '0' }, ...both],
    })
    const octal = parseVariant('glibc:GLIBC_TUNABLES=glibc.malloc.top_pad=010').assignments
    expect(octal).toEqual([{ name: 'glibc.malloc.top_pad', text: '8' }])
    expect(resolve('glibc:GLIBC_TUNABLES=glibc.malloc.arena_max=3').arena_max).toBe(3)
  })

  it.each([
    ['glibc:GLIBC_TUNABLES=glibc.malloc.arena_mx=1', /did you mean glibc\.malloc\.arena_max/],
    ['glibc:GLIBC_TUNABLES=glibc.malloc.arena_max', /in GLIBC_TUNABLES .* expected name=value/],
    ['glibc:GLIBC_TUNABLES=glibc.malloc.arena_max=', /no value after the =/],
    ['glibc:GLIBC_TUNABLES=::', /GLIBC_TUNABLES: names no tunable/],
    ['glibc:arena_max=1,GLIBC_TUNABLES=glibc.malloc.arena_max=2', /arena_max is given twice/],
    ['glibc:GLIBC_TUNABLES=glibc.malloc.arena_max=one', /expected a whole number from 0 to 1024/],
  ])('%s is refused in one line', (variant, message) => {
    expect(() => resolve(variant)).toThrow(message)
    expect(() => resolve(variant)).toThrow(BadInput)
  })

  it('may be files and native allocators', () => {
    expect(parseVariant('./a:b/my.ts:x=1').design).toBe('./a:b/my.ts')
    expect(parseVariant('./my.ts:path=a/b').design).toBe('./my.ts')
    expect(parseVariant('native:jemalloc').design).toBe('native:jemalloc')
    expect(parseVariant('native:glibc:arena_max=1').design).toBe('native:glibc')
  })

  it.each([
    '',
    ':x=1',
    'glibc:',
    'glibc:arena_max',
    'glibc:=1',
    'glibc:a=1,',
    'glibc:a=',
    'native:',
  ])('refuses %j', (text) => {
    expect(() => parseVariant(text)).toThrow(BadInput)
  })

  it('never fails but with BadInput', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z:=,./ -]{0,20}$/), (text) => {
        try {
          resolve(text)
        } catch (error) {
          expect(error).toBeInstanceOf(BadInput)
          expect((error as Error).message).not.toContain('\n')
        }
      }),
    )
  })
})

describe('tunables', () => {
  it('have defaults, keys and real names', () => {
    expect(resolve('glibc')).toEqual({
      arena_max: 0,
      trim_threshold: 131072,
      perturb: -5,
      check: 0,
    })
    expect(resolve('glibc:MALLOC_ARENA_MAX=2').arena_max).toBe(2)
    expect(resolve('glibc:glibc.malloc.arena_max=3').arena_max).toBe(3)
    expect(resolve('glibc:M_TRIM_THRESHOLD=64KiB').trim_threshold).toBe(65536)
    expect(resolve('glibc:perturb=-1,check=yes')).toMatchObject({ perturb: -1, check: 1 })
  })

  it('take -1 bytes as the most there is, as (size_t) -1 is', () => {
    expect(resolve('glibc:trim_threshold=-1').trim_threshold).toBe(2 ** 40)
  })

  it('say what they accept; what no type could exceed is no limit', () => {
    const spec = { kind: 'bytes', default: 0, min: 0, max: 160, aliases: [], meaning: '' } as const
    const most = Number.MAX_SAFE_INTEGER
    expect(describeTunable(spec)).toBe('bytes from 0 to 160')
    expect(describeTunable({ ...spec, max: most })).toBe('bytes from 0 on, such as 64KiB')
    expect(describeTunable({ ...spec, min: -2, max: 2 ** 30 })).toBe(
      'bytes from -2 to 1GiB, such as 64KiB',
    )
    expect(describeTunable({ ...spec, kind: 'count', max: 2 ** 31 - 1 })).toBe(
      'a whole number from 0 on',
    )
    expect(describeTunable({ ...spec, kind: 'count', max: 0 })).toBe('only 0')
  })

  it('say what is wrong and what would do', () => {
    expect(() => resolve('glibc:arena_mx=1')).toThrow(/unknown tunable 'arena_mx'.*arena_max/)
    expect(() => resolve('glibc:MALLOC_ARENA_MX=1')).toThrow(/did you mean MALLOC_ARENA_MAX/)
    expect(() => resolve('glibc:arena_max=2000')).toThrow(/expected a whole number from 0 to 1024/)
    expect(() => resolve('glibc:arena_max=1KiB')).toThrow(/expected a whole number/)
    expect(() => resolve('glibc:trim_threshold=lots')).toThrow(/expected bytes from 0 to 1TiB/)
    expect(() => resolve('glibc:check=maybe')).toThrow(/expected true or false/)
    expect(() => resolve('glibc:arena_max=1,M_ARENA_MAX=2')).toThrow(/given twice/)
  })
})
