/**
 * The least an allocator can be: one lock, one pointer that only goes up, nothing reused. For tests
 * of machines; the faulty designs beside it are this one with one thing broken.
 */
import type { Block, Design, Process, ThreadHeap, ThreadInfo, WordIndex } from 'arena-lab'

const CHUNK_BYTES = 1 << 20
const State = { LOCK: 0, LOCK_ID: 1, NEXT: 2, END: 3 } as const

/** What a faulty twin does under the lock, before it allocates. */
export type Fault = (process: Process, thread: ThreadInfo, mallocs: number) => number | undefined

export function bumpDesign(name: string, fault: Fault = () => undefined): Design {
  return {
    name,
    summary: 'Allocates upwards and never frees.',
    tunables: {},
    dataBytes: 4096,
    boot(process) {
      const at = process.dataStart
      process.touch(at)
      process.words[at + State.LOCK_ID] = process.makeLock(at, name)
    },
    attach: (process, _tunables, thread) => new BumpHeap(process, thread, fault),
    inspect: () => ({
      design: name,
      partial: false,
      arenas: [],
      mappedBlocks: 0,
      mappedBytes: 0,
      totals: {},
    }),
    check: () => [],
  }
}

class BumpHeap implements ThreadHeap {
  readonly #process: Process
  readonly #thread: ThreadInfo
  readonly #fault: Fault
  #mallocs = 0

  constructor(process: Process, thread: ThreadInfo, fault: Fault) {
    this.#process = process
    this.#thread = thread
    this.#fault = fault
  }

  malloc(bytes: number): Block {
    const { words, dataStart: at } = this.#process
    const id = words[at + State.LOCK_ID] as Parameters<Process['lock']>[1]
    this.#process.lock(at, id)
    const wanted = Math.ceil((bytes + 1) / 16) * 16
    const forged = this.#fault(this.#process, this.#thread, this.#mallocs++)
    const block = forged ?? this.#take(wanted)
    this.#process.unlock(at, id)
    return block as Block
  }

  #take(bytes: number): number {
    const { words, dataStart: at } = this.#process
    if (words[at + State.NEXT]! + bytes / 4 > words[at + State.END]!) {
      const grown = Math.max(CHUNK_BYTES, bytes)
      const start = this.#process.sbrk(grown)
      if (start === 0) return 0
      words[at + State.NEXT] = start
      words[at + State.END] = start + grown / 4
    }
    const block = words[at + State.NEXT]!
    words[at + State.NEXT] = block + bytes / 4
    return block
  }

  calloc(count: number, bytes: number): Block {
    return this.malloc(count * bytes)
  }
  realloc(_block: Block, bytes: number): Block {
    return this.malloc(bytes)
  }
  memalign(_alignment: number, bytes: number): Block {
    return this.malloc(bytes)
  }
  free(): void {}
  usableSize(): number {
    return 0
  }
  trim(): boolean {
    return false
  }
  exit(): void {}
}

/** A word of the static data that faults may use. */
export const spareWord = (process: Process): WordIndex => (process.dataStart + 64) as WordIndex

export default bumpDesign('bump')
