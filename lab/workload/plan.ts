/**
 * How much of everything a scenario needs with these parameters: lab threads at once, cells,
 * channels. The control buffer is laid out from it before anything starts. Plain data, so that it
 * can be sent to workers.
 */
import { BadInput } from '../words/bad-input.ts'
import { eachOp, readArgs } from './decode.ts'
import { Op } from './ops.ts'
import { RoleRecorder } from './recorder.ts'
import type { AnyParams, RoleArgs, RoleEntry, Scenario } from './scenario.ts'

/** Where each shared table lies among the cells of all of them. */
export type TableLayout = Readonly<
  Record<string, { readonly first: number; readonly count: number }>
>

export interface ScenarioPlan {
  /** Lab threads alive at once, main included. */
  readonly threads: number
  /** Private cells each of them needs, those handed over by its starter included. */
  readonly privateCells: number
  readonly tables: TableLayout
  /** Cells of all tables together. */
  readonly tableCells: number
  readonly channelCapacities: readonly number[]
  readonly barriers: number
  /** Seconds after which roles stop; undefined: they run to their end. */
  readonly seconds: number | undefined
  readonly stackBytes: number
}

/** Private cells a script may use while they are only being counted. */
const CELLS_UNCOUNTED = 2 ** 24
/** Ops recorded to count; beyond it the scenario has to declare its figures. */
const COUNTED_OPS_MAX = 2 ** 24

/** Throws `BadInput` where the scenario's own figures make no sense. */
export function planScenario(scenario: Scenario, params: AnyParams): ScenarioPlan {
  const tables = layTables(scenario, params)
  const tableCells = Object.values(tables).reduce((sum, { count }) => sum + count, 0)
  const channelCapacities = scenario.channels(params)
  channelCapacities.forEach((capacity, channel) => {
    checkCount(scenario, `capacity of channel ${channel}`, capacity, 1)
  })
  const declaredThreads = scenario.threads?.(params)
  const declaredCells = scenario.privateCells?.(params)
  const counted =
    declaredThreads === undefined || declaredCells === undefined
      ? countByRecording(scenario, params, tables)
      : { threads: 0, privateCells: 0 }
  const threads = declaredThreads ?? counted.threads
  const privateCells = declaredCells ?? counted.privateCells
  const barriers = scenario.barriers(params)
  checkCount(scenario, 'threads', threads, 1)
  checkCount(scenario, 'privateCells', privateCells, 0)
  checkCount(scenario, 'barriers', barriers, 0)
  const seconds = scenario.seconds?.(params)
  const { stackBytes } = scenario
  return {
    threads,
    privateCells,
    tables,
    tableCells,
    channelCapacities,
    barriers,
    seconds,
    stackBytes,
  }
}

function layTables(scenario: Scenario, params: AnyParams): TableLayout {
  const layout: Record<string, { first: number; count: number }> = {}
  let first = 0
  for (const [name, count] of Object.entries(scenario.tables(params))) {
    checkCount(scenario, `table ${name}`, count, 0)
    layout[name] = { first, count }
    first += count
  }
  return layout
}

function checkCount(scenario: Scenario, what: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least && value < 2 ** 31) return
  throw new BadInput(
    `scenario ${scenario.name}: ${what} is ${value}, not a whole number of at least ${least}`,
  )
}

/** What one role was found to need, the lab threads it starts included. */
interface Need {
  /** Lab threads alive at once because of it, itself included. */
  readonly threads: number
  /** Private cells of it, or of the greediest it starts. */
  readonly privateCells: number
}

/**
 * Records every role once, with the arguments it is first started with, and counts starts up and
 * joins down. Roles that start each other in a ring have to declare `threads` themselves.
 */
function countByRecording(scenario: Scenario, params: AnyParams, tables: TableLayout): Need {
  const needs = new Map<string, Need | 'under way'>()
  let opsLeft = COUNTED_OPS_MAX
  const needOf = (role: RoleEntry, args: RoleArgs, handed: number): Need => {
    const known = needs.get(role.name)
    if (known === 'under way') throw uncountable(scenario, `role ${role.name} starts itself`)
    if (known !== undefined) return known
    needs.set(role.name, 'under way')
    const recorder = new RoleRecorder({
      scenario,
      params,
      role,
      index: 0,
      seed: 0,
      args,
      handed,
      tables,
      privateCells: CELLS_UNCOUNTED,
    })
    let started = 0
    let startedMost = 0
    let cells = 0
    for (let done = false; !done; ) {
      const batch = recorder.nextBatch()
      opsLeft -= batch.opCount
      if (opsLeft < 0) throw uncountable(scenario, `its roles record over ${COUNTED_OPS_MAX} ops`)
      eachOp(batch.ops, batch.length, (code, at) => {
        if (code === Op.JOIN_ALL) started = 0
        if (code !== Op.START) return
        const next = scenario.roles[batch.ops[at + 1]!]!
        const need = needOf(next, readArgs(batch.ops, at), batch.ops[at + 3]!)
        started += need.threads
        cells = Math.max(cells, need.privateCells, batch.ops[at + 3]!)
        startedMost = Math.max(startedMost, started)
      })
      done = batch.done || role.loop
    }
    const privateCells = Math.max(cells, recorder.cellsNeeded)
    const need = { threads: 1 + startedMost, privateCells }
    needs.set(role.name, need)
    return need
  }
  return needOf(scenario.main, {}, 0)
}

function uncountable(scenario: Scenario, why: string): BadInput {
  return new BadInput(
    `scenario ${scenario.name} must declare threads(p) and privateCells(p): ${why}`,
  )
}
