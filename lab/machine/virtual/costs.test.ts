/** Cost tables: every entry has a source, and whoever writes one is told what is wrong with it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { Event } from '../../words/events.ts'
import { costPresets, loadCostTable, resolveCosts } from './costs.ts'

const fileWith = (text: string): string => {
  const path = join(temporaryFolder('costs'), 'costs.json')
  writeFileSync(path, text)
  return path
}

describe('cost tables', () => {
  it('every entry of every preset is a whole number with a source', () => {
    for (const [name, table] of Object.entries(costPresets())) {
      expect(table.name).toBe(name)
      expect(table.summary).not.toBe('')
      for (const { value, source } of Object.values(table.costs)) {
        expect(Number.isInteger(value) && value >= 0).toBe(true)
        expect(source.length).toBeGreaterThan(8)
      }
    }
  })

  it('knows what every event costs, and each design or its stand-in', () => {
    for (const design of ['glibc', 'ptmalloc2', 'tcmalloc', './mine.ts']) {
      const costs = resolveCosts(loadCostTable('laptop'), design)
      for (const event of Object.values(Event)) expect(costs.events[event]).toBeTypeOf('number')
      expect(costs.design.malloc).toBeGreaterThan(0)
    }
  })

  it('two sockets: what server-2s does not say is the laptop’s', () => {
    const server = resolveCosts(loadCostTable('server-2s'), 'glibc')
    const laptop = resolveCosts(loadCostTable('laptop'), 'glibc')
    expect(server.sockets).toBe(2)
    expect(server.socketTransfer).toBeGreaterThan(server.coreTransfer)
    expect(server.lock).toBe(laptop.lock)
  })

  it('reads a file, and refuses what is no table', () => {
    const path = fileWith('{"name": "mine", "costs": {"lock": {"value": 33, "source": "me"}}}')
    expect(resolveCosts(loadCostTable(path), 'glibc')).toMatchObject({ name: 'mine', lock: 33 })
    const refused = (text: string) => () => loadCostTable(fileWith(text))
    expect(() => loadCostTable('latop')).toThrow(/unknown cost table 'latop': did you mean laptop/)
    expect(() => loadCostTable('./none.json')).toThrow(/none.json/)
    expect(refused('[]')).toThrow(/expected/)
    expect(refused('{"costs": {"lok": {"value": 1}}}')).toThrow(/'lok': did you mean lock/)
    expect(refused('{"costs": {"kernelSpin": {"value": 20000}}}')).toThrow(/gone.*calibrate again/)
    expect(refused('{"costs": {"lock": {"value": -1}}}')).toThrow(/lock: expected a whole number/)
    expect(refused('{"costs": {"slice": {"value": 0}}}')).toThrow(/from 1 to/)
  })
})
