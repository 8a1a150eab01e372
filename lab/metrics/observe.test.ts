/**
 * Goal: a look at a real design at rest explains its RSS to the byte, and one that fails says so.
 * Method: one lab thread in this isolate drives a design that comes with the lab.
 */
import { describe, expect, it } from 'vitest'
import type { Design } from '../../allocators/contract.ts'
import { resolveTunables } from '../../allocators/parse-tunables.ts'
import { designs } from '../../allocators/registry.ts'
import { createSharedRun } from '../machine/shared-run.ts'
import type { RunPlan, Safepoint } from '../machine/types.ts'
import { Cell } from '../words/cells.ts'
import { CELL_WORDS } from '../words/control.ts'
import { Counter } from '../words/events.ts'
import { bytesOfWords, MIB, wordsOfBytes } from '../words/units.ts'
import { checkHeap, Observatory } from './observe.ts'

const CELLS = 2000
const AT_REST: Safepoint = { reason: 'request', label: '', ns: 5, clean: true }
const LOOK = { mappings: true, atRest: true }

function openRun(design: Design) {
  const tunables = resolveTunables(design.tunables, [])
  const plan: RunPlan = {
    machine: 'threads',
    scheduleSeed: 0,
    variant: { label: design.name, design: design.name, tunables },
    scenario: 'none',
    params: {},
    seed: 1,
    cores: 2,
    threads: 1,
    heapBytes: 256 * MIB,
    limits: {
      memoryLimit: undefined,
      addressSpaceLimit: undefined,
      overcommitMemory: 0,
      overcommitRatio: 50,
      ramBytes: 1024 * MIB,
    },
    seconds: undefined,
    drain: false,
    fill: false,
    spinCount: 0,
  }
  const needs = {
    threads: 1,
    privateCells: CELLS,
    tables: {},
    tableCells: 0,
    channelCapacities: [3],
    barriers: 0,
    seconds: undefined,
    stackBytes: 8 * MIB,
  }
  const { run } = createSharedRun(plan, design, needs, { originMs: 0, now: () => 0 })
  return { run, process: run.processFor(0, 0, () => 0) }
}

describe('observe: designs that come with the lab', () => {
  for (const design of Object.values(designs)) {
    it(`${design.name}: live bytes are exact and the parts add up`, () => {
      const { run, process } = openRun(design)
      const heap = design.attach(process, run.init.tunables, run.threadInfo(0, 0))
      const { cells, counters } = run.control
      let live = 0
      for (let cell = 0; cell < CELLS; cell++) {
        const bytes = 1 + ((cell * 7919) % 3000)
        const block = heap.malloc(bytes)
        process.touchRange(block, wordsOfBytes(bytes))
        if (cell % 3 === 1) {
          heap.free(block)
          continue
        }
        cells[cell * CELL_WORDS + Cell.BLOCK] = block
        cells[cell * CELL_WORDS + Cell.REQUESTED] = bytes
        live += bytes
      }
      counters[Counter.LIVE_BYTES] = live
      // A block on its way through a channel is held, too, though by no cell.
      const sent = heap.malloc(bytesOfWords(100))
      process.touchRange(sent, 100)
      const head = wordsOfBytes(run.control.plan.at.channels)
      run.control.int32.set([0, 2, 1], head)
      run.control.int32.set([sent, 400], head + 16 + 2 * CELL_WORDS)

      const { sample, mappings, problem } = new Observatory(run, process).look(AT_REST, LOOK)
      expect(problem).toBeUndefined()
      expect(checkHeap(run, process)).toEqual({ violations: [], problem: undefined })
      expect(sample.heap.partial).toBe(false)
      expect(sample.anatomy.live).toBe(live + 400)
      expect(sample).toMatchObject({ live, t: 5, rss: process.space.figures().rssBytes })
      const { rss, ...parts } = sample.anatomy
      expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(rss)
      expect(Math.min(...Object.values(parts))).toBeGreaterThanOrEqual(0)
      expect(mappings!.length).toBeGreaterThan(0)
    })
  }
})

describe('observe: when it goes wrong', () => {
  const failing = (): Design => {
    const design = Object.values(designs)[0]!
    return {
      ...design,
      inspect: () => {
        throw new Error('lost in arena 3')
      },
    }
  }

  it('a walk that throws is told, and seen as partial', () => {
    const { run, process } = openRun(failing())
    const { sample, problem } = new Observatory(run, process).look(AT_REST, LOOK)
    expect(problem).toMatch(/lost in arena 3/)
    expect(sample.heap).toMatchObject({ partial: true, arenas: [] })
    expect(sample.anatomy.other).toBe(sample.rss)
  })

  it('a check that throws is told, and finds nothing', () => {
    const check = (): never => {
      throw new Error('lost in bin 7')
    }
    const { run, process } = openRun({ ...Object.values(designs)[0]!, check })
    const { violations, problem } = checkHeap(run, process)
    expect(violations).toEqual([])
    expect(problem).toMatch(/lost in bin 7/)
  })

  it('after a death no lock is taken, and the report is partial', () => {
    const { run, process } = openRun(Object.values(designs)[0]!)
    const look = new Observatory(run, process).look(AT_REST, { ...LOOK, atRest: false })
    expect(look.mappings).toBeUndefined()
    expect(look.sample.heap.partial).toBe(true)
  })
})
