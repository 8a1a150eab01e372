/**
 * Runs random ops on a design and keeps its own record of every block: where it is, how large, and
 * what was written at both ends. Overlaps, lost contents and wrong alignment are found at once.
 */
import type { Block, WordIndex } from '../../../lab/words/units.ts'
import { byteOfWord, bytesOfWords, wordsOfBytes } from '../../../lab/words/units.ts'
import type { Design, ThreadHeap } from '../../contract.ts'
import { TestProcess } from './test-process.ts'

const TLS_START = 81920
const PROCESS_BYTES = 2 ** 29

/** One op: `slot` names a block, `thread` who does it. */
export type RandomOp =
  | {
      readonly op: 'malloc'
      readonly thread: number
      readonly slot: number
      readonly bytes: number
    }
  | {
      readonly op: 'calloc'
      readonly thread: number
      readonly slot: number
      readonly bytes: number
    }
  | {
      readonly op: 'realloc'
      readonly thread: number
      readonly slot: number
      readonly bytes: number
    }
  | {
      readonly op: 'memalign'
      readonly thread: number
      readonly slot: number
      readonly bytes: number
      readonly shift: number
    }
  | { readonly op: 'free'; readonly thread: number; readonly slot: number }
  | { readonly op: 'trim'; readonly thread: number; readonly pad: number }
  | { readonly op: 'exit'; readonly thread: number }

interface Held {
  readonly block: Block
  readonly bytes: number
  readonly stamp: number
}

export class Shadow<T> {
  readonly process: TestProcess
  readonly held = new Map<number, Held>()
  readonly #design: Design<T>
  readonly #tunables: T
  readonly #heaps = new Map<number, ThreadHeap>()
  readonly #owner = new Map<number, number>()
  #threads = 0
  #stamp = 1

  constructor(design: Design<T>, tunables: T, bytes = PROCESS_BYTES) {
    this.process = new TestProcess(bytes, design.dataBytes)
    this.#design = design
    this.#tunables = tunables
    design.boot(this.process, tunables)
    this.heap(0)
  }

  /** The heap of a thread, attached on first use (a new thread when the last of the name ended). */
  heap(thread: number): ThreadHeap {
    const known = this.#heaps.get(thread)
    if (known !== undefined) return known
    if (this.#threads > 0) this.process.singleThreaded = false
    const tls = (TLS_START + thread * 64) as WordIndex
    this.process.words.fill(0, tls, tls + 64)
    const info = { thread: this.#threads++, seat: thread, tls }
    const heap = this.#design.attach(this.process, this.#tunables, info)
    this.#heaps.set(thread, heap)
    return heap
  }

  run(op: RandomOp): void {
    const heap = this.heap(op.thread)
    switch (op.op) {
      case 'malloc':
        this.#replace(heap, op.slot, op.bytes, heap.malloc(op.bytes), 16)
        break
      case 'calloc': {
        const block = heap.calloc(1, op.bytes)
        this.#assertZero(block, op.bytes)
        this.#replace(heap, op.slot, op.bytes, block, 16)
        break
      }
      case 'memalign': {
        const alignment = 2 ** op.shift
        const block = heap.memalign(alignment, op.bytes)
        this.#replace(heap, op.slot, op.bytes, block, alignment)
        break
      }
      case 'realloc':
        this.#realloc(heap, op.slot, op.bytes)
        break
      case 'free':
        this.#free(heap, op.slot)
        break
      case 'trim':
        heap.trim(op.pad)
        break
      case 'exit':
        if (op.thread === 0) break
        heap.exit()
        this.#heaps.delete(op.thread)
    }
    if (this.process.held.size > 0) throw new Error('a lock is still held')
  }

  /** What the design itself finds broken. */
  violations(): readonly string[] {
    const found = this.#design.check(this.process, this.#tunables)
    return found.map(({ invariant, where }) => `${invariant}: ${where}`)
  }

  freeAll(): void {
    for (const slot of [...this.held.keys()]) this.#free(this.heap(0), slot)
  }

  #replace(heap: ThreadHeap, slot: number, bytes: number, block: Block, alignment: number): void {
    this.#free(heap, slot)
    if (block === 0) throw new Error(`no memory for ${bytes} bytes`)
    this.#hold(heap, slot, bytes, block, alignment)
  }

  #hold(heap: ThreadHeap, slot: number, bytes: number, block: Block, alignment: number): void {
    if (byteOfWord(block) % Math.max(16, alignment) !== 0) {
      throw new Error(`block at ${byteOfWord(block)} is not aligned to ${alignment}`)
    }
    const usable = heap.usableSize(block)
    if (usable < bytes) throw new Error(`usable size ${usable} of ${bytes} bytes`)
    const words = usable / 4
    for (let word = 0; word < words; word++) {
      const owner = this.#owner.get(block + word)
      if (owner !== undefined) throw new Error(`blocks ${slot} and ${owner} overlap`)
      this.#owner.set(block + word, slot)
    }
    const stamp = this.#stamp++
    this.#write(block, bytes, stamp)
    this.held.set(slot, { block, bytes, stamp })
  }

  #write(block: Block, bytes: number, stamp: number): void {
    const words = wordsOfBytes(bytes)
    if (words === 0) return
    this.process.touchRange(block, words)
    this.process.words[block] = stamp
    this.process.words[block + words - 1] = stamp
  }

  #assertStamps({ block, bytes, stamp }: Held): void {
    const words = wordsOfBytes(bytes)
    const { words: heap } = this.process
    if (words > 0 && (heap[block] !== stamp || heap[block + words - 1] !== stamp)) {
      throw new Error(`block at ${byteOfWord(block)} was overwritten`)
    }
  }

  #assertZero(block: Block, bytes: number): void {
    for (let word = 0; word < wordsOfBytes(bytes); word++) {
      const page = Math.floor((block + word) / 1024)
      const fresh = this.process.pages[page] !== 5
      if (!fresh && this.process.words[block + word] !== 0) throw new Error('calloc left words')
    }
  }

  #forget(heap: ThreadHeap, slot: number): Held | undefined {
    const held = this.held.get(slot)
    if (held === undefined) return undefined
    this.#assertStamps(held)
    this.held.delete(slot)
    const words = heap.usableSize(held.block) / 4
    for (let word = 0; word < words; word++) this.#owner.delete(held.block + word)
    return held
  }

  #free(heap: ThreadHeap, slot: number): void {
    const held = this.#forget(heap, slot)
    if (held !== undefined) heap.free(held.block)
  }

  #realloc(heap: ThreadHeap, slot: number, bytes: number): void {
    const held = this.#forget(heap, slot)
    if (held === undefined) return
    const block = heap.realloc(held.block, bytes)
    if (bytes === 0) return
    if (block === 0) throw new Error(`no memory for ${bytes} bytes`)
    const kept = Math.min(wordsOfBytes(held.bytes), Math.floor(bytes / 4))
    if (kept > 0 && this.process.words[block] !== held.stamp) {
      throw new Error('realloc lost the start of the block')
    }
    const last = wordsOfBytes(held.bytes) - 1
    const whole = last >= 0 && bytes >= bytesOfWords(last + 1)
    if (whole && this.process.words[block + last] !== held.stamp) {
      throw new Error('realloc lost the end of the block')
    }
    this.#hold(heap, slot, bytes, block, 16)
  }
}
