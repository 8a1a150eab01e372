/**
 * Goal: a recorded scenario is a trace of what its lab threads do, in turns, with all blocks found.
 */
import { describe, expect, it } from 'vitest'
import { builtInScenarios } from '../../../scenarios/index.ts'
import { loadScenario } from '../load.ts'
import { resolveParams } from '../params.ts'
import { defineScenario } from '../scenario.ts'
import { linesOf } from './chunk.ts'
import { parseTrace } from './read.ts'
import { type RecordNotes, recordTrace } from './record.ts'

type Scenario = Parameters<typeof resolveParams>[0]

function record(scenario: Scenario, options: { seed?: number; opsMax?: number } = {}) {
  const pieces: Uint8Array[] = []
  const { seed = 1, opsMax = 1e6 } = options
  const params = resolveParams(scenario, [])
  const steps = recordTrace({ scenario, params, seed, opsMax })
  let notes: RecordNotes | undefined
  for (;;) {
    const { value, done } = steps.next()
    if (done === true) {
      notes = value
      break
    }
    pieces.push(value)
  }
  return { lines: linesOf(parseTrace('recorded', pieces)), notes: notes! }
}

const head = { summary: 'For the test.', params: {}, threads: () => 3, privateCells: () => 16 }

describe('trace record', () => {
  it('threads take turns from yield to yield, in the order they were started', () => {
    const scenario = defineScenario({
      ...head,
      name: 'turns',
      *main(t) {
        t.start('work', { index: 0 })
        t.start('work', { index: 1 })
        t.joinAll()
        t.phase('done')
        yield
      },
      *work(t) {
        for (let i = 0; i < 2; i++) {
          const block = t.malloc(100 + t.index)
          t.write(block)
          t.free(block)
          yield
        }
      },
    })
    const { lines, notes } = record(scenario)
    expect(lines).toEqual([
      ...['1 m 0 100', '1 w 0', '1 f 0', '2 m 1 101', '2 w 1', '2 f 1'],
      // What follows the last yield, nothing but the end, is a turn of its own.
      ...['1 m 2 100', '1 w 2', '1 f 2', '2 m 3 101', '2 w 3', '2 f 3', '1 x', '2 x'],
      ...['k', 'k'],
    ])
    expect(notes).toMatchObject({ cut: false, stuck: false, partialWrites: 0 })
  })

  it('channels, barriers, tables, swaps and handed cells carry blocks between threads', () => {
    const scenario = defineScenario({
      ...head,
      name: 'between',
      tables: () => ({ shared: 2 }),
      channels: () => [1],
      barriers: () => 1,
      *main(t) {
        const row = t.cells(1)
        t.malloc(10, t.at(row, 0))
        t.start('give', {}, { first: row, count: 1 })
        t.start('take')
        t.joinAll()
        t.free(t.table('shared', 0))
        yield
      },
      *give(t) {
        t.barrier(0, 2)
        t.send(0, t.handed(0))
        yield
        t.send(0, t.malloc(20))
        yield
      },
      *take(t) {
        t.barrier(0, 2)
        t.move(t.receive(0), t.table('shared', 0))
        yield
        const second = t.receive(0)
        t.swap(second, t.table('shared', 0))
        t.realloc(second, 30)
        t.free(second)
        yield
      },
    })
    const { lines, notes } = record(scenario)
    const heap = lines.filter((line) => / [mrf] /.test(line))
    expect(heap).toEqual(['0 m 0 10', '1 m 1 20', '2 r 0 30', '2 f 0', '0 f 1'])
    expect(notes.stuck).toBe(false)
  })

  it('what waits for nothing that comes is told, and so is what a trace cannot say', () => {
    const stuck = defineScenario({
      ...head,
      name: 'stuck',
      channels: () => [1],
      *main(t) {
        t.malloc(10)
        yield
        t.receive(0)
        yield
      },
    })
    expect(record(stuck)).toMatchObject({ lines: ['0 m 0 10', 'k'], notes: { stuck: true } })
    const partial = defineScenario({
      ...head,
      name: 'partial',
      *main(t) {
        t.writePages(t.malloc(3 * 4096), 2)
        t.writePages(t.malloc(100), 2)
        yield
      },
    })
    expect(record(partial)).toMatchObject({
      lines: ['0 m 0 12288', '0 m 1 100', '0 w 1', 'k'],
      notes: { partialWrites: 1 },
    })
  })

  it('a loop goes round until it is cut', () => {
    const loop = defineScenario({
      ...head,
      name: 'loop',
      loop: ['spin'],
      startAll: () => ({ spin: 2 }),
      *spin(t) {
        t.free(t.malloc(50))
        yield
      },
    })
    const { lines, notes } = record(loop, { opsMax: 500 })
    expect(notes.cut).toBe(true)
    expect(lines.length).toBeGreaterThan(450)
    expect(new Set(lines.map((line) => line.split(' ')[0]))).toEqual(new Set(['1', '2', 'k']))
  })

  it('built-in scenarios: the same seed gives the same trace', async () => {
    const scenario = await loadScenario('seedservice', builtInScenarios)
    const first = record(scenario, { opsMax: 20_000 })
    expect(first.lines).toEqual(record(scenario, { opsMax: 20_000 }).lines)
    expect(first.lines).not.toEqual(record(scenario, { opsMax: 20_000, seed: 2 }).lines)
  })
})
