/**
 * The main thread's part of running compiled designs: fills in the numbers that all lab threads of
 * a run share, and lets V8 make machine code of the module, once for all workers.
 */
import { existsSync, readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { HeapOps } from '../heap-ops.ts'
import { OpLoop } from '../op-loop.ts'
import type { SharedRun } from '../shared-run.ts'
import { type Glue, loadGlue, tablesStart } from './glue.ts'
import { type WasmModule, WebAssembly } from './webassembly.ts'

/** What workers need beside the run itself. Plain data, but for the module, which is shared. */
export interface CompiledCode {
  /** The design's name. */
  readonly design: string
  readonly module: WasmModule
  /** The numbers that were filled in: every lab thread must have the same. */
  readonly constants: readonly number[]
}

const fileOf = (design: string): URL => new URL(`./modules/${design}.wasm`, import.meta.url)

/** Is there a module for the design? There is for all built-in ones. */
export const isCompiled = (design: string): boolean =>
  /^\w+$/.test(design) && existsSync(fileOf(design))

/**
 * The run's code, or undefined where it must be carried out in JavaScript: a user's own design, or
 * a heap that leaves no room in a WebAssembly memory.
 */
export async function compileFor(run: SharedRun): Promise<CompiledCode | undefined> {
  const { memory, plan } = run.init
  const { design } = plan.variant
  if (memory === undefined || !isCompiled(design)) return undefined
  // Optimized at once and as a whole: a lab thread should not meet code that is still being made.
  setFlagsFromString('--no-liftoff')
  setFlagsFromString('--no-wasm-lazy-compilation')
  setFlagsFromString('--experimental-wasm-branch-hinting')
  // By one helper thread: each that takes part keeps 5 MB of freed memory in its malloc's arena.
  setFlagsFromString('--wasm-num-compilation-tasks=1')
  const glue = await loadGlue(design)
  const linkage = glue.link()
  linkage.find(exampleLoop(run), memory, tablesStart(run))
  const constants = linkage.constants()
  const bytes = filled(readFileSync(fileOf(design)), glue, constants)
  return { design, module: await compiled(bytes), constants }
}

/**
 * The module's machine code. Node does not count V8's compiling among what keeps a process alive
 * (nodejs/node#36616): with nothing else to wait for it would end here, so a timer stands in.
 */
async function compiled(bytes: Uint8Array): Promise<WasmModule> {
  const alive = setInterval(() => {}, KEEP_ALIVE_MS)
  try {
    return await WebAssembly.compile(bytes)
  } finally {
    clearInterval(alive)
  }
}

const KEEP_ALIVE_MS = 1000

/** The process's main thread, as its worker will see it. */
function exampleLoop(run: SharedRun): OpLoop {
  const clock = (): number => 0
  const process = run.processFor(0, 0, clock)
  const heap = run.design.attach(process, run.init.tunables, run.threadInfo(0, 0))
  const heapOps = new HeapOps(process, heap, run.control, 0, { fill: run.init.plan.fill, clock })
  return new OpLoop(process, heap, run.control, 0, heapOps)
}

/** The module with its holes filled, in place. */
export function filled(
  bytes: Uint8Array,
  { holes }: Glue,
  constants: readonly number[],
): Uint8Array {
  holes.forEach(([length, places], hole) => {
    const value = BigInt(length === INT32_BYTES ? constants[hole]! | 0 : constants[hole]!)
    for (const place of places) writeInteger(bytes, place, value, length)
  })
  return bytes
}

/** Length of a 32-bit hole; others hold 64 bits. */
const INT32_BYTES = 5

/** LEB128, as long as the hole. */
function writeInteger(bytes: Uint8Array, place: number, value: bigint, length: number): void {
  let rest = value
  for (let i = 0; i < length; i++) {
    bytes[place + i] = Number(rest & 127n) | (i < length - 1 ? 128 : 0)
    rest >>= 7n
  }
}
