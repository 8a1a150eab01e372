/**
 * Replays a text trace on the model, in one isolate, with what glibc does around malloc when
 * threads come and go (DESIGN.md section 6): the DTV of a new thread, the cache of four stacks.
 */
import { BLOCK_NULL, type Block, byteOfWord, wordAt } from '../../../lab/words/units.ts'
import { type ThreadHeap, TLS_WORDS } from '../../contract.ts'
import { libraryOf, tcmalloc } from '../design.ts'
import { TLS_MODULES } from '../startup.ts'
import { readStats, type TcmallocStats } from '../stats.ts'
import { TCMALLOC_TUNABLES, type TcmallocTunables } from '../tunables.ts'
import { MiniProcess } from './mini-process.ts'

const STACKS_CACHED = 4
const THREADS_MAX = 64
const SHADOW = 'two live blocks overlap'

const defaultTunables = (changes: Partial<TcmallocTunables> = {}): TcmallocTunables => {
  const entries = Object.entries(TCMALLOC_TUNABLES).map(([name, spec]) => [name, spec.default])
  return { ...(Object.fromEntries(entries) as unknown as TcmallocTunables), ...changes }
}

export interface Checkpoint {
  readonly stats: TcmallocStats
  /** FNV-1a over all placements so far, each in bytes from the end of the first 9 MiB of brk. */
  readonly placementHash: number
}

export class Replayer {
  readonly process: MiniProcess
  readonly tunables: TcmallocTunables
  readonly checkpoints: Checkpoint[] = []
  /** Live blocks by their number in the trace, with the bytes asked for. */
  readonly live = new Map<number, { block: Block; bytes: number }>()
  readonly #heaps = new Map<number, ThreadHeap>()
  readonly #dtvs = new Map<number, Block>()
  readonly #stackCache: Block[] = []
  readonly #origin: number
  #hash = 0x811c9dc5

  constructor(changes: Partial<TcmallocTunables> = {}, heapBytes = 2 ** 30) {
    const tlsBytes = THREADS_MAX * TLS_WORDS * 4
    this.tunables = defaultTunables(changes)
    this.process = new MiniProcess({ heapBytes, dataBytes: tcmalloc.dataBytes + tlsBytes })
    tcmalloc.boot(this.process, this.tunables)
    this.#origin = byteOfWord(this.process.currentBrk())
    this.#heaps.set(0, this.#attach(0))
  }

  heap(thread: number): ThreadHeap {
    let heap = this.#heaps.get(thread)
    if (heap === undefined) {
      const main = this.#heaps.get(0)!
      this.#dtvs.set(thread, this.#stackCache.pop() ?? main.calloc(16 + TLS_MODULES, 16))
      heap = this.#attach(thread)
      this.#heaps.set(thread, heap)
    }
    return heap
  }

  #attach(thread: number): ThreadHeap {
    const tls = wordAt(this.process.brkStart, -(thread + 1) * TLS_WORDS)
    this.process.words.fill(0, tls, tls + TLS_WORDS)
    return tcmalloc.attach(this.process, this.tunables, { thread, seat: thread, tls })
  }

  end(thread: number): void {
    this.#heaps.get(thread)!.exit()
    this.#heaps.delete(thread)
    this.#stackCache.push(this.#dtvs.get(thread)!)
    if (this.#stackCache.length > STACKS_CACHED) this.#heaps.get(0)!.free(this.#stackCache.shift()!)
  }

  line(text: string): void {
    if (text === 'k') {
      const stats = readStats(libraryOf(this.process, this.tunables))
      this.checkpoints.push({ stats, placementHash: this.#hash })
      return
    }
    const [thread = '', op = '', ...numbers] = text.split(' ')
    if (op === 'x') this.end(Number(thread))
    else this.#op(this.heap(Number(thread)), op, numbers.map(Number))
  }

  #op(heap: ThreadHeap, op: string, [a = 0, b = 0, c = 0]: number[]): void {
    const old = this.live.get(a)
    switch (op) {
      case 'm':
        this.#place(a, heap.malloc(b), b)
        break
      case 'c':
        this.#place(a, heap.calloc(b, c), b * c)
        break
      case 'a':
        this.#place(a, heap.memalign(b, c), c)
        break
      case 'r': {
        const moved = heap.realloc(old?.block ?? BLOCK_NULL, b)
        if (moved !== BLOCK_NULL || b === 0) this.#place(a, moved, b)
        break
      }
      case 'f':
        heap.free(old?.block ?? BLOCK_NULL)
        this.live.delete(a)
        break
      case 't':
        heap.trim(0)
        break
      default:
        throw new Error(`unknown op ${op}`)
    }
  }

  #place(number: number, block: Block, bytes: number): void {
    if (block === BLOCK_NULL) this.live.delete(number)
    else this.live.set(number, { block, bytes })
    const offset = block === BLOCK_NULL ? 0 : byteOfWord(block) - this.#origin
    for (const part of [offset & 0xffff, (offset >> 16) & 0xffff]) {
      this.#hash = Math.imul(this.#hash ^ part, 0x01000193) >>> 0
    }
  }

  /** Throws when two live blocks overlap: by what was asked for, at the least. */
  checkOverlap(): void {
    const blocks = [...this.live.values()].sort((x, y) => x.block - y.block)
    for (const [i, { block, bytes }] of blocks.entries()) {
      const next = blocks[i + 1]
      const end = byteOfWord(block) + Math.max(bytes, 1)
      if (next !== undefined && end > byteOfWord(next.block)) throw new Error(SHADOW)
    }
  }
}
