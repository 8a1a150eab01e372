/** What the page keeps is bounded, keeps its ends, and is found again by time. */
import { describe, expect, it } from 'vitest'
import { fakeRun, SEEDSERVICE } from '../../../../test/browser/fake-run.ts'
import { SeriesTable } from './series-table.ts'
import { timelineOf } from './timeline.ts'
import { VariantStore } from './variant.ts'

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
