/** The generated JavaScript beside a design's module: see compiler/glue.mjs, which writes it. */
import type { OpLoop } from '../op-loop.ts'
import type { SharedRun } from '../shared-run.ts'
import type { WasmExports, WasmMemory } from './webassembly.ts'

export interface Linkage {
  /** The functions the module imports. */
  readonly js: Record<string, unknown>
  /** Looks up the live objects of a lab thread. Throws when the code was made for other ones. */
  find(loop: OpLoop, memory: WasmMemory, tablesStart: number): void
  /** Of the objects found: the numbers that all lab threads of a run share. */
  constants(): number[]
  /** Copies the other numbers of the objects found into the module. */
  bind(exports: WasmExports): void
}

export interface Glue {
  /** For each constant: bytes of the number, and where in the module it stands. */
  readonly holes: readonly (readonly [number, readonly number[]])[]
  link(): Linkage
}

export const loadGlue = (design: string): Promise<Glue> =>
  import(new URL(`./modules/${design}.js`, import.meta.url).href) as Promise<Glue>

/** Where in the memory the copies of tables lie: bytes. */
export const tablesStart = ({ init }: SharedRun): number =>
  init.controlPlace.start + init.controlPlan.at.tables
