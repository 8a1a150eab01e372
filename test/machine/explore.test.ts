/**
 * The explore machine on real workers: finds races planted in twins of designs, tells them so that
 * they can be repeated, and finds nothing in the designs themselves.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../lab/cli/test/spawn.ts'
import { Counter } from '../../lab/words/events.ts'
import { plantedRaces } from '../faulty/design-races.ts'
import { type Ran, type RunOptions, runExplore, testFile } from '../support/machine.ts'
import { buildTwin } from '../support/twin-design.ts'

const SCHEDULES = 1000
/** Of sound designs: they have passed 10 000 each (see lab/machine/explore). */
const SOUND = 40
const explore = (scenario: string, design: string, options: RunOptions): Promise<Ran> =>
  runExplore(scenario, design, options)
const faulty = (name: string): string => testFile(`faulty/${name}.ts`)
/** Blocks that fit a slab of the small design. */
const SLABS = { blockBytes: 400 }

/** Fails, and fails again when the machine repeats the schedule for its account. */
async function found(design: string, options: RunOptions): Promise<Ran['outcome']> {
  const { outcome } = await explore('pass-around', design, { schedules: SCHEDULES, ...options })
  expect(outcome.explored?.failedSchedule).toBeGreaterThan(0)
  expect(outcome.explored?.account?.[0]).toMatch(/^schedule \d+ \(.+\): \d+ accesses, \d+ /)
  expect(outcome.message).not.toContain('carried out again')
  return outcome
}

describe('explore: planted races are found within 1000 schedules', () => {
  const twins: string[] = []
  beforeAll(async () => {
    for (const race of plantedRaces) twins.push(await buildTwin(race))
  })
  afterAll(() => {
    for (const twin of twins) rmSync(dirname(twin), { recursive: true })
  })

  for (const [place, { name, params, tunables }] of plantedRaces.entries()) {
    it(name, async () => {
      const { outcome } = await found(twins[place]!, { params, tunables })
      expect(outcome).toBe('corrupted')
    })
  }

  it('a free that reads the owner too early', async () => {
    const { outcome, explored } = await found(faulty('owner-read-early'), { params: SLABS })
    expect(outcome).toBe('corrupted')
    // The design's own functions are named, from its source.
    expect(explored?.account?.join('\n')).toMatch(/ in #\w+ \(owned-slabs\.ts:\d+\) < /)
  })
})

describe('explore: from the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'arena-lab-explore-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('two locks without an order: exit code 4, and a command that repeats it', async () => {
    const design = faulty('locks-without-order')
    const args = ['-a', design, '-P', 'blockBytes=400', '--machine', 'explore']
    const first = await runCli(folder, 'run', 'pass-around', ...args)
    expect(first.code).toBe(4)
    // The verdict is wrapped to what the name of the variant leaves.
    const text = first.stdout.replace(/\s+/g, ' ')
    expect(text).toMatch(/lab thread \d waits for lock "heap \d", held by lab thread/)
    const command = /^Again: arena-lab (.*)$/m.exec(first.stdout)?.[1]
    const again = await runCli(folder, ...(command?.split(' ') ?? []))
    expect(again.code).toBe(4)
    expect(accountOf(again.stdout)).toBe(accountOf(first.stdout))
  })
})

/** From its heading to the next empty line. */
function accountOf(stdout: string): string {
  const account = /^How it came about[\s\S]*?\n\n/m.exec(stdout)?.[0]
  expect(account).toMatch(/step \d+ +T\d/)
  return account!
}

describe('explore: sound designs', () => {
  const designs: readonly [string, Record<string, number>, Record<string, number>][] = [
    ['glibc', {}, {}],
    ['glibc', { arena_max: 1, tcache_count: 1 }, { blockBytes: 200_000 }],
    ['tcmalloc', {}, { blockBytes: 300_000 }],
  ]
  for (const [design, tunables, params] of designs) {
    it(`nothing is found: ${design} ${JSON.stringify({ ...tunables, ...params })}`, async () => {
      const ran = await explore('pass-around', design, { schedules: SOUND, tunables, params })
      expect(ran.outcome.message).toBe('')
      expect(ran.outcome.outcome).toBe('completed')
      expect(ran.outcome.explored).toMatchObject({ schedules: SOUND, cut: 0 })
      // Of the last schedule: everything was freed.
      expect(ran.count(Counter.LIVE_BYTES)).toBe(0)
      expect(ran.safepoints.flatMap(({ violations }) => violations)).toEqual([])
    })
  }

  it('the small design whose twins fail does not', async () => {
    const design = faulty('owned-slabs')
    const { outcome } = await explore('pass-around', design, { schedules: 150, params: SLABS })
    expect(outcome.message).toBe('')
  })

  it('nothing is found: ptmalloc2, twice, in the same schedules for the same seed', async () => {
    const options = { schedules: SOUND, seed: 3 }
    const first = await explore('pass-around', 'ptmalloc2', options)
    const second = await explore('pass-around', 'ptmalloc2', options)
    expect(first.outcome.message).toBe('')
    expect(first.outcome.explored?.switches).toBeGreaterThan(100)
    expect(second.outcome.explored).toEqual(first.outcome.explored)
  })
})

describe('explore: scenarios that were not made for it', () => {
  it('loops, sleeps, pace, channels, barriers: cut when they get too long', async () => {
    const options = { schedules: 3, params: { pairs: 1 } }
    const { outcome } = await explore(testFile('scenarios/traffic.ts'), 'glibc', options)
    expect(outcome.message).toBe('')
    expect(outcome.explored).toMatchObject({ schedules: 3, cut: 3 })
  })

  it('a thread that waits for itself is a deadlock in every schedule', async () => {
    const scenario = testFile('scenarios/crowd.ts')
    const options = { params: { rounds: 60 } }
    const { outcome } = await explore(scenario, testFile('designs/locks-twice.ts'), options)
    expect(outcome.outcome).toBe('deadlock')
    expect(outcome.message).toContain('waits for lock "locks-twice", held by lab thread 2')
    expect(outcome.explored?.failedSchedule).toBe(0)
  })
})
