/**
 * What everything costs on the modelled computer. The figures and where they come from stand in
 * costs.json; `arena-lab calibrate` measures a table of one's own.
 */
import { readFileSync } from 'node:fs'
import { BadInput, messageOf, quoted } from '../../words/bad-input.ts'
import { Event } from '../../words/events.ts'
import { nearestNames, unknownName } from '../../words/nearest.ts'

/** An entry of a table as it is stored. */
export interface CostEntry {
  readonly value: number
  /** Who measured it, where, how. */
  readonly source: string
}
type CostEntries = Readonly<Record<string, CostEntry>>

/** A table as it is stored: a preset of costs.json, or what `calibrate` writes. */
export interface CostTable {
  readonly name: string
  readonly summary: string
  readonly costs: CostEntries
}

/** What the calls of one design cost beside events, locks and faults, in ns. */
interface DesignCosts {
  /** A malloc that its fastest path serves. */
  readonly malloc: number
  readonly free: number
  /** Under an allocator lock, each time one is taken. */
  readonly locked: number
  /** Cache lines of what a lock protects that the next core to take it has to fetch: a count. */
  readonly lockedLines: number
  /** How long its locks spin before they sleep. */
  readonly spin: number
  /** How often who waits for one of its locks calls sched_yield, 0 for a lock that is a futex. */
  readonly yields: number
  /** How long it sleeps after that, in ns, before it starts anew. */
  readonly nap: number
  /** 1 when its mallocs have changed nothing when they try locks: see walk.ts. */
  readonly tries: number
}

const GENERAL = {
  sockets: 'count',
  coreTransfer: 'ns',
  socketTransfer: 'ns',
  atomic: 'ns',
  lock: 'ns',
  spinStep: 'ps',
  futexWait: 'ns',
  futexWake: 'ns',
  wake: 'ns',
  contextSwitch: 'ns',
  yield: 'ns',
  slice: 'ns',
  readerSpin: 'ns',
  vmaLocks: 'count',
  fault: 'ns',
  brk: 'ns',
  mmap: 'ns',
  munmap: 'ns',
  mremap: 'ns',
  mprotect: 'ns',
  madvise: 'ns',
  pageFreed: 'ns',
  threadStart: 'ns',
  newStack: 'ns',
  threadEnd: 'ns',
  op: 'ns',
  write: 'ns',
  writeKib: 'ns',
  channel: 'ns',
  storeBuffer: 'count',
  cacheKib: 'KiB',
  memory: 'ns',
  memoryFar: 'ns',
  channels: 'count',
  channelLine: 'ns',
} as const satisfies Readonly<Record<string, string>>
type General = keyof typeof GENERAL

/** Everything, in whole units of `GENERAL`. Plain data, sent to the worker. */
export type Costs = Readonly<Record<General, number>> & {
  readonly name: string
  /** By event number: ns each time. */
  readonly events: readonly number[]
  readonly design: DesignCosts
}

/** Unit of an entry: 'ns', 'ps', 'KiB', or 'count' for what has none. */
export const costUnit = (name: string): string =>
  (GENERAL as Readonly<Record<string, string>>)[name] ?? 'ns'

const DESIGN_FIGURES = [
  'malloc',
  'free',
  'locked',
  'lockedLines',
  'spin',
  'yields',
  'nap',
  'tries',
] as const
/** Entries of designs that have none of their own. */
const OTHER_DESIGNS = 'other'
/** Entries of older tables, and what has become of them. */
const FORMER: Readonly<Record<string, string>> = {
  kernelSpin: 'system calls spin as Linux’ rwsem does now',
}
const COST_MAX = 2 ** 27
/** Without these being something, time would stand still. */
const AT_LEAST_ONE: ReadonlySet<string> = new Set(['sockets', 'slice', 'op', 'channels'])
const EVENT_NAMES: ReadonlyMap<string, number> = new Map(
  Object.entries(Event).map(([name, event]) => [`event.${name.toLowerCase()}`, event]),
)

/** The tables that come with the lab, by name. */
export function costPresets(): Readonly<Record<string, CostTable>> {
  const url = new URL('./costs.json', import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { presets: Record<string, CostTable> }).presets
}

export const DEFAULT_PRESET = 'laptop'

/** A preset by name, or a table by the path of its file. Throws `BadInput`. */
export function loadCostTable(nameOrPath: string): CostTable {
  const presets = costPresets()
  if (Object.hasOwn(presets, nameOrPath)) return presets[nameOrPath]!
  const isPath = nameOrPath.includes('/') || nameOrPath.endsWith('.json')
  if (!isPath) throw unknownName('cost table', nameOrPath, Object.keys(presets))
  let table: unknown
  try {
    table = JSON.parse(readFileSync(nameOrPath, 'utf8'))
  } catch (error) {
    throw new BadInput(`cost table ${quoted(nameOrPath)}: ${messageOf(error)}`, { cause: error })
  }
  return checkTable(nameOrPath, table)
}

/** What a table says for one design. Entries it lacks are those of the default preset. */
export function resolveCosts(table: CostTable, design: string): Costs {
  const standard = costPresets()[DEFAULT_PRESET]!.costs
  const value = (name: string): number | undefined =>
    table.costs[name]?.value ?? standard[name]?.value
  const known = (name: string): number => {
    const found = value(name)
    if (found === undefined) throw new Error(`no cost ${name} in costs.json`)
    return found
  }
  const events: number[] = []
  for (const [name, event] of EVENT_NAMES) events[event] = known(name)
  const general = Object.fromEntries(Object.keys(GENERAL).map((name) => [name, known(name)]))
  const figures = DESIGN_FIGURES.map((figure) => [
    figure,
    value(`${design}.${figure}`) ?? known(`${OTHER_DESIGNS}.${figure}`),
  ])
  return {
    ...(general as Record<General, number>),
    name: table.name,
    events: Array.from(events, (ns) => ns ?? 0),
    design: Object.fromEntries(figures) as unknown as DesignCosts,
  }
}

function checkTable(path: string, table: unknown): CostTable {
  const fail = (problem: string): never => {
    throw new BadInput(`cost table ${quoted(path)}: ${problem}`)
  }
  if (!isRecord(table) || !isRecord(table['costs'])) fail('expected {"name", "costs": {…}}')
  const { name, summary, costs } = table as Record<string, unknown>
  const entries: Record<string, CostEntry> = {}
  for (const [key, entry] of Object.entries(costs as Record<string, unknown>)) {
    if (!isKnown(key)) fail(unknownEntry(key))
    const value = isRecord(entry) ? entry['value'] : undefined
    const least = AT_LEAST_ONE.has(key) ? 1 : 0
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > COST_MAX) {
      fail(`${key}: expected a whole number from ${least} to ${COST_MAX}`)
    }
    const source = isRecord(entry) && typeof entry['source'] === 'string' ? entry['source'] : path
    entries[key] = { value: value as number, source }
  }
  return {
    name: typeof name === 'string' ? name : path,
    summary: typeof summary === 'string' ? summary : '',
    costs: entries,
  }
}

function isKnown(name: string): boolean {
  const figure = name.slice(name.lastIndexOf('.') + 1)
  const ofDesign = name.includes('.') && (DESIGN_FIGURES as readonly string[]).includes(figure)
  return Object.hasOwn(GENERAL, name) || EVENT_NAMES.has(name) || ofDesign
}

function unknownEntry(name: string): string {
  const former = Object.hasOwn(FORMER, name) ? FORMER[name] : undefined
  if (former !== undefined) return `${name} is gone (${former}): remove it, or calibrate again`
  const near = nearestNames(name, [...Object.keys(GENERAL), ...EVENT_NAMES.keys()])
  return `no such cost ${quoted(name)}${near.length > 0 ? `: did you mean ${near[0]}?` : ''}`
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
