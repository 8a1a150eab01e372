/** What a scenario file declares, and the shape every machine gets it in. */
import { BadInput } from '../words/bad-input.ts'
import { unknownName } from '../words/nearest.ts'
import type { SizeMix } from './size-mix.ts'

/** A handle on a block: a cell, never an address. Numbers are only meaningful to the recorder. */
export type CellRef = number & { readonly [cell]: true }
declare const cell: unique symbol

/** A parameter of a scenario: `-P name=value`. */
export interface ParamSpec {
  readonly default: number | boolean
  /** The default on the virtual machine, where many cores make a second last minutes. */
  readonly simulated?: number | boolean
  /** `bytes` also takes `64KiB`, `ns` also `10ms`, `flag` true and false; else `count`, … */
  readonly unit: string
  readonly min?: number
  readonly max?: number
  /** One sentence for somebody who has not read the file. */
  readonly meaning: string
}
export type ParamSpecs = Readonly<Record<string, ParamSpec>>
/** What `params` declares, as roles get it. */
export type ParamValues<P extends ParamSpecs> = {
  readonly [K in keyof P]: P[K]['default'] extends boolean ? boolean : number
}
/** Parameter values of any scenario, by name. */
export type AnyParams = Readonly<Record<string, number | boolean>>

/** What `start` hands to a role: whole numbers by name. */
export type RoleArgs = Readonly<Record<string, number>>

/** Random numbers of one lab thread: from (seed, role, index, generation), the same everywhere. */
export interface Random {
  /** Uniform integer in [0, 2^32). */
  uint32(): number
  /** Uniform integer in [0, count). */
  below(count: number): number
  /** Uniform integer in [low, high], both ends included. */
  range(low: number, high: number): number
  /** True `numerator` times in `denominator`. */
  chance(numerator: number, denominator: number): boolean
  /** A size drawn from a mix. */
  pick(mix: SizeMix): number
}

/**
 * What a role calls. Each call records one op; nothing is carried out while recording.
 *
 * A cell got from `malloc`, `calloc`, `memalign` or `receive` without `into` belongs to the lab
 * thread until its content leaves it by `free`, `send`, `move` or `start`; using it later is an
 * error. Cells from `cells` and `table` stay, empty or full. Filling a full cell frees its block
 * first; every other op on an empty cell does nothing.
 */
export interface Recorder {
  readonly random: Random
  /** Which lab thread of its role: `args.index` where given, else 0, 1, 2, … as they started. */
  readonly index: number
  /** Allocates into `into`, or into a private cell of its own. Bytes: 0 … 2^31 - 1. */
  malloc(bytes: number, into?: CellRef): CellRef
  calloc(count: number, bytes: number, into?: CellRef): CellRef
  memalign(alignment: number, bytes: number, into?: CellRef): CellRef
  /** The cell stays this lab thread's own, also after `realloc(cell, 0)` has emptied it. */
  realloc(cell: CellRef, bytes: number): void
  free(cell: CellRef): void
  /** Touches every page of the block and stamps both its ends. */
  write(cell: CellRef): void
  /** Touches the first `pages` pages of the block only. */
  writePages(cell: CellRef, pages: number): void
  send(channel: number, cell: CellRef): void
  receive(channel: number, into?: CellRef): CellRef
  swap(a: CellRef, b: CellRef): void
  move(from: CellRef, to: CellRef): void
  /** Cell `index` of a shared table. */
  table(name: string, index: number): CellRef
  /** `count` private cells in a row, kept until the role ends; cell i is `at(first, i)`. */
  cells(count: number): CellRef
  at(first: CellRef, index: number): CellRef
  barrier(barrier: number, parties: number): void
  work(ns: number): void
  sleep(ns: number): void
  /** Later ops wait for their turn, so many a second; 0: no longer. */
  pace(opsPerSecond: number): void
  /** A safepoint of the whole process: figures are taken and shown under this label. */
  phase(label: string): void
  trim(padBytes: number): void
  /**
   * Starts a lab thread. `cells` of this one's private cells move to it, as its cells
   * 0, 1, 2, …: it gets at them by `handed`. `args.index` and `args.generation`, where given, are
   * those of its random numbers.
   */
  start(role: string, args?: RoleArgs, cells?: { first: CellRef; count: number }): void
  /** Cell `index` of those handed over by the starter. */
  handed(index: number): CellRef
  /** Waits until every lab thread this one started has ended. */
  joinAll(): void
  /** The lab thread ends here: nothing may be recorded after it. */
  exit(): void
}

/**
 * A role: yields where its batch may be cut and a deadline may stop it. A method's parameters may
 * be annotated more narrowly than this says: `{ day, i }: { day: number; i: number }`.
 */
export type Role<P> = {
  run(t: Recorder, params: P, args: RoleArgs): Generator<void, void, void>
}['run']

/** What a scenario file declares beside its roles. */
export interface ScenarioHead<P extends ParamSpecs, V = ParamValues<P>> {
  readonly name: string
  /** What it reproduces and what to look for. */
  readonly summary: string
  readonly params: P
  /** Roles recorded once before the start barrier and repeated until the deadline. */
  readonly loop?: readonly string[]
  /** Shared cells: table name → cells. */
  readonly tables?: (params: V) => Readonly<Record<string, number>>
  /** Capacities of bounded channels 0, 1, 2, … */
  readonly channels?: (params: V) => readonly number[]
  readonly barriers?: (params: V) => number
  /** Most lab threads alive at once, main included; absent: counted by recording every role. */
  readonly threads?: (params: V) => number
  /** Most private cells one lab thread holds at once; absent: counted by recording every role. */
  readonly privateCells?: (params: V) => number
  /** Without a `main` role: how many of each role are started at once; absent: one of each. */
  readonly startAll?: (params: V) => Readonly<Record<string, number>>
  /** Seconds after which roles stop; absent: they run to their end. */
  readonly seconds?: (params: V) => number | undefined
  /** An OOM kill under a memory limit is what this scenario is there to show. */
  readonly showsOom?: boolean
  /** Bytes of each started thread's stack mapping; 8 MiB by default. */
  readonly stackBytes?: number
}

/** Every other property of the object is a role. */
type Roles<P extends ParamSpecs, R> = {
  readonly [K in keyof R]: K extends keyof ScenarioHead<P> ? unknown : Role<ParamValues<P>>
}

/** A role, as machines get it. */
export interface RoleEntry {
  readonly name: string
  /** What a `START` op names it by: its place in `Scenario.roles`. */
  readonly number: number
  readonly run: Role<AnyParams>
  readonly loop: boolean
}

/** A scenario, as machines get it: checked, defaults filled in, `main` always there. */
export interface Scenario {
  readonly name: string
  readonly summary: string
  readonly params: ParamSpecs
  readonly roles: readonly RoleEntry[]
  /** Of lab thread 0. */
  readonly main: RoleEntry
  readonly tables: (params: AnyParams) => Readonly<Record<string, number>>
  readonly channels: (params: AnyParams) => readonly number[]
  readonly barriers: (params: AnyParams) => number
  /** Absent where `planScenario` has to count. */
  readonly threads: ((params: AnyParams) => number) | undefined
  readonly privateCells: ((params: AnyParams) => number) | undefined
  /** Seconds after which roles stop; absent: they run to their end. */
  readonly seconds: ((params: AnyParams) => number | undefined) | undefined
  readonly showsOom: boolean
  readonly stackBytes: number
}

/** A declaration whose parameters' names and types are forgotten. */
type ErasedHead = ScenarioHead<ParamSpecs, AnyParams>

/** As pthread_create's default stack. */
const STACK_BYTES = 8 * 1024 * 1024

const HEAD_NAMES: ReadonlySet<string> = new Set<keyof ScenarioHead<ParamSpecs>>([
  'name',
  'summary',
  'params',
  'loop',
  'tables',
  'channels',
  'barriers',
  'threads',
  'privateCells',
  'startAll',
  'seconds',
  'showsOom',
  'stackBytes',
])

/**
 * What a scenario file exports as its default. Generator methods of the object are its roles;
 * `main` is lab thread 0. Throws `BadInput` where the declaration cannot be one.
 */
export function defineScenario<const P extends ParamSpecs, R>(
  declared: ScenarioHead<P> & Roles<P, R>,
): Scenario {
  // Roles and figures are only ever called with values of this scenario's own `params`, which
  // `resolveParams` makes: so forgetting P here loses nothing that is checked later.
  const head = declared as unknown as ErasedHead
  checkHead(head)
  const roles = rolesOf(head.name, declared, head.loop ?? [])
  const main = roles.find((role) => role.name === 'main') ?? starterOf(head, roles)
  return {
    name: head.name,
    summary: head.summary,
    params: head.params,
    roles: roles.includes(main) ? roles : [...roles, main],
    main,
    tables: head.tables ?? (() => ({})),
    channels: head.channels ?? (() => []),
    barriers: head.barriers ?? (() => 0),
    threads: head.threads,
    privateCells: head.privateCells,
    seconds: head.seconds,
    showsOom: head.showsOom ?? false,
    stackBytes: head.stackBytes ?? STACK_BYTES,
  }
}

/** True for what `defineScenario` returns, also that of another copy of this module. */
export function isScenario(value: unknown): value is Scenario {
  return isObject(value) && Array.isArray(value['roles']) && isObject(value['main'])
}

function checkHead(head: ErasedHead): void {
  const fail = (problem: string): never => {
    throw new BadInput(`scenario ${head.name || 'without a name'}: ${problem}`)
  }
  if (typeof head.name !== 'string' || head.name === '') fail('name must be a text')
  if (typeof head.summary !== 'string') fail('summary must be a text')
  if (!isObject(head.params)) fail('params must be an object, {} for none')
  for (const [name, spec] of Object.entries(head.params)) {
    const type = typeof spec?.default
    if (type !== 'number' && type !== 'boolean') {
      fail(`parameter ${name} needs a default that is a number, true or false`)
    }
  }
}

function rolesOf(scenario: string, declared: object, loop: readonly string[]): RoleEntry[] {
  const roles: RoleEntry[] = []
  for (const [name, run] of Object.entries(declared as Record<string, unknown>)) {
    if (HEAD_NAMES.has(name)) continue
    if (typeof run !== 'function') {
      throw new BadInput(
        `scenario ${scenario}: ${name} is neither known nor a role (*${name}(t, p))`,
      )
    }
    const number = roles.length
    roles.push({ name, number, run: run as Role<AnyParams>, loop: loop.includes(name) })
  }
  if (roles.length === 0)
    throw new BadInput(`scenario ${scenario} has no role, such as *main(t, p)`)
  for (const name of loop) {
    const names = roles.map((role) => role.name)
    if (!names.includes(name)) throw unknownName(`role in loop of ${scenario}`, name, names)
  }
  return roles
}

/** A `main` for scenarios without one: starts all roles, then waits for them. */
function starterOf(head: ErasedHead, roles: readonly RoleEntry[]): RoleEntry {
  const once = Object.fromEntries(roles.map((role) => [role.name, 1]))
  const startAll = head.startAll ?? (() => once)
  function* run(t: Recorder, params: AnyParams): Generator<void, void, void> {
    for (const [role, count] of Object.entries(startAll(params))) {
      for (let index = 0; index < count; index++) t.start(role, { index })
    }
    t.joinAll()
    yield
  }
  return { name: 'main', number: roles.length, run, loop: false }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
