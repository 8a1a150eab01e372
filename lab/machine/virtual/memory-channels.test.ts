/** Main memory: what a core keeps, where a page lies, and that channels are shared. */
import { describe, expect, it } from 'vitest'
import { Cores } from './cores.ts'
import { type Costs, loadCostTable, resolveCosts } from './costs.ts'
import { Lines } from './lines.ts'
import { MemoryChannels } from './memory-channels.ts'

const COSTS: Costs = {
  ...resolveCosts(loadCostTable('server-2s'), 'glibc'),
  cacheKib: 1,
  channels: 1,
  channelLine: 6,
  memory: 81,
  memoryFar: 138,
}
const KEPT = 16
const LINES = 4096
/** Two cores of one socket, two of the other. */
const cores = (): Cores => new Cores(4, 4, 2)

describe('memory channels', () => {
  it('a core keeps the lines it fetched last', () => {
    const memory = new MemoryChannels(LINES, cores(), COSTS, true)
    for (let line = 0; line < KEPT; line++) memory.touchFirst(0, line)
    expect(memory.keeps(0, 0)).toBe(true)
    memory.touchFirst(0, KEPT)
    expect(memory.keeps(0, 0)).toBe(false)
    expect(memory.keeps(0, 1)).toBe(true)
  })

  it('the other socket’s memory is further away', () => {
    const memory = new MemoryChannels(LINES, cores(), COSTS, true)
    memory.touchFirst(3, 0)
    expect(memory.fetch(2, 0, 1000)).toBe(81)
    expect(memory.fetch(0, 0, 2000)).toBe(138)
  })

  it('requests to one channel follow each other', () => {
    const memory = new MemoryChannels(LINES, cores(), COSTS, true)
    memory.touchFirst(0, 0)
    const waits = Array.from({ length: 4 }, (_, line) => memory.fetch(0, line, 1000))
    expect(waits).toEqual([81, 87, 93, 99])
    expect(memory.fetch(0, 9, 2000)).toBe(81)
  })
})

describe('lines: what comes from memory', () => {
  it('a line that its core no longer keeps is away, and another core gets it from memory', () => {
    const lines = new Lines(LINES * KEPT, cores(), COSTS, true)
    for (let line = 0; line <= KEPT; line++) expect(lines.isAway(line, 0)).toBe(false)
    expect(lines.isAway(KEPT, 0)).toBe(false)
    expect(lines.isAway(0, 0)).toBe(true)
    expect(lines.fetch(0, 0, 1000)).toBe(COSTS.memory)
    expect(lines.fetch(KEPT, 1, 2000)).toBe(COSTS.coreTransfer)
    expect(lines.fetch(1, 1, 3000)).toBe(COSTS.memory)
    expect(lines.transfers).toBe(1)
  })

  it('a table that does not say what a core keeps has no memory', () => {
    const lines = new Lines(LINES * KEPT, cores(), { ...COSTS, cacheKib: 0 }, true)
    for (let line = 0; line < 10 * KEPT; line++) lines.isAway(line, 0)
    expect(lines.isAway(0, 0)).toBe(false)
  })

  it('a store buffer takes so many writes to a line that has been taken away', () => {
    const lines = new Lines(LINES * KEPT, cores(), { ...COSTS, storeBuffer: 3 }, true)
    lines.isAway(5, 0)
    lines.fetch(5, 1, 1000)
    expect(lines.isBuffered(5, 1)).toBe(false)
    lines.fetch(5, 0, 2000)
    const writes = Array.from({ length: 5 }, () => lines.isBuffered(5, 1))
    expect(writes).toEqual([true, true, true, false, false])
    expect(lines.isBuffered(6, 1)).toBe(false)
  })
})
