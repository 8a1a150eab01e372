/**
 * Every growth of the heap leaves a stack trace behind, for pprof. The lab has no use for it, but
 * it is metadata: 264 bytes each, never freed (gperftools 2.10, src/page_heap.cc, RecordGrowth).
 */
import type { Process } from '../contract.ts'
import type { Carver } from './metadata.ts'
import { Static } from './static-layout.ts'

/** sizeof(StackTrace): size, depth and 31 addresses, the last of which links the traces. */
export const STACK_TRACE_WORDS = 66
const StackTrace = { PAGES: 0, DEPTH: 2, PREVIOUS: 64 } as const

export class GrowthLog {
  readonly #words: Process['words']
  readonly #newest: number
  readonly #traces: Carver

  constructor(process: Process, traces: Carver) {
    this.#words = process.words
    this.#newest = process.dataStart + Static.GROWTH_STACKS
    this.#traces = traces
  }

  /** Needs the page heap's lock. */
  record(pages: number): void {
    const words = this.#words
    const trace = this.#traces.new()
    words[trace + StackTrace.PAGES] = pages
    words[trace + StackTrace.DEPTH] = 0
    words[trace + StackTrace.PREVIOUS] = words[this.#newest]!
    words[this.#newest] = trace
  }
}
