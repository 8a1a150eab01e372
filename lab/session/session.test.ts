/** Goal: what is asked is resolved or refused in one line, and the exit code is DESIGN's. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { killed, survivor } from '../report/test/summaries.ts'
import { KIB, MIB } from '../words/units.ts'
import { type Ended, exitCodeOf } from './exit-code.ts'
import { boundedAtOnce, resolveRequest } from './resolve.ts'
import { failedThresholds, parseThreshold } from './thresholds.ts'
import type { RunRequest } from './types.ts'

const request = (parts: Partial<RunRequest> = {}): RunRequest => ({
  scenario: 'seedservice',
  variants: ['glibc'],
  params: [],
  machine: 'threads',
  scheduleSeed: 0,
  costs: 'laptop',
  lines: false,
  limits: {
    memoryLimit: undefined,
    addressSpaceLimit: undefined,
    overcommitMemory: 0,
    overcommitRatio: 50,
    ramBytes: 1024 * MIB,
  },
  cores: 2,
  seed: 1,
  seconds: undefined,
  heapBytes: 256 * MIB,
  spinCount: 0,
  drain: false,
  fill: false,
  sampleHz: 20,
  directory: '.',
  outputs: [],
  thresholds: [],
  command: [],
  ...parts,
})
const limited = (limits: Partial<RunRequest['limits']>): RunRequest =>
  request({ limits: { ...request().limits, ...limits } })

describe('resolve: what can work', () => {
  it('fills in parameters, tunables and the number of lab threads', async () => {
    const params = [{ name: 'ingesters', text: '4' }]
    const variants = ['glibc:arena_max=1', 'glibc']
    const { variants: resolved } = await resolveRequest(request({ params, variants }))
    expect(resolved.map(({ plan }) => plan.variant.tunables['arena_max'])).toEqual([1, 0])
    expect(resolved[0]!.plan).toMatchObject({ threads: 5, params: { ingesters: 4, days: 10 } })
  })
})

describe('resolve: what cannot work', () => {
  const refused: readonly [string, RunRequest, RegExp][] = [
    ['scenario', request({ scenario: 'seedservce' }), /^unknown scenario .* did you mean seedserv/],
    ['design', request({ variants: ['glibv'] }), /^unknown design 'glibv': did you mean glibc\?/],
    ['tunable', request({ variants: ['glibc:arenamx=1'] }), /^unknown tunable 'arenamx': did you/],
    ['parameter', request({ params: [{ name: 'dayz', text: '1' }] }), /did you mean days\?/],
    ['value', request({ params: [{ name: 'days', text: '-1' }] }), /^parameter days='-1': exp/],
    [
      'heap',
      request({ heapBytes: 12 * MIB }),
      /^--heap 12MiB: expected whole pages, 16MiB to 8GiB/,
    ],
    [
      'memory limit',
      limited({ memoryLimit: 64 * KIB }),
      /^--memory-limit 64KiB is too small for glibc's own state with 17 .*: \d+MiB would do$/,
    ],
    [
      'stacks',
      limited({ addressSpaceLimit: 64 * MIB }),
      /^--address-space-limit 64MiB is too small for the stacks with 17 .*: \d+MiB would do$/,
    ],
  ]
  for (const [what, bad, message] of refused) {
    it(`${what}: one line, before anything starts`, async () => {
      const error = await resolveRequest(bad).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ name: 'BadInput', message: expect.stringMatching(message) })
      expect((error as Error).message).not.toContain('\n')
    })
  }

  it('variants at once without a limit are held to their share of the host', () => {
    const asked = request({ variants: ['glibc', 'tcmalloc'], lockstep: true })
    const limitOn = (hostMib: number, parts: Partial<RunRequest> = {}): number | undefined =>
      boundedAtOnce({ ...asked, ...parts }, hostMib * MIB).limits.memoryLimit
    expect(limitOn(400)).toBe(150 * MIB)
    expect(limitOn(401)).toBe(150 * MIB)
    expect(limitOn(700)).toBeUndefined()
    expect(limitOn(400, { lockstep: false })).toBeUndefined()
    expect(limitOn(400, { variants: ['glibc'] })).toBeUndefined()
    expect(limitOn(400, { limits: { ...asked.limits, memoryLimit: MIB } })).toBe(MIB)
  })

  it('more lab threads than the pool can hold', async () => {
    const path = join(temporaryFolder('session'), 'crowd.ts')
    writeFileSync(
      path,
      `export default { name: 'crowd', summary: '', params: {}, threads: () => 1_000_000,
         privateCells: () => 1, *main() { yield } }`,
    )
    const error = await resolveRequest(request({ scenario: path })).catch((caught) => caught)
    expect(error.message).toMatch(
      /^1000000 lab threads at once are more than the worker pool holds: \d+ would do \(/,
    )
  })

  it('the number that would do does', async () => {
    const asked = limited({ addressSpaceLimit: 300 * MIB })
    const arenas = { ...asked, variants: ['glibc:arena_max=8'] }
    const error = await resolveRequest(arenas).catch((caught: unknown) => caught)
    const [, enough] = /(\d+)MiB would do$/.exec((error as Error).message) ?? []
    const limits = { ...asked.limits, addressSpaceLimit: Number(enough) * MIB }
    await expect(resolveRequest({ ...arenas, limits })).resolves.toBeDefined()
  })
})

describe('thresholds', () => {
  it('read sizes, durations and numbers, each where it belongs', () => {
    expect(parseThreshold('rss.max<768MiB')).toMatchObject({ value: 768 * MIB, operator: '<' })
    expect(parseThreshold('latencyNs.malloc.p99 <= 10us')).toMatchObject({ value: 10_000 })
    expect(parseThreshold('rssPerLive<2.5')).toMatchObject({ value: 2.5 })
    expect(() => parseThreshold('rss.max')).toThrow(/expected figure<limit/)
    expect(() => parseThreshold('rss.maxx<1')).toThrow(/did you mean rss.max\?/)
    expect(() => parseThreshold('rss.max<10s')).toThrow(/expected a size/)
    expect(() => parseThreshold('arenas<many')).toThrow(/expected a number/)
  })

  it('hold for every variant or name the one that fails', () => {
    const variants = [killed, survivor]
    const failed = (text: string): string[] => failedThresholds([parseThreshold(text)], variants)
    expect(failed('rss.max<=768MiB')).toEqual([])
    expect(failed('rss.max<768MiB')).toEqual([
      `threshold rss.max<768MiB failed by glibc: rss.max ${768 * MIB}`,
    ])
    expect(failed('arenas>1')).toEqual(['threshold arenas>1 failed by glibc:arena_max=1: arenas 1'])
  })
})

describe('exit code', () => {
  const code = (parts: Partial<Ended>): number =>
    exitCodeOf({
      variants: [survivor],
      showsOom: true,
      stoppedBy: undefined,
      problems: 0,
      failedThresholds: 0,
      ...parts,
    })
  const ended = (outcome: typeof survivor.outcome) => [survivor, { ...survivor, outcome }]

  it('is 0 for what was to be expected, an OOM kill that is there to be shown included', () => {
    expect(code({})).toBe(0)
    expect(code({ variants: [killed] })).toBe(0)
    expect(code({ variants: [killed], showsOom: false })).toBe(1)
  })

  it('tells each way to fail', () => {
    expect(code({ variants: ended('crashed') })).toBe(1)
    expect(code({ problems: 1 })).toBe(1)
    expect(code({ variants: ended('corrupted') })).toBe(3)
    const violations = [{ invariant: 'i', where: 'w' }]
    expect(code({ variants: [{ ...survivor, violations }] })).toBe(3)
    expect(code({ variants: ended('deadlock') })).toBe(4)
    expect(code({ variants: [{ ...survivor, trustworthy: false }] })).toBe(7)
    expect(code({ failedThresholds: 1 })).toBe(99)
    expect(code({ variants: ended('interrupted'), stoppedBy: 'SIGINT' })).toBe(130)
    expect(code({ variants: ended('interrupted'), stoppedBy: 'SIGTERM' })).toBe(143)
    expect(code({ variants: ended('interrupted'), stoppedBy: 'request' })).toBe(130)
  })

  it('the gravest wins', () => {
    const both = [...ended('corrupted'), ...ended('deadlock')]
    expect(code({ variants: both, failedThresholds: 1, problems: 1 })).toBe(3)
  })
})
