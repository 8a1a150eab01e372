/**
 * Replays a trace (DESIGN 6) against a design in one isolate, and prints placements as the native
 * replayer does: what the fixtures with real placements are compared with.
 */

import type { Block } from '../../../lab/words/units.ts'
import { PAGE_WORDS, type WordIndex, wordsOfBytes } from '../../../lab/words/units.ts'
import type { Design, ThreadHeap } from '../../contract.ts'
import { IS_MMAPPED, sizeOfHead } from '../chunk-layout.ts'
import { locate } from '../locate.ts'
import { type Mallinfo2, mallinfo2 } from '../mallinfo.ts'
import type { Ptmalloc } from '../ptmalloc.ts'
import { arenasOf, heapsOf } from '../segments.ts'
import { TestProcess } from './test-process.ts'

/** Figures of a `k` line, in its order. */
const CHECKPOINT = [
  'arena',
  'ordblks',
  'smblks',
  'hblks',
  'hblkhd',
  'fsmblks',
  'uordblks',
  'fordblks',
  'keepcost',
] as const satisfies readonly (keyof Mallinfo2)[]
/** Stacks that stay in the stack cache when their threads end; each keeps its DTV. */
const CACHED_STACKS = 4
const TLS_START = 81920

/** PTRDIFF_MAX is no Number: the next one below stands for it, not the next one above. */
const PTRDIFF_MAX = '9223372036854775807'
const sizeOf = (text: string): number => (text === PTRDIFF_MAX ? 2 ** 63 - 1024 : Number(text))

/** What replay needs to know of a design, beside the design. */
export interface Replayed<T> {
  readonly design: Design<T>
  readonly open: (process: TestProcess, tunables: T) => Ptmalloc
}

export class Replay<T> {
  readonly process: TestProcess
  readonly lines: string[] = []
  readonly m: Ptmalloc
  readonly #design: Design<T>
  readonly #tunables: T
  readonly #heaps = new Map<number, ThreadHeap>()
  readonly #seats = new Map<number, number>()
  readonly #dtvs = new Map<number, Block>()
  readonly #cachedDtvs: Block[] = []
  readonly #freeSeats: number[] = []
  readonly #blocks = new Map<number, Block>()
  readonly #requested = new Map<number, number>()
  readonly #arenas: number[] = []
  #threads = 0

  constructor({ design, open }: Replayed<T>, tunables: T, bytes = 2 ** 31) {
    this.process = new TestProcess(bytes, design.dataBytes)
    this.#design = design
    this.#tunables = tunables
    design.boot(this.process, tunables)
    this.m = open(this.process, tunables)
    this.#attach(0)
  }

  /**
   * Carries out one line of a trace. With `mainBusy`, threads other than 0 find the main arena
   * locked when they allocate: the only way to other arenas in ptmalloc2 while threads take turns.
   */
  line(text: string, mainBusy = false): void {
    const busy = mainBusy && /^[1-9]\d* [mca] /.test(text)
    if (busy) this.m.lockArena(this.m.main)
    this.#line(text)
    if (busy) this.m.unlockArena(this.m.main)
  }

  #line(text: string): void {
    if (text === '' || text.startsWith('#')) return
    if (text.startsWith('k')) {
      this.#checkpoint()
      return
    }
    const [t, op, ...rest] = text.split(' ')
    const [a = 0, b = 0, c = 0] = rest.map(sizeOf)
    const thread = Number(t)
    const heap = this.#heaps.get(thread) ?? this.#start(thread)
    if (op === 'm') this.#placed(a, b, heap.malloc(b))
    else if (op === 'c') this.#placed(a, b * c, heap.calloc(b, c))
    else if (op === 'a') this.#placed(a, c, heap.memalign(b, c))
    else if (op === 'r') this.#realloc(heap, a, b)
    else if (op === 'f') this.#free(heap, a)
    else if (op === 'w') this.#write(a)
    else if (op === 't') heap.trim(a)
    else if (op === 'x') this.#exit(thread, heap)
    else throw new Error(`no op ${op}: ${text}`)
  }

  #attach(thread: number): ThreadHeap {
    const seat = this.#freeSeats.pop() ?? this.#seats.size
    const tls = (TLS_START + seat * 64) as WordIndex
    this.process.words.fill(0, tls, tls + 64)
    const info = { thread: this.#threads++, seat, tls }
    const heap = this.#design.attach(this.process, this.#tunables, info)
    this.#heaps.set(thread, heap)
    this.#seats.set(thread, seat)
    return heap
  }

  /** pthread_create by thread 0: the new thread's DTV, unless a cached stack still has one. */
  #start(thread: number): ThreadHeap {
    this.process.singleThreaded = false
    const dtv = this.#cachedDtvs.shift() ?? this.#heaps.get(0)!.calloc(17, 16)
    this.#dtvs.set(thread, dtv)
    return this.#attach(thread)
  }

  #exit(thread: number, heap: ThreadHeap): void {
    heap.exit()
    this.#heaps.delete(thread)
    this.#freeSeats.push(this.#seats.get(thread)!)
    this.#cachedDtvs.unshift(this.#dtvs.get(thread)!)
    while (this.#cachedDtvs.length > CACHED_STACKS) {
      this.#heaps.get(0)!.free(this.#cachedDtvs.pop()!)
    }
  }

  #placed(id: number, bytes: number, block: Block): void {
    if (block !== 0) {
      this.#blocks.set(id, block)
      this.#requested.set(id, bytes)
    }
    this.lines.push(this.#placement(block))
  }

  #realloc(heap: ThreadHeap, id: number, bytes: number): void {
    const block = heap.realloc(this.#blocks.get(id) ?? (0 as Block), bytes)
    if (bytes === 0) this.#blocks.delete(id)
    this.#placed(id, bytes, block)
  }

  #free(heap: ThreadHeap, id: number): void {
    heap.free(this.#blocks.get(id) ?? (0 as Block))
    this.#blocks.delete(id)
  }

  #write(id: number): void {
    const block = this.#blocks.get(id)
    const bytes = this.#requested.get(id) ?? 0
    if (block !== undefined) this.process.touchRange(block, wordsOfBytes(bytes))
  }

  #placement(block: Block): string {
    const at = locate(this.m, block)
    if (at.kind === 'null') return '0'
    if (at.kind === 'main') return `M ${at.offset}`
    if (at.kind === 'mapped') return `P ${at.offset}`
    if (at.kind === 'foreign') return `F${at.region} ${at.offset}`
    if (!this.#arenas.includes(at.arena)) this.#arenas.push(at.arena)
    return `H${this.#arenas.indexOf(at.arena)}.${at.hops} ${at.offset}`
  }

  #checkpoint(): void {
    // ptmalloc2's mallinfo tells of the main arena alone.
    const arenas = this.m.rules.name === 'ptmalloc2' ? [this.m.main] : arenasOf(this.m)
    const info = mallinfo2(this.m, arenas)
    const figures = CHECKPOINT.map((name) => info[name])
    this.lines.push(`k ${figures.join(' ')} # rss ${this.#incorePages() * 4096}`)
  }

  #incorePages(): number {
    const { process, m } = this
    const brk = Math.ceil((process.currentBrk() - process.brkStart) / PAGE_WORDS) * PAGE_WORDS
    let pages = process.incore(process.brkStart, brk)
    for (const av of this.#arenas) {
      for (const heap of heapsOf(m, av as never)) pages += process.incore(heap, m.heapMax)
    }
    for (const block of this.#blocks.values()) {
      const head = m.words[block - 2]!
      if ((head & IS_MMAPPED) === 0) continue
      const lead = m.words[block - 4]!
      pages += process.incore(block - 4 - lead, sizeOfHead(head) + lead)
    }
    return pages
  }
}
