/** What a scenario file declares: `defineScenario` in its public shape. */
import type { Block } from '../words/units.ts'

/** A handle on a block: a cell, never an address. Numbers are only meaningful to the recorder. */
export type CellRef = number & { readonly [cell]: true }
declare const cell: unique symbol

export type { Block }

export interface ParamSpec {
  readonly default: number | boolean
  /** `count`, `bytes`, `ns`, `permille`, `flag`, … */
  readonly unit: string
  readonly min?: number
  readonly max?: number
  readonly meaning: string
}
export type ParamSpecs = Readonly<Record<string, ParamSpec>>
export type ParamValues<P extends ParamSpecs> = {
  readonly [K in keyof P]: P[K]['default'] extends boolean ? boolean : number
}
/** What `start` hands to a role: whole numbers by name. */
export type RoleArgs = Readonly<Record<string, number>>

/** Random numbers of one lab thread: from (seed, role, index, generation), the same everywhere. */
export interface Random {
  /** Uniform integer in [0, 2^32). */
  uint32(): number
  /** Uniform integer in [low, high], both ends included. */
  range(low: number, high: number): number
  /** True `numerator` times in `denominator`. */
  chance(numerator: number, denominator: number): boolean
}

/** What a role calls. Each call records one op; nothing is carried out while recording. */
export interface Recorder {
  readonly random: Random
  /** Index of this lab thread within its role: 0, 1, 2, … in the order of starting. */
  readonly index: number
  /** Allocates into `into`, or into a private cell of its own. */
  malloc(bytes: number, into?: CellRef): CellRef
  calloc(count: number, bytes: number, into?: CellRef): CellRef
  memalign(alignment: number, bytes: number, into?: CellRef): CellRef
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
  /** `count` private cells in a row, kept until the role ends; cell i is `first + i` by `at`. */
  cells(count: number): CellRef
  at(first: CellRef, index: number): CellRef
  barrier(barrier: number, parties: number): void
  work(ns: number): void
  sleep(ns: number): void
  pace(opsPerSecond: number): void
  phase(label: string): void
  trim(padBytes: number): void
  /** Starts a lab thread; `cells` of this one's private cells move to it as its cells 0, 1, 2, … */
  start(role: string, args?: RoleArgs, cells?: { first: CellRef; count: number }): void
  joinAll(): void
  exit(): void
}

/** A role: yields where its batch may be cut and a deadline may stop it. */
export type Role<P> = (t: Recorder, params: P, args: RoleArgs) => Generator<void, void, void>

export interface RoleDefinition<P> {
  readonly run: Role<P>
  /** Recorded once before the start barrier and repeated until the deadline. */
  readonly loop?: boolean
}

export interface Scenario<P extends ParamSpecs = ParamSpecs> {
  readonly name: string
  readonly summary: string
  readonly params: P
  /** Roles by name; `main` is lab thread 0. Without it `startAll` says who is started. */
  readonly roles: Readonly<Record<string, Role<ParamValues<P>> | RoleDefinition<ParamValues<P>>>>
  /** Shared cells: table name → cells. */
  readonly tables?: (params: ParamValues<P>) => Readonly<Record<string, number>>
  /** Capacities of bounded channels 0, 1, 2, … */
  readonly channels?: (params: ParamValues<P>) => readonly number[]
  readonly barriers?: (params: ParamValues<P>) => number
  /** Most lab threads alive at once, main included. */
  readonly threads: (params: ParamValues<P>) => number
  /** Most private cells one lab thread holds at once. */
  readonly privateCells?: (params: ParamValues<P>) => number
  /** Without a `main` role: which roles are started at once, and how many of each. */
  readonly startAll?: (params: ParamValues<P>) => Readonly<Record<string, number>>
  /** Seconds after which roles stop; absent: they run to their end. */
  readonly seconds?: (params: ParamValues<P>) => number
  /** An OOM kill under a memory limit is what this scenario is there to show. */
  readonly showsOom?: boolean
  /** Bytes of each started thread's stack mapping; 8 MiB by default. */
  readonly stackBytes?: number
}

/** Gives a scenario its types. The roles of DESIGN 5.5 stand under `roles`. */
export const defineScenario = <const P extends ParamSpecs>(scenario: Scenario<P>): Scenario<P> =>
  scenario
