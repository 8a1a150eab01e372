import { describe, expect, expectTypeOf, it } from 'vitest'
import { BadInput } from '../words/bad-input.ts'
import { planScenario } from './plan.ts'
import { defineScenario, isScenario, type Recorder, type Scenario } from './scenario.ts'

type Declared = Parameters<typeof defineScenario>[0]
/** A declaration that TypeScript would have refused. */
const loosely = (declared: unknown): Scenario => defineScenario(declared as Declared)

const HEAD = { name: 'sample', summary: '', params: {} }

describe('defineScenario', () => {
  it('takes generator methods as roles, typed by params', () => {
    const scenario = defineScenario({
      name: 'sample',
      summary: 'What it shows.',
      params: {
        days: { default: 2, unit: 'count', meaning: 'Days.' },
        skew: { default: false, unit: 'flag', meaning: 'Skew.' },
      },
      loop: ['spin'],
      tables: (p) => ({ cells: p.days * 3 }),
      *main(t, p) {
        // tsc is what checks these.
        expectTypeOf(t).toEqualTypeOf<Recorder>()
        expectTypeOf(p).toEqualTypeOf<{ readonly days: number; readonly skew: boolean }>()
        for (let day = 0; day < p.days; day++) t.start('day', { day })
        yield
      },
      *day(t, _p, { day }: { day: number }) {
        t.table('cells', day)
        yield
      },
      *spin(t) {
        t.work(1)
        yield
      },
    })
    expect(scenario.roles.map((role) => [role.number, role.name, role.loop])).toEqual([
      [0, 'main', false],
      [1, 'day', false],
      [2, 'spin', true],
    ])
    expect(scenario.main).toBe(scenario.roles[0])
    expect(scenario.stackBytes).toBe(8 * 1024 * 1024)
    expect(isScenario(scenario)).toBe(true)
    expect(planScenario(scenario, { days: 4, skew: false }).tables).toEqual({
      cells: { first: 0, count: 12 },
    })
  })

  it('starts all roles where there is no main', () => {
    const scenario = defineScenario({
      ...HEAD,
      startAll: () => ({ a: 3, b: 1 }),
      *a(t) {
        t.cells(4)
        yield
      },
      *b() {
        yield
      },
    })
    expect(scenario.roles.map((role) => role.name)).toEqual(['a', 'b', 'main'])
    expect(planScenario(scenario, {})).toMatchObject({ threads: 5, privateCells: 4 })
  })

  it.each<[string, object, RegExp]>([
    ['no name', { summary: '', params: {}, *main() {} }, /name must be a text/],
    ['no params', { name: 'x', summary: '', *main() {} }, /params must be an object/],
    ['no roles', HEAD, /has no role/],
    ['a role that is none', { ...HEAD, main: 4 }, /main is neither known nor a role/],
    ['an unknown loop role', { ...HEAD, loop: ['man'], *main() {} }, /'man': did you mean main/],
    ['a bad default', { ...HEAD, params: { n: { default: '3' } }, *main() {} }, /parameter n/],
  ])('refuses %s', (_, declared, message) => {
    expect(() => loosely(declared)).toThrow(message)
    expect(() => loosely(declared)).toThrow(BadInput)
  })
})

describe('planScenario', () => {
  it('counts threads and cells that are not declared', () => {
    const scenario = defineScenario({
      ...HEAD,
      *main(t) {
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i <= round; i++) t.start('child', { i })
          t.joinAll()
          yield
        }
      },
      *child(t) {
        t.start('grandchild')
        for (let i = 0; i < 7; i++) t.malloc(8)
        t.joinAll()
        yield
      },
      *grandchild(t) {
        t.free(t.malloc(1))
        yield
      },
    })
    // Three children at once, each with its own child, and main.
    expect(planScenario(scenario, {})).toMatchObject({ threads: 7, privateCells: 7 })
  })

  it('asks for figures it cannot count', () => {
    const scenario = defineScenario({
      ...HEAD,
      *main(t) {
        t.start('main')
        yield
      },
    })
    expect(() => planScenario(scenario, {})).toThrow(/must declare threads/)
  })

  it('refuses figures that make no sense', () => {
    const threads = defineScenario({ ...HEAD, threads: () => 0.5, *main() {} })
    expect(() => planScenario(threads, {})).toThrow(/threads is 0.5/)
    const tables = defineScenario({ ...HEAD, tables: () => ({ t: -1 }), *main() {} })
    expect(() => planScenario(tables, {})).toThrow(/table t is -1/)
    const channels = defineScenario({ ...HEAD, channels: () => [0], *main() {} })
    expect(() => planScenario(channels, {})).toThrow(/capacity of channel 0 is 0/)
  })
})
