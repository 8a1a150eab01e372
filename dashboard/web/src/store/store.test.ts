/** What the page keeps is bounded, keeps its ends, and is found again by time. */
import { describe, expect, it } from 'vitest'
import type { SafepointSample, Sample } from '../../../../lab/metrics/types.ts'
import { fakeRun, SEEDSERVICE } from '../../../../test/browser/fake-run.ts'
import { ArenaChanges } from './arena-changes.ts'
import { SeriesTable } from './series-table.ts'
import { timelineOf } from './timeline.ts'
import { Total, VariantStore } from './variant.ts'

const MIB = 1024 * 1024

function filled(rows: number, capacity: number): SeriesTable {
  const table = new SeriesTable(1, capacity)
  for (let t = 0; t < rows; t++) table.set(table.addRow(t), 0, 10 * t)
  return table
}

describe('store: series table', () => {
  it('keeps every row while there is room', () => {
    const table = filled(7, 8)
    expect(Array.from({ length: table.length }, (_, row) => table.time(row))).toEqual([
      0, 1, 2, 3, 4, 5, 6,
    ])
  })

  it('thins itself, and always has the first and the newest row with their figures', () => {
    for (let rows = 1; rows < 300; rows++) {
      const table = filled(rows, 16)
      expect(table.length).toBeLessThanOrEqual(16)
      expect(table.time(0)).toBe(0)
      expect(table.time(table.length - 1)).toBe(rows - 1)
      for (let row = 0; row < table.length; row++) {
        expect(table.at(row, 0)).toBe(10 * table.time(row))
        if (row > 0) expect(table.time(row)).toBeGreaterThan(table.time(row - 1))
      }
    }
  })

  it('a time that comes again is the same row', () => {
    const table = filled(5, 16)
    expect(table.addRow(4)).toBe(4)
    expect(table.length).toBe(5)
  })

  it('finds the row of a moment', () => {
    const table = filled(5, 16)
    expect([-1, 0, 0.5, 3.9, 99].map((t) => table.rowAt(t))).toEqual([-1, 0, 0, 3, 4])
  })

  it('forgets what is later than a moment, its tail as well, and goes on from there', () => {
    for (const rows of [5, 16, 40, 41]) {
      for (const cut of [-1, 0, 3, rows - 2, rows - 1, rows]) {
        const table = filled(rows, 16)
        table.cutAfter(cut)
        const last = table.length - 1
        expect(table.length === 0 ? -1 : table.time(last)).toBeLessThanOrEqual(cut)
        if (cut >= rows - 1) expect(table.time(last)).toBe(rows - 1)
        table.set(table.addRow(rows + 9), 0, 7)
        expect(table.at(table.length - 1, 0)).toBe(7)
        expect(table.time(table.length - 1)).toBe(rows + 9)
      }
    }
  })

  it('a column that comes later is 0 before', () => {
    const table = filled(3, 16)
    table.widen(2)
    table.set(table.addRow(3), 1, 7)
    expect([0, 1, 2, 3].map((row) => table.at(row, 1))).toEqual([0, 0, 0, 7])
  })
})

function storeOf(days: number): VariantStore {
  const run = fakeRun({ ...SEEDSERVICE, days, memoryLimit: null })
  const store = new VariantStore(run.description.variants[0]!)
  for (const line of run.lines[0]!) store.apply(line)
  return store
}

describe('store: variant', () => {
  it('is bounded on a long run, and keeps its phase marks', () => {
    const store = storeOf(200)
    expect(store.totals.length).toBeLessThanOrEqual(1500)
    expect(store.marks.length).toBeLessThanOrEqual(300)
    expect(store.matrices.length).toBeLessThanOrEqual(120)
    expect(store.marks.filter(({ reason }) => reason === 'phase').length).toBe(200)
  })

  it('an arena’s parts add up to what is resident, at any moment', () => {
    const store = storeOf(4)
    for (let t = 0; t < store.tEnd; t += 3e8) {
      for (const arena of store.arenasAt(t)) {
        expect(arena.live + arena.free + arena.top).toBe(arena.resident)
        expect(arena.pinnedFree).toBeLessThanOrEqual(arena.free)
      }
    }
    expect(store.arenasAt(store.tEnd).length).toBe(16)
  })
})

describe('store: variant: the end', () => {
  const lines = fakeRun(SEEDSERVICE).lines[0]!
  const killed = lines.at(-1) as SafepointSample
  const samples = lines.filter((line): line is Sample => line.type === 'sample')
  const later = [1, 2, 3].map((step) => ({ ...samples.at(-1)!, t: killed.t + step * 5e7 }))

  it.each([
    ['before', [...lines.slice(0, -1), ...later, killed]],
    ['after', [...lines, ...later]],
    ['on both sides of', [...lines.slice(0, -1), later[0]!, killed, ...later.slice(1)]],
  ])('samples that come %s the look of the kill, from after it, are not drawn', (_, all) => {
    const store = new VariantStore({ label: 'glibc', design: 'glibc' })
    for (const line of all) store.apply(line)
    expect(killed.reason).toBe('oom')
    expect(store.tEnd).toBe(killed.t)
    expect(store.totals.at(store.totals.length - 1, Total.RSS)).toBe(killed.rss)
    for (const table of [store.totals, store.arenas, store.locks, store.threads]) {
      expect(table.time(table.length - 1)).toBeLessThanOrEqual(killed.t)
      expect(table.length).toBeGreaterThan(100)
    }
  })
})

describe('store: changes of arenas', () => {
  /** One arena: what it has from the system and what is resident, MiB, at 20 samples a second. */
  const changesOf = (...sizes: readonly (readonly [system: number, resident: number])[]) => {
    const changes = new ArenaChanges()
    const [sample] = fakeRun({ ...SEEDSERVICE, days: 1 }).lines[1]! as [Sample]
    for (const [place, [system, resident]] of sizes.entries()) {
      const [arena] = sample.arenas
      const arenas = [{ ...arena!, system: system * MIB, resident: resident * MIB }]
      changes.add({ ...sample, t: (place + 1) * 5e7, arenas })
    }
    return changes.all().map(({ kind, from, to, bytes, after }) => ({
      kind,
      at: [Math.round(from / 5e7), Math.round(to / 5e7)],
      bytes: bytes / MIB,
      after: after / MIB,
    }))
  }

  it('growth from sample to sample is one change, another after a pause is another', () => {
    const still = Array.from({ length: 6 }, () => [4, 4] as const)
    expect(changesOf([1, 1], [2, 2], [2, 2], [4, 4], ...still, [5, 5])).toEqual([
      { kind: 'grown', at: [0, 4], bytes: 4, after: 4 },
      { kind: 'grown', at: [10, 11], bytes: 1, after: 5 },
    ])
  })

  it('what is given back is told, whether or not the arena keeps its addresses', () => {
    expect(changesOf([9, 9], [9, 4], [6, 3])).toEqual([
      { kind: 'grown', at: [0, 1], bytes: 9, after: 9 },
      { kind: 'returned', at: [1, 3], bytes: 6, after: 3 },
    ])
  })

  it('a few pages less are noise', () => {
    expect(changesOf([9, 9], [9, 8.96])).toHaveLength(1)
  })
})

describe('store: timeline', () => {
  it('by phase, every phase is as wide as any other, and positions lead back to times', () => {
    const store = storeOf(4)
    const axis = timelineOf(store, 'phase')
    expect([0, 3e9, 4.5e9, 6e9].map((t) => axis.x(t))).toEqual([0, 1, 1.5, 2])
    for (let t = 0; t <= store.tEnd; t += 1e8) expect(axis.t(axis.x(t))).toBeCloseTo(t, -3)
  })

  it('by time, positions are seconds', () => {
    const axis = timelineOf(storeOf(1), 'time')
    expect(axis.x(2.5e9)).toBe(2.5)
    expect(axis.t(2.5)).toBe(2.5e9)
  })
})
