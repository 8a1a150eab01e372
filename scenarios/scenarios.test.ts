/** Every role of every scenario is recorded with small parameters, and its ops are counted. */
import { describe, expect, it } from 'vitest'
import { eachOp, readArgs, readText } from '../lab/workload/decode.ts'
import { OP_NAMES, Op } from '../lab/workload/ops.ts'
import { resolveParams } from '../lab/workload/params.ts'
import { planScenario, type ScenarioPlan } from '../lab/workload/plan.ts'
import { RoleRecorder } from '../lab/workload/recorder.ts'
import type { AnyParams, RoleArgs, RoleEntry, Scenario } from '../lab/workload/scenario.ts'
import { builtInScenarios } from './index.ts'

interface LabThread {
  readonly role: string
  readonly args: RoleArgs
  readonly ops: Record<string, number>
  readonly sizes: number[]
  readonly phases: string[]
}

class Recording {
  readonly threads: LabThread[] = []
  readonly scenario: Scenario
  readonly params: AnyParams
  readonly plan: ScenarioPlan
  readonly #seed: number

  constructor(name: string, given: Record<string, string> = {}, seed = 1) {
    this.scenario = builtInScenarios.get(name)!
    const assignments = Object.entries(given).map(([key, text]) => ({ name: key, text }))
    this.params = resolveParams(this.scenario, assignments)
    this.plan = planScenario(this.scenario, this.params)
    this.#seed = seed
    this.#record(this.scenario.main, {}, 0)
  }

  of(role: string): LabThread[] {
    return this.threads.filter((thread) => thread.role === role)
  }

  total(op: string): number {
    return this.threads.reduce((sum, thread) => sum + (thread.ops[op] ?? 0), 0)
  }

  #record(role: RoleEntry, args: RoleArgs, handed: number): void {
    const recorder = new RoleRecorder({
      scenario: this.scenario,
      params: this.params,
      role,
      index: this.of(role.name).length,
      seed: this.#seed,
      args,
      handed,
      tables: this.plan.tables,
      privateCells: this.plan.privateCells,
    })
    const thread: LabThread = { role: role.name, args, ops: {}, sizes: [], phases: [] }
    this.threads.push(thread)
    for (let done = false; !done; ) {
      const { ops, length, done: last } = recorder.nextBatch()
      done = last || role.loop
      eachOp(ops, length, (code, at) => {
        const name = OP_NAMES[code]!
        thread.ops[name] = (thread.ops[name] ?? 0) + 1
        if (code === Op.MALLOC) thread.sizes.push(ops[at + 2]!)
        if (code === Op.PHASE) thread.phases.push(readText(ops, at))
        if (code !== Op.START) return
        this.#record(this.scenario.roles[ops[at + 1]!]!, readArgs(ops, at), ops[at + 3]!)
      })
    }
  }
}

describe('every scenario', () => {
  it.each([...builtInScenarios.keys()])('%s explains itself and its parameters', (name) => {
    const scenario = builtInScenarios.get(name)!
    expect(scenario.name).toBe(name)
    expect(scenario.summary).toMatch(/Look at/)
    for (const spec of Object.values(scenario.params)) {
      expect(spec.meaning).toMatch(/^[A-Z].*\.$/)
      if (typeof spec.default === 'number') {
        expect(spec.default).toBeGreaterThanOrEqual(spec.min ?? 0)
        expect(spec.default).toBeLessThanOrEqual(spec.max ?? Infinity)
      }
    }
  })
})

describe('seedservice', () => {
  it('takes in as much every day, the hot shards moving', () => {
    const run = new Recording('seedservice', { days: '4', records: '1000' })
    const ingest = run.of('ingest')
    expect(ingest).toHaveLength(4 * 16)
    for (let day = 0; day < 4; day++) {
      const counts = ingest.slice(16 * day, 16 * day + 16).map((thread) => thread.ops['malloc'])
      expect([...counts].sort((a, b) => a! - b!)).toEqual([
        ...Array(12).fill(250),
        2000,
        2000,
        2000,
        4000,
      ])
      expect(counts.indexOf(4000)).toBe((16 - ((3 * day) % 16)) % 16)
    }
    // A janitor for every day but the last; each goes over the whole day.
    expect(run.of('janitor').map((thread) => thread.ops['free'])).toEqual([13_000, 13_000, 13_000])
    expect(run.of('main')[0]!.phases).toEqual(['day 0', 'day 1', 'day 2', 'day 3'])
    expect(run.plan.threads).toBe(17)
  })

  it('holds about 260 MB a day in blocks of the service’s sizes', () => {
    const run = new Recording('seedservice', { days: '1' })
    const sizes = run.of('ingest').flatMap((thread) => thread.sizes)
    expect(sizes).toHaveLength(260_000)
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    expect(bytes / 1e6).toBeGreaterThan(255)
    expect(bytes / 1e6).toBeLessThan(267)
    const share = (low: number, high: number): number =>
      sizes.filter((size) => size >= low && size <= high).length / sizes.length
    expect(share(32, 127)).toBeCloseTo(0.6, 2)
    expect(share(128, 1023)).toBeCloseTo(0.3, 2)
    expect(share(1024, 8191)).toBeCloseTo(0.09, 2)
    expect(share(8192, 65535)).toBeCloseTo(0.01, 2)
  })

  it('keeps one record in a thousand with skew, none without', () => {
    expect(new Recording('seedservice', { days: '1' }).plan.tables['kept']!.count).toBe(260)
    const even = new Recording('seedservice', { days: '2', records: '500', skew: 'false' })
    expect(even.plan.tables['kept']!.count).toBe(0)
    expect(even.of('ingest').map((thread) => thread.ops['malloc'])).toEqual(Array(32).fill(500))
  })

  it('puts each record into a cell of its own', () => {
    for (const given of [{ days: '3', records: '777', keepPermille: '20' }, { ingesters: '5' }]) {
      const run = new Recording('seedservice', { days: '2', records: '321', ...given })
      const { scenario, params, plan } = run
      const filled = new Map<number, number>()
      for (const { role, args } of run.threads.filter((thread) => thread.role !== 'main')) {
        const recorder = new RoleRecorder({
          scenario,
          params,
          role: scenario.roles.find((entry) => entry.name === role)!,
          index: 0,
          seed: 1,
          args,
          handed: 0,
          tables: plan.tables,
          privateCells: plan.privateCells,
        })
        for (let done = false; !done; ) {
          const { ops, length, done: last } = recorder.nextBatch()
          done = last
          eachOp(ops, length, (code, at) => {
            if (code === Op.MOVE) {
              // The cell was emptied by the janitor, or never used.
              expect(filled.get(ops[at + 2]!) ?? 0).toBe(0)
              filled.set(ops[at + 2]!, 1)
            } else if (code === Op.FREE) {
              filled.set(ops[at + 1]!, 0)
            }
          })
        }
      }
      const kept = plan.tables['kept']!
      const keptFilled = [...filled].filter(([cell, n]) => n === 1 && ~cell >= kept.first).length
      expect(keptFilled).toBe(kept.count)
    }
  })
})

describe('stranded-arena', () => {
  it('frees all but the last block, where it is to be kept', () => {
    const kept = new Recording('stranded-arena', { blocks: '100' })
    expect(kept.of('worker').map((worker) => worker.ops['free'])).toEqual([100, 100])
    expect(kept.of('worker').map((worker) => worker.ops['barrier'])).toEqual([2, 2])
    expect(kept.of('main')[0]!.phases).toEqual(['after 1', 'after 2'])
    expect(kept.plan).toMatchObject({ threads: 3, privateCells: 101 })

    const freed = new Recording('stranded-arena', { blocks: '100', keepLast: 'false' })
    expect(freed.of('worker').map((worker) => worker.ops['free'])).toEqual([101, 100])
    expect(freed.of('worker')[0]!.ops['barrier']).toBeUndefined()
    expect(freed.plan.threads).toBe(2)
    expect(freed.of('worker')[1]!.sizes).toEqual([800, ...Array(100).fill(1000)])
  })
})

describe('pinned-top', () => {
  it('allocates A to D and frees C, B, D, with a phase after each', () => {
    const [main] = new Recording('pinned-top').threads
    expect(main!.sizes).toEqual([30 * 1024, 40 * 1024, 200 * 1024, 100 * 1024])
    expect(main!.ops).toMatchObject({ malloc: 4, write: 4, free: 3, phase: 8 })
    expect(main!.phases.at(-1)).toBe('free D')
  })
})

describe('two-megabyte-requests', () => {
  it('touches six pages of 2 MiB a request', () => {
    const run = new Recording('two-megabyte-requests', { requests: '50' })
    expect(run.threads[0]!.ops).toMatchObject({ malloc: 50, write_pages: 50, free: 50 })
    expect(new Set(run.threads[0]!.sizes)).toEqual(new Set([2 * 1024 * 1024]))
    expect(run.threads[0]!.phases).toEqual(['start', 'request 1', 'request 2', 'end'])
  })
})

describe('rtsp-sessions', () => {
  it('has all sessions alive at the mark', () => {
    const run = new Recording('rtsp-sessions', { threads: '5' })
    expect(run.of('session')).toHaveLength(5)
    expect(run.total('barrier')).toBe(2 * 6)
    expect(run.total('malloc')).toBe(5)
    expect(run.of('main')[0]!.phases).toEqual(['before', 'all sessions', 'after'])
    expect(run.plan).toMatchObject({ threads: 6, stackBytes: 65536, barriers: 2 })
  })
})

describe('the classic stress programs', () => {
  it('larson: replaces blocks of its slots, and hands them to a successor', () => {
    const given = { threads: '2', slots: '50', rounds: '300', work: '700', warmUp: '20' }
    const run = new Recording('larson', given)
    const servers = run.of('server')
    expect(servers.map(({ args }) => [args['index'], args['generation'], args['left']])).toEqual([
      [0, 0, 700],
      [0, 1, 400],
      [0, 2, 100],
      [1, 0, 700],
      [1, 1, 400],
      [1, 2, 100],
    ])
    expect(servers.map(({ ops }) => ops['malloc'])).toEqual([320, 300, 100, 320, 300, 100])
    expect(servers.map(({ ops }) => ops['free'])).toEqual([320, 300, 100, 320, 300, 100])
    expect(run.of('main')[0]).toMatchObject({ ops: { malloc: 100 }, phases: ['running'] })
    const sizes = servers.flatMap((server) => server.sizes)
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(8)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000)
    expect(run.plan).toMatchObject({ threads: 5, privateCells: 50, seconds: undefined })
    expect(new Recording('larson', { work: '1', threads: '1' }).params['slots']).toBe(5000)
    const simulated = resolveParams(builtInScenarios.get('larson')!, [], true)
    expect(simulated).toMatchObject({ slots: 1000, work: 50_000, mainFills: false })
  })

  it('xmalloc: consumers free all that producers allocate, at most 100 batches on the way', () => {
    const run = new Recording('xmalloc', { threads: '3', batch: '64', work: '5' })
    expect(run.of('producer').map(({ ops }) => [ops['malloc'], ops['send']])).toEqual(
      Array(3).fill([5 * 64, 5]),
    )
    expect(run.of('consumer').map(({ ops }) => [ops['free'], ops['receive']])).toEqual(
      Array(3).fill([5 * 64, 5]),
    )
    expect(run.plan.channelCapacities).toEqual([33, 33, 33])
    expect(run.plan).toMatchObject({ threads: 7, tableCells: 3 * 35 * 64 })
  })

  it('threadtest: the objects of all threads together, allocated and freed each round', () => {
    const run = new Recording('threadtest', { threads: '4', objects: '1000', rounds: '3' })
    expect(run.total('malloc')).toBe(3 * 1000)
    expect(run.total('free')).toBe(3 * 1000)
    expect(new Set(run.of('worker')[0]!.sizes)).toEqual(new Set([8]))
  })

  it('cache-scratch hands one object to each thread, cache-thrash none', () => {
    const given = { threads: '3', rounds: '4', writes: '100' }
    const scratch = new Recording('cache-scratch', given)
    expect(scratch.of('main')[0]!.ops).toMatchObject({ malloc: 3, start: 3 })
    expect(
      scratch.of('worker').map(({ ops }) => [ops['malloc'], ops['write'], ops['free']]),
    ).toEqual(Array(3).fill([4, 400, 5]))
    const thrash = new Recording('cache-thrash', given)
    expect(thrash.of('main')[0]!.ops['malloc']).toBeUndefined()
    expect(
      thrash.of('worker').map(({ ops }) => [ops['malloc'], ops['write'], ops['free']]),
    ).toEqual(Array(3).fill([4, 400, 4]))
  })

  it('round-robin: each turn frees the blocks of the turn before', () => {
    const run = new Recording('round-robin', { threads: '3', blocks: '100', rounds: '2' })
    expect(run.of('worker').map(({ ops }) => [ops['malloc'], ops['free'] ?? 0])).toEqual([
      [200, 100],
      [200, 200],
      [200, 200],
    ])
    expect(run.of('worker').map(({ ops }) => ops['barrier'])).toEqual([6, 6, 6])
    expect(run.of('main')[0]!.phases).toEqual(['round 1', 'round 2'])
    expect(run.plan.tableCells).toBe(100)
  })
})
