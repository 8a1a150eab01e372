/**
 * Goal: the benchmark's workloads are what their summaries say. Method: one recorded turn of each,
 * carried out on a table of cells.
 */
import { describe, expect, it } from 'vitest'
import { eachOp } from '../decode.ts'
import { Op } from '../ops.ts'
import { planScenario } from '../plan.ts'
import { RoleRecorder } from '../recorder.ts'
import { benchScenario } from './scenario.ts'
import { BENCH_WORKLOADS } from './workloads.ts'

interface Turn {
  readonly mallocs: number
  readonly frees: number
  readonly swaps: number
  readonly sizes: readonly number[]
  /** Mallocs into a cell that still holds a block, frees of an empty one after the first turn. */
  readonly faults: number
  readonly liveAtEnd: number
  /** Mallocs whose next op does not write the block's first page. */
  readonly unwritten: number
}

const turns = new Map<string, Turn>()

/** Each is carried out once. */
function secondTurn(name: string, threads: number, index: number): Turn {
  const key = `${name} ${threads} ${index}`
  const turn = turns.get(key) ?? carriedOut(name, threads, index)
  turns.set(key, turn)
  return turn
}

/** The second turn: cells are as the first has left them. */
function carriedOut(name: string, threads: number, index: number): Turn {
  const workload = BENCH_WORKLOADS.findIndex((known) => known.name === name)
  const params = { workload, threads }
  const { tables, privateCells } = planScenario(benchScenario, params)
  const role = threads === 1 ? benchScenario.main : benchScenario.roles[1]!
  const args: Record<string, number> = threads === 1 ? {} : { index }
  const options = { scenario: benchScenario, params, role, index, seed: 1, args, handed: 0 }
  const { ops, length } = new RoleRecorder({ ...options, tables, privateCells }).nextBatch()
  const full = new Set<number>()
  const sizes: number[] = []
  let [frees, swaps, faults, unwritten] = [0, 0, 0, 0]
  for (const counts of [false, true]) {
    eachOp(ops, length, (code, at) => {
      const cell = ops[at + 1]!
      const one = counts ? 1 : 0
      if (code === Op.MALLOC) {
        faults += full.has(cell) ? 1 : 0
        full.add(cell)
        if (counts) sizes.push(ops[at + 2]!)
        const isWritten =
          ops[at + 3] === Op.WRITE_PAGES && ops[at + 4] === cell && ops[at + 5] === 1
        unwritten += isWritten ? 0 : 1
      } else if (code === Op.FREE) {
        faults += counts && !full.has(cell) ? 1 : 0
        full.delete(cell)
        frees += one
      } else if (code === Op.SWAP) swaps += one
    })
  }
  const mallocs = sizes.length
  return { mallocs, frees, swaps, sizes, faults, liveAtEnd: full.size, unwritten }
}

const least = (sizes: readonly number[]): number => sizes.reduce((a, b) => Math.min(a, b))
const most = (sizes: readonly number[]): number => sizes.reduce((a, b) => Math.max(a, b))

describe('bench workloads', () => {
  for (const { name } of BENCH_WORKLOADS) {
    it(`${name}: each malloc has its free, its block is written, no cell is misused`, () => {
      const turn = secondTurn(name, name === 'remote' ? 4 : 1, 0)
      expect(turn.mallocs).toBe(65_536)
      expect(turn.frees).toBe(turn.mallocs)
      expect(turn).toMatchObject({ faults: 0, unwritten: 0 })
    })
  }

  it('replace-small and replace-wide hold 10 000 live blocks of their sizes', () => {
    const small = secondTurn('replace-small', 1, 0)
    const wide = secondTurn('replace-wide', 1, 0)
    expect([small.liveAtEnd, wide.liveAtEnd]).toEqual([10_000, 10_000])
    expect([least(small.sizes), most(small.sizes)]).toEqual([16, 1024])
    expect(least(wide.sizes)).toBeLessThan(64)
    expect(most(wide.sizes)).toBeGreaterThan(65_000)
    expect(most(wide.sizes)).toBeLessThanOrEqual(65_536)
  })

  it('lifo-64 and cached leave nothing live; cached never holds more than four of a size', () => {
    expect(secondTurn('lifo-64', 1, 0).liveAtEnd).toBe(0)
    const { liveAtEnd, sizes } = secondTurn('cached', 1, 0)
    expect(liveAtEnd).toBe(0)
    for (let i = 0; i < sizes.length; i += 4) expect(new Set(sizes.slice(i, i + 4)).size).toBe(1)
  })

  it('remote swaps as often as makes half the frees remote', () => {
    const shareOf = (threads: number): number => {
      const { swaps, frees } = secondTurn('remote', threads, 0)
      return swaps / frees
    }
    expect(shareOf(1)).toBe(0)
    expect(shareOf(2)).toBe(1)
    expect(shareOf(4)).toBeCloseTo(2 / 3, 1)
  })

  it('lab threads draw sizes of their own', () => {
    const first = secondTurn('replace-small', 4, 0).sizes
    expect(secondTurn('replace-small', 4, 1).sizes).not.toEqual(first)
  })

  it('one thread works as the main thread, several beside it', () => {
    expect(planScenario(benchScenario, { workload: 0, threads: 1 }).threads).toBe(1)
    expect(planScenario(benchScenario, { workload: 0, threads: 4 }).threads).toBe(5)
  })
})
