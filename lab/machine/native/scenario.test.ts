/**
 * Goal: scenarios run under a real malloc on threads of their own. Figures of CASES (C3, C5) that
 * do not depend on timing are exact up to the pages of stacks.
 */
import { describe, expect, it } from 'vitest'
import { builtInScenarios } from '../../../scenarios/index.ts'
import { KIB, MIB } from '../../words/units.ts'
import { loadScenario } from '../../workload/load.ts'
import { resolveParams } from '../../workload/params.ts'
import { defineScenario } from '../../workload/scenario.ts'
import { nativeGlibcVersion } from './build.ts'
import { runNativeScenario } from './scenario.ts'

const version = await nativeGlibcVersion().catch(() => 'none')
const glibc = (settings: Readonly<Record<string, number>> = {}) => ({
  allocator: 'glibc',
  settings,
})

async function builtIn(name: string, assignments: Readonly<Record<string, string>> = {}) {
  const scenario = await loadScenario(name, builtInScenarios)
  const texts = Object.entries(assignments).map(([key, text]) => ({ name: key, text }))
  return {
    scenario,
    params: resolveParams(scenario, texts),
    seed: 1,
    seconds: undefined,
    fill: false,
  }
}

/** Channels, barriers, a table, cells handed over, and a loop that only time ends. */
const everything = defineScenario({
  name: 'everything',
  summary: 'For the test.',
  params: {},
  seconds: () => 0.2,
  loop: ['spin'],
  threads: () => 4,
  privateCells: () => 64,
  tables: () => ({ shared: 8 }),
  channels: () => [4],
  barriers: () => 1,
  *main(t) {
    const row = t.cells(3)
    for (let i = 0; i < 3; i++) t.malloc(1000, t.at(row, i))
    t.start('give', {}, { first: row, count: 3 })
    t.start('take')
    t.start('spin')
    t.joinAll()
    t.phase('joined')
    yield
  },
  *give(t) {
    t.barrier(0, 2)
    for (let i = 0; i < 3; i++) t.send(0, t.handed(i))
    for (let i = 0; i < 20; i++) t.send(0, t.malloc(1000))
    yield
  },
  *take(t) {
    t.barrier(0, 2)
    for (let i = 0; i < 23; i++) {
      const block = t.receive(0)
      t.write(block)
      t.move(block, t.table('shared', i % 8))
    }
    for (let i = 0; i < 8; i++) t.free(t.table('shared', i))
    yield
  },
  *spin(t) {
    const block = t.malloc(200)
    t.free(block)
    yield
  },
})

describe.skipIf(version !== '2.36')('native scenarios', () => {
  it('rtsp-sessions: 64 MiB of address space per arena, up to 8 × cores of them', async () => {
    const { phases } = await runNativeScenario(await builtIn('rtsp-sessions'), glibc())
    const one = await runNativeScenario(await builtIn('rtsp-sessions'), glibc({ arena_max: 1 }))
    const most = (result: typeof one): number => Math.max(...result.phases.map((p) => p.vmSize))
    const added = most({ phases, seconds: 0, ops: 0, opsPerSecond: 0 }) - most(one)
    expect(added % (64 * MIB)).toBeLessThan(2 * MIB)
    expect(added).toBeGreaterThanOrEqual(64 * MIB)
    expect(phases.map(({ label }) => label)).toEqual([
      ...phases.slice(0, -1).map((p) => p.label),
      undefined,
    ])
  })

  it('pinned-top: a mapped block raises the thresholds, unless they are set', async () => {
    const after = async (settings: Readonly<Record<string, number>>): Promise<number> => {
      const { phases } = await runNativeScenario(await builtIn('pinned-top'), glibc(settings))
      const named = phases.filter(({ label }) => label === 'free D')
      expect(named).toHaveLength(1)
      return named[0]!.rss
    }
    // A trim leaves top_pad, 128 KiB.
    const trimmed = await after({ trim_threshold: 131_072 })
    expect(trimmed).toBeLessThan(200 * KIB)
    expect(await after({})).toBeGreaterThanOrEqual(trimmed + 8 * KIB)
  })

  it('channels, barriers, tables, handed cells, loops: all is freed', async () => {
    const options = {
      scenario: everything,
      params: resolveParams(everything, []),
      seed: 1,
      seconds: undefined,
      fill: true,
    }
    const { phases, seconds, ops } = await runNativeScenario(options, glibc())
    expect(phases.map(({ label }) => label)).toEqual(['joined', undefined])
    expect(phases.at(-1)).toMatchObject({ live: 0, failedAllocations: 0 })
    expect(seconds).toBeGreaterThanOrEqual(0.2)
    expect(ops).toBeGreaterThan(10_000)
  })

  it('the ops of a run that ends by itself are always the same', async () => {
    const plan = await builtIn('seedservice', { days: '2', records: '200' })
    const first = await runNativeScenario(plan, glibc())
    const second = await runNativeScenario(plan, glibc())
    expect(second.ops).toBe(first.ops)
    const live = (result: typeof first): number[] => result.phases.map((phase) => phase.live)
    expect(live(second)).toEqual(live(first))
  })
})
