/**
 * Goal: a survey names the right pages, the right pin and the right owner.
 * Method: one lab thread in this isolate drives a real design into a heap whose every page is
 * known, and blocks are entered into cells as lab threads do.
 */
import { describe, expect, it } from 'vitest'
import type { Design } from '../../allocators/contract.ts'
import { resolveTunables } from '../../allocators/parse-tunables.ts'
import { designs } from '../../allocators/registry.ts'
import { createSharedRun } from '../machine/shared-run.ts'
import type { RunPlan, Safepoint } from '../machine/types.ts'
import { allocatedBy, Cell, LOOKS_MAX } from '../words/cells.ts'
import { CELL_WORDS, ControlWord } from '../words/control.ts'
import { KIB, MIB, wordsOfBytes } from '../words/units.ts'
import { Observatory } from './observe.ts'
import type { Survey } from './survey-types.ts'

const CELLS = 4096
const PHASE: Safepoint = { reason: 'phase', label: 'noon', ns: 5e9, clean: true }
const TICK: Safepoint = { reason: 'tick', label: '', ns: 6e9, clean: true }
const LOOK = { check: false, mappings: false, atRest: true }

function openRun(design: Design) {
  const plan: RunPlan = {
    variant: { label: design.name, design: design.name, tunables: {} },
    machine: 'threads',
    scheduleSeed: 0,
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
  const tunables = resolveTunables(design.tunables, [])
  const variant = { ...plan.variant, tunables }
  const needs = {
    threads: 1,
    privateCells: CELLS,
    tables: {},
    tableCells: 0,
    channelCapacities: [],
    barriers: 0,
    seconds: undefined,
    stackBytes: 8 * MIB,
  }
  const { run } = createSharedRun({ ...plan, variant }, design, needs, {
    originMs: 0,
    now: () => 0,
  })
  const process = run.processFor(0, 0, () => 0)
  const heap = design.attach(process, run.init.tunables, run.threadInfo(0, 0))
  const { cells } = run.control
  return {
    run,
    observatory: new Observatory(run, process),
    /** Allocates into a cell and writes every byte, as seat `seat` after `looks` looks. */
    fill(cell: number, bytes: number, seat: number, looks: number): number {
      const block = heap.malloc(bytes)
      process.touchRange(block, wordsOfBytes(bytes))
      cells[cell * CELL_WORDS + Cell.BLOCK] = block
      cells[cell * CELL_WORDS + Cell.REQUESTED] = bytes
      cells[cell * CELL_WORDS + Cell.ALLOCATED_BY] = allocatedBy(seat, looks)
      return block
    },
    empty(cell: number): void {
      heap.free(cells[cell * CELL_WORDS + Cell.BLOCK] as Parameters<typeof heap.free>[0])
      cells[cell * CELL_WORDS + Cell.BLOCK] = 0
    },
  }
}

/** Cells of the first heap, one letter each. */
const lettersOf = ({ pages }: Survey): string =>
  pages.heaps[0]!.cells.replace(/([A-Z])(\d+)/g, (_, letter: string, times: string) =>
    letter.repeat(Number(times)),
  )

const BLOCK = 64 * KIB
const BLOCKS = 100

describe('surveyor: pages and pins', () => {
  for (const name of ['glibc', 'ptmalloc2'] as const) {
    it(`${name}: one small block keeps all that was freed below it`, () => {
      const { observatory, fill, empty, run } = openRun(designs[name]!)
      observatory.look({ ...TICK, ns: 1e9 }, LOOK)
      for (let cell = 0; cell < BLOCKS; cell++) fill(cell, BLOCK, 1, 1)
      const full = lettersOf(observatory.look({ ...PHASE, ns: 2e9 }, LOOK).sample.survey!)
      expect(full.match(/A/g)!.length).toBeGreaterThan((BLOCKS * BLOCK) / 4096 - 5)
      expect(full).not.toMatch(/P/)
      expect(run.control.words[ControlWord.LOOKS]).toBe(2)

      const pin = fill(BLOCKS, 100, 7, 2)
      for (let cell = 0; cell < BLOCKS; cell++) empty(cell)
      const survey = observatory.look(PHASE, LOOK).sample.survey!
      const pages = (BLOCKS * BLOCK) / 4096
      expect(lettersOf(survey).match(/P/g)!.length).toBeGreaterThan(pages - 5)
      expect(survey.pins.length).toBe(1)
      const [found] = survey.pins
      expect(found).toMatchObject({
        arena: 0,
        address: pin * 4,
        kind: 'live',
        requested: 100,
        seat: 7,
        since: 2e9,
        phase: 'noon',
      })
      expect(found!.pinnedBytes).toBeGreaterThan(BLOCKS * BLOCK - 5 * 4096)
      expect(found!.givesBack).toBeGreaterThanOrEqual(found!.pinnedBytes)

      empty(BLOCKS)
      // The last 100 bytes may stay in the thread's cache: then that is the pin, and says so.
      const [rest] = observatory.look(TICK, LOOK).sample.survey!.pins
      expect(rest?.kind ?? 'cached').not.toBe('live')
    })
  }

  it('the anatomy and the page map tell of the same pinned bytes', () => {
    const { observatory, fill, empty } = openRun(designs['glibc']!)
    for (let cell = 0; cell < BLOCKS; cell++) fill(cell, BLOCK, 0, 0)
    fill(BLOCKS, 100, 0, 0)
    for (let cell = 0; cell < BLOCKS; cell += 2) empty(cell)
    const { sample } = observatory.look(TICK, LOOK)
    const pinned = lettersOf(sample.survey!).match(/P/g)!.length * 4096
    expect(Math.abs(pinned - sample.anatomy.pinnedFree)).toBeLessThanOrEqual(2 * 4096)
    expect(Math.abs(sample.survey!.pins[0]!.pinnedBytes - pinned)).toBeLessThanOrEqual(2 * 4096)
  })

  it('tcmalloc: it gives back whatever is free, so nothing is pinned', () => {
    const { observatory, fill, empty } = openRun(designs['tcmalloc']!)
    for (let cell = 0; cell < BLOCKS; cell++) fill(cell, BLOCK, 0, 0)
    fill(BLOCKS, MIB, 0, 0)
    for (let cell = 0; cell < BLOCKS; cell += 3) empty(cell)
    const survey = observatory.look(PHASE, LOOK).sample.survey!
    expect(survey.pins).toEqual([])
    expect(lettersOf(survey)).not.toMatch(/P/)
    expect(lettersOf(survey)).toMatch(/T/)
    const spans = survey.chunks![0]!
    expect(spans.states).toContain('in use')
    expect(spans.states).toContain('free span')
  })
})

describe('surveyor: chunks and lists', () => {
  it('lists the highest chunks with their owners, each where the one before ends', () => {
    const { observatory, fill, empty } = openRun(designs['glibc']!)
    const blocks: number[] = []
    for (let cell = 0; cell < 3000; cell++) blocks.push(fill(cell, 2000, cell % 5, 0))
    empty(2990)
    const { chunks } = observatory.look(PHASE, LOOK).sample.survey!
    const { start, rows, states, left } = chunks![0]!
    expect(rows.length / 6).toBe(2048)
    expect(left).toBeGreaterThan(900)
    let at = start
    const inUse = new Map<number, { seat: number; requested: number; state: string }>()
    for (let row = 0; row < rows.length; row += 6) {
      const [bytes, state, , seat, requested] = rows.slice(row, row + 5) as [
        number,
        number,
        number,
        number,
        number,
      ]
      inUse.set(at + 16, { seat, requested, state: states[state]! })
      at += bytes
    }
    expect(states[rows.at(-5)!]).toBe('top')
    for (const cell of [2000, 2500, 2999]) {
      expect(inUse.get(blocks[cell]! * 4)).toEqual({
        seat: cell % 5,
        requested: 2000,
        state: 'in use',
      })
    }
    expect(inUse.get(blocks[2990]! * 4)).toEqual({ seat: -1, requested: -1, state: 'unsorted' })
  })

  it('ticks tell neither chunks nor mappings; phase marks tell both', () => {
    const { observatory, fill } = openRun(designs['glibc']!)
    fill(0, 100, 0, 0)
    const tick = observatory.look(TICK, LOOK).sample.survey!
    expect([tick.chunks, tick.mappings]).toEqual([undefined, undefined])
    const phase = observatory.look(PHASE, LOOK).sample.survey!
    const { groups, rows, left } = phase.mappings!
    expect(left).toBe(0)
    const bytes = rows.filter((_, place) => place % 6 === 1).reduce((sum, one) => sum + one, 0)
    expect(groups.reduce((sum, group) => sum + group.bytes, 0)).toBe(bytes)
  })

  it('who freed whose bytes: the largest pairs, and what the rest comes to', () => {
    const { observatory, run } = openRun(designs['glibc']!)
    const { matrixBlocks, matrixBytes } = run.control
    matrixBlocks[0] = 3
    matrixBytes[0] = 300
    expect(observatory.look(TICK, LOOK).sample.survey!.freed).toEqual({
      pairs: [0, 0, 3, 300],
      otherBlocks: 0,
      otherBytes: 0,
    })
  })

  it('a cell has room for every look that is told apart', () => {
    const by = allocatedBy(4095, LOOKS_MAX)
    expect(by).toBeGreaterThan(0)
    expect(new Int32Array([by])[0]).toBe(by)
  })
})
