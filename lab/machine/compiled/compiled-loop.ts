/**
 * A worker's compiled op loop. It does what `OpLoop.run` and the functions called from it say, on
 * the same words; what is not compiled, and everything outside of batches, stays JavaScript.
 */
import type { ThreadHeap } from '../../../allocators/contract.ts'
import type { Block, SharedWords } from '../../words/units.ts'
import type { Batch } from '../../workload/recorder.ts'
import type { OpLoop } from '../op-loop.ts'
import type { SharedRun } from '../shared-run.ts'
import type { CompiledCode } from './compiled-code.ts'
import { type Linkage, loadGlue, tablesStart } from './glue.ts'
import { type WasmExports, WebAssembly } from './webassembly.ts'

/** Words that the longest op may have: it must lie whole within the window it begins in. */
const OP_WORDS_MAX = 8

export class CompiledLoop {
  readonly #run: SharedRun
  readonly #code: CompiledCode
  readonly #linkage: Linkage
  readonly #exports: WasmExports
  /** Where this lab thread's ops are copied to: the code reads the run's memory only. */
  #window: SharedWords
  #batch: Batch | undefined
  /** The part of the batch that lies in the window. */
  #from = 0
  #to = 0

  static async link(run: SharedRun, code: CompiledCode): Promise<CompiledLoop> {
    return new CompiledLoop(run, code, (await loadGlue(code.design)).link())
  }

  constructor(run: SharedRun, code: CompiledCode, linkage: Linkage) {
    const { memory } = run.init
    this.#run = run
    this.#code = code
    this.#linkage = linkage
    const imports = { lab: { memory }, js: linkage.js }
    this.#exports = new WebAssembly.Instance(code.module, imports).exports
    this.#window = this.#windowOf(0)
  }

  /** From now on it carries out what `loop` would. Gives what stands for its heap. */
  open(loop: OpLoop, heap: ThreadHeap, seat: number): ThreadHeap {
    this.#linkage.find(loop, this.#run.init.memory!, tablesStart(this.#run))
    const constants = this.#linkage.constants()
    if (constants.some((value, i) => value !== this.#code.constants[i])) {
      throw new Error(`${this.#code.design} was compiled for a lab thread with other constants`)
    }
    this.#linkage.bind(this.#exports)
    this.#window = this.#windowOf(seat)
    this.#batch = undefined
    return new CompiledHeap(this.#exports, heap)
  }

  /** As `OpLoop.run`, but it may also stop before an op in the middle. */
  run(batch: Batch, at: number, end: number): number {
    if (batch !== this.#batch || at < this.#from || at >= this.#to) this.#load(batch, at)
    const base = this.#window.byteOffset - this.#from * Int32Array.BYTES_PER_ELEMENT
    return this.#exports['run']!(base, at, Math.min(end, this.#to))
  }

  /** Copies the whole batch, or as much of it as fits from `at` on. */
  #load(batch: Batch, at: number): void {
    const { ops, length } = batch
    const fits = length <= this.#window.length
    this.#batch = batch
    this.#from = fits ? 0 : at
    const copied = Math.min(length, this.#from + this.#window.length)
    this.#window.set(ops.subarray(this.#from, copied))
    this.#to = copied === length ? length : copied - OP_WORDS_MAX
  }

  #windowOf(seat: number): SharedWords {
    const { controlPlace, controlPlan } = this.#run.init
    const words = controlPlan.opWords ?? 0
    const start = controlPlace.start + controlPlan.at.ops
    return new Int32Array(
      controlPlace.buffer,
      start + seat * words * Int32Array.BYTES_PER_ELEMENT,
      words,
    )
  }
}

/** The heap for what happens between batches: starting, joining and ending lab threads. */
class CompiledHeap implements ThreadHeap {
  readonly #exports: WasmExports
  readonly #heap: ThreadHeap

  constructor(exports: WasmExports, heap: ThreadHeap) {
    this.#exports = exports
    this.#heap = heap
  }

  malloc(bytes: number): Block {
    return this.#exports['malloc']!(bytes) as Block
  }
  calloc(count: number, bytes: number): Block {
    return this.#exports['calloc']!(count, bytes) as Block
  }
  free(block: Block): void {
    this.#exports['free']!(block)
  }
  realloc(block: Block, bytes: number): Block {
    return this.#heap.realloc(block, bytes)
  }
  memalign(alignment: number, bytes: number): Block {
    return this.#heap.memalign(alignment, bytes)
  }
  usableSize(block: Block): number {
    return this.#heap.usableSize(block)
  }
  trim(padBytes: number): boolean {
    return this.#heap.trim(padBytes)
  }
  exit(): void {
    this.#exports['exit']!()
  }
}
