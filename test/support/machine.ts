/** Runs scenarios on the machines of dist/, as the command line does. */
import { fileURLToPath } from 'node:url'
import type { Violation } from '../../allocators/contract.ts'
import type {
  MachineName,
  MachineOutcome,
  RunningMachine,
  RunPlan,
  Safepoint,
} from '../../lab/machine/types.ts'
import { COUNTER_ROW } from '../../lab/words/events.ts'
import { GIB } from '../../lab/words/units.ts'

type Start = typeof import('../../lab/machine/start.ts')
type Costs = typeof import('../../lab/machine/virtual/costs.ts')
type Designs = typeof import('../../lab/machine/designs.ts')
type Load = typeof import('../../lab/workload/load.ts')
type Plan = typeof import('../../lab/workload/plan.ts')
type Scenarios = typeof import('../../scenarios/index.ts')

const dist = (path: string): Promise<unknown> =>
  import(new URL(`../../dist/${path}`, import.meta.url).href)

/** Path of a design or scenario that belongs to the tests. */
export const testFile = (path: string): string =>
  fileURLToPath(new URL(`../${path}`, import.meta.url))

interface Seen extends Safepoint {
  readonly rssBytes: number
  readonly violations: readonly Violation[]
}

export interface Ran {
  readonly outcome: MachineOutcome
  readonly safepoints: readonly Seen[]
  /** Sum over seats of a counter. */
  count(counter: number): number
  readonly plan: RunPlan
  /** Samples that the machine's own clock asked for. */
  readonly samples: number
  /** All counters, row by row; all latency buckets. */
  readonly counters: Float64Array
  readonly histograms: Int32Array
}

export interface RunOptions {
  readonly params?: Readonly<Record<string, number | boolean>>
  readonly tunables?: Readonly<Record<string, number>>
  readonly memoryLimit?: number
  readonly addressSpaceLimit?: number
  readonly drain?: boolean
  readonly seed?: number
  readonly seconds?: number
  readonly cores?: number
  readonly scheduleSeed?: number
  /** Of the explore machine. */
  readonly schedules?: number
  /** Of the virtual machine: follow every line; entries that replace the laptop's. */
  readonly lines?: boolean
  readonly costs?: Readonly<Record<string, number>>
  /** Called once the machine runs. */
  readonly steer?: (machine: RunningMachine) => void
}

export const runThreads = (
  scenarioName: string,
  designName: string,
  options: RunOptions = {},
): Promise<Ran> => runOn('threads', scenarioName, designName, options)

export const runVirtual = (
  scenarioName: string,
  designName: string,
  options: RunOptions = {},
): Promise<Ran> => runOn('virtual', scenarioName, designName, options)

export const runExplore = (
  scenarioName: string,
  designName: string,
  options: RunOptions = {},
): Promise<Ran> => runOn('explore', scenarioName, designName, options)

async function runOn(
  machineName: MachineName,
  scenarioName: string,
  designName: string,
  options: RunOptions,
): Promise<Ran> {
  const { startMachine } = (await dist('lab/machine/start.js')) as Start
  const { loadDesign } = (await dist('lab/machine/designs.js')) as Designs
  const { loadScenario } = (await dist('lab/workload/load.js')) as Load
  const { planScenario } = (await dist('lab/workload/plan.js')) as Plan
  const { builtInScenarios } = (await dist('scenarios/index.js')) as Scenarios
  const scenario = await loadScenario(scenarioName, builtInScenarios)
  const design = await loadDesign(designName)
  const params = { ...defaults(scenario.params), ...options.params }
  const needs = planScenario(scenario, params)
  const tunables = { ...defaults(design.tunables), ...options.tunables } as Record<string, number>
  const plan: RunPlan = {
    machine: machineName,
    scheduleSeed: options.scheduleSeed ?? 0,
    ...(options.schedules === undefined ? {} : { schedules: options.schedules }),
    variant: { label: designName, design: designName, tunables },
    scenario: scenarioName,
    params,
    seed: options.seed ?? 1,
    cores: options.cores ?? 2,
    threads: needs.threads,
    heapBytes: 4 * GIB,
    limits: {
      memoryLimit: options.memoryLimit,
      addressSpaceLimit: options.addressSpaceLimit,
      overcommitMemory: 0,
      overcommitRatio: 50,
      ramBytes: 64 * GIB,
    },
    seconds: options.seconds ?? needs.seconds,
    drain: options.drain ?? false,
    fill: false,
    spinCount: 0,
    ...(machineName === 'virtual' ? { simulation: await simulation(design.name, options) } : {}),
  }
  const safepoints: Seen[] = []
  let samples = 0
  let shared: RunningMachine['run'] | undefined
  const machine = await startMachine(plan, design, scenario, {
    onSample() {
      samples++
    },
    async onPrepared(run) {
      shared = run
    },
    async onSafepoint(safepoint) {
      if (shared === undefined) throw new Error('a safepoint before the run was prepared')
      const process = shared.processFor(0, 0, () => 0)
      safepoints.push({
        ...safepoint,
        rssBytes: process.space.figures().rssBytes,
        violations: safepoint.clean ? design.check(process, shared.init.tunables) : [],
      })
    },
  })
  options.steer?.(machine)
  const outcome = await machine.finished
  const { counters, histograms } = machine.run.control
  return {
    samples,
    counters,
    histograms,
    outcome,
    safepoints,
    plan,
    count: (counter) => {
      let sum = 0
      for (let seat = 0; seat < plan.threads; seat++) sum += counters[seat * COUNTER_ROW + counter]!
      return sum
    },
  }
}

async function simulation(
  design: string,
  options: RunOptions,
): Promise<NonNullable<RunPlan['simulation']>> {
  const { loadCostTable, resolveCosts } = (await dist('lab/machine/virtual/costs.js')) as Costs
  const table = loadCostTable('laptop')
  const costs = { ...table.costs }
  for (const [name, value] of Object.entries(options.costs ?? {})) {
    costs[name] = { value, source: 'this test' }
  }
  return {
    costs: resolveCosts({ ...table, costs }, design),
    lines: options.lines ?? false,
    sampleHz: 1000,
  }
}

function defaults(specs: object): Record<string, number | boolean> {
  const values: Record<string, number | boolean> = {}
  for (const [name, spec] of Object.entries(specs as Record<string, { default: number }>)) {
    values[name] = spec.default
  }
  return values
}
