/**
 * Reads a modelled ptmalloc heap as the native replayer reads the real one (glibc-heap.c): chunk
 * headers and heap_info, from outside, between ops.
 */
import { ARENA_NONE, type Arena } from '../../../allocators/ptmalloc/arena-layout.ts'
import { binsDump } from '../../../allocators/ptmalloc/bins-dump.ts'
import {
  ALIGN_WORDS,
  type Chunk,
  HEADER_WORDS,
  IS_MMAPPED,
  MIN_CHUNK_WORDS,
  NON_MAIN_ARENA,
} from '../../../allocators/ptmalloc/chunk-layout.ts'
import { HEAP_NONE, type HeapInfo } from '../../../allocators/ptmalloc/heap-layout.ts'
import { type Mallinfo2, mallinfo2 } from '../../../allocators/ptmalloc/mallinfo.ts'
import { mallocInfoXml } from '../../../allocators/ptmalloc/malloc-info.ts'
import type { Ptmalloc } from '../../../allocators/ptmalloc/ptmalloc.ts'
import { StaticWord, TlsWord } from '../../../allocators/ptmalloc/static-layout.ts'
import { TCACHE_COUNT, TCACHE_ENTRIES } from '../../../allocators/ptmalloc/tcache-layout.ts'
import type { AddressSpace } from '../../memory/address-space.ts'
import {
  BLOCK_NULL,
  type Block,
  byteOfWord,
  bytesOfPages,
  bytesOfWords,
  MIB,
  PAGE_BYTES,
  PAGE_WORDS,
  WORD_NULL,
  type WordIndex,
  wordAt,
} from '../../words/units.ts'
import {
  CHECK_FIGURES,
  PLACED_SHIFT,
  Placed,
  STATE_HASH_PRIME,
  STATE_HASH_START,
  STATE_TAG_ARENA,
  STATE_TAG_BRK,
} from '../placements.ts'
import type { HeapProbe } from './heap-probe.ts'

const HOPS_BITS = 12
const PAGE_WORD_MASK = PAGE_WORDS - 1
const FLAGS = 7
/** What the hash and the dump show of a chunk's flags: PREV_INUSE and NON_MAIN_ARENA. */
const SHOWN_FLAGS = 5
const TWO_32 = 2 ** 32
/** How many of CHECK_FIGURES are mallinfo2's. */
const MALLINFO_FIGURES = 9
/** Largest alignments whose outcome does not depend on address randomization (DESIGN 6). */
const CERTAIN_WHEN_MAPPED = PAGE_BYTES
const CERTAIN_IN_BRK = MIB
const CERTAIN_IN_HEAP = 32 * MIB
/** Fails wherever memory lies. */
const NEVER_GRANTED = 2 ** 48
/** What _int_memalign asks for beyond alignment and request: MINSIZE, and rounding. */
const ALIGNMENT_EXTRA = 64
const Figure = Object.fromEntries(CHECK_FIGURES.map((name, i) => [name, i])) as Readonly<
  Record<(typeof CHECK_FIGURES)[number], number>
>

type TakeWords = (first: number, second: number) => void

/** Main-arena memory that brk could not give: words [start, end). */
interface Foreign {
  readonly start: number
  readonly end: number
}

export class PtmallocProbe implements HeapProbe {
  readonly ownFigures = 0
  readonly #m: Ptmalloc
  readonly #space: AddressSpace
  readonly #brkStart: WordIndex
  /** In the order of their first appearance in a placement. */
  readonly #arenas: Arena[] = []
  readonly #foreigns: Foreign[] = []
  #lastArena = 0

  constructor(m: Ptmalloc, space: AddressSpace) {
    this.#m = m
    this.#space = space
    this.#brkStart = space.brkStart()
  }

  place(block: Block, out: Int32Array, at: number): void {
    if (block === BLOCK_NULL) {
      out[at] = Placed.NULL
      out[at + 1] = 0
      return
    }
    const m = this.#m
    const chunk = (block - HEADER_WORDS) as Chunk
    const head = m.head(chunk)
    if ((head & IS_MMAPPED) !== 0) {
      out[at] = Placed.MAPPED << PLACED_SHIFT
      out[at + 1] = bytesOfWords(block & PAGE_WORD_MASK)
    } else if ((head & NON_MAIN_ARENA) !== 0) {
      const heap = m.heapForPtr(block)
      const arena = this.#arenaNumber(m.heapArena(heap))
      out[at] = (Placed.ARENA << PLACED_SHIFT) | (arena << HOPS_BITS) | this.#hops(heap)
      out[at + 1] = bytesOfWords(block - heap)
    } else if (block >= this.#brkStart && block < this.#space.currentBrk()) {
      const offset = bytesOfWords(block - this.#brkStart)
      out[at] = (Placed.BRK << PLACED_SHIFT) | (offset < TWO_32 ? 0 : Math.floor(offset / TWO_32))
      out[at + 1] = offset
    } else {
      this.#placeForeign(block, chunk, out, at)
    }
  }

  checkpoint(figures: Float64Array, blocks: Int32Array): void {
    const info = mallinfo2(this.#m)
    for (let i = 0; i < MALLINFO_FIGURES; i++)
      figures[i] = info[CHECK_FIGURES[i] as keyof Mallinfo2]
    let pages = this.#space.incorePages(this.#brkStart, this.#space.currentBrk() - this.#brkStart)
    for (const arena of this.#arenas) {
      for (const heap of this.#chain(arena)) {
        pages += this.#space.incorePages(heap, this.#m.heapMax)
      }
    }
    for (let slot = 0; slot < blocks.length; slot++) {
      if (blocks[slot] !== BLOCK_NULL) pages += this.#mappedPages(blocks[slot]! as Block)
    }
    figures[Figure.rss] = bytesOfPages(pages)
    figures[Figure.stateHash] = this.#stateHash()
    const { rssBytes, vmSizeBytes, minorFaults } = this.#space.figures()
    figures[Figure.vmSize] = vmSizeBytes
    figures[Figure.minorFaults] = minorFaults
    figures[Figure.processRss] = rssBytes
  }

  isUncertain(alignment: number, bytes: number, tls: WordIndex): boolean {
    if (alignment <= CERTAIN_WHEN_MAPPED || alignment + bytes >= NEVER_GRANTED) return false
    const threshold = bytesOfWords(this.#m.static(StaticWord.MMAP_THRESHOLD))
    const asked = bytes + alignment + ALIGNMENT_EXTRA
    if (asked >= threshold) return true
    if (alignment <= CERTAIN_IN_BRK) return false
    return alignment > CERTAIN_IN_HEAP || asked > this.#roomInArena(tls)
  }

  /**
   * Bytes by which the top of the thread's arena can reach within its heap; 0 for the main arena,
   * and for a thread that has no arena yet. Beyond, a next heap may be trimmed away before its
   * first use, and the main arena asked instead (sysmalloc, heap_trim, arena_get_retry).
   */
  #roomInArena(tls: WordIndex): number {
    const m = this.#m
    const arena = m.words[tls + TlsWord.THREAD_ARENA]! as Arena
    if (arena === ARENA_NONE || arena === m.main) return 0
    const top = m.top(arena)
    return bytesOfWords(m.heapForPtr(top) + m.heapMax - top)
  }

  dump(): Int32Array {
    const pairs: number[] = []
    this.#walkAll((first, second) => pairs.push(first, second))
    return Int32Array.from(pairs)
  }

  describe(placement: string, tls: WordIndex): string[] {
    const number = /^H(\d+)/.exec(placement)?.[1]
    const arena = number === undefined ? this.#m.main : this.#arenas[Number(number)]
    if (arena === undefined) return []
    const start = arena === this.#m.main ? this.#brkStart : this.#m.heapForPtr(this.#m.top(arena))
    const where = `its ${arena === this.#m.main ? 'heap' : 'newest heap'} starts at`
    const lines = binsDump(this.#m, arena).trimEnd().split('\n')
    return [`${where} 0x${byteOfWord(start).toString(16)}`, ...lines, ...this.#cacheLine(tls)]
  }

  mallocInfo(): string {
    return mallocInfoXml(this.#m)
  }

  // ── placements ─────────────────────────────────────────────────────────────────────────────

  #arenaNumber(arena: Arena): number {
    if (this.#arenas[this.#lastArena] === arena) return this.#lastArena
    const known = this.#arenas.indexOf(arena)
    this.#lastArena = known >= 0 ? known : this.#arenas.push(arena) - 1
    return this.#lastArena
  }

  #hops(heap: HeapInfo): number {
    let hops = 0
    for (let at = this.#m.heapPrev(heap); at !== HEAP_NONE; at = this.#m.heapPrev(at)) hops++
    return hops
  }

  /** The first block of a new region is carved from its start; the new top reaches to its end. */
  #placeForeign(block: Block, chunk: Chunk, out: Int32Array, at: number): void {
    let region = this.#foreigns.findIndex(({ start, end }) => chunk >= start && chunk < end)
    if (region < 0) {
      const top = (chunk + this.#m.size(chunk)) as Chunk
      const start = chunk - (chunk & PAGE_WORD_MASK)
      region = this.#foreigns.push({ start, end: top + this.#m.size(top) }) - 1
    }
    out[at] = (Placed.FOREIGN << PLACED_SHIFT) | region
    out[at + 1] = bytesOfWords(block - this.#foreigns[region]!.start)
  }

  /** Chunks in a thread's cache, by chunk size: `32×7 48×1`. */
  #cacheLine(tls: WordIndex): string[] {
    const { words, tcacheBins } = this.#m
    const tcache = words[tls + TlsWord.TCACHE]!
    if (tcache === WORD_NULL) return []
    const counts: string[] = []
    for (let i = 0; i < tcacheBins; i++) {
      const count = words[tcache + TCACHE_ENTRIES + 2 * i + TCACHE_COUNT]!
      if (count > 0) counts.push(`${bytesOfWords(MIN_CHUNK_WORDS + ALIGN_WORDS * i)}×${count}`)
    }
    return counts.length > 0 ? [`tcache: ${counts.join(' ')}`] : []
  }

  // ── checkpoints ────────────────────────────────────────────────────────────────────────────

  /** Incore pages of a live block's own mapping, alignment lead included; 0 for other blocks. */
  #mappedPages(block: Block): number {
    const chunk = (block - HEADER_WORDS) as Chunk
    if ((this.#m.head(chunk) & IS_MMAPPED) === 0) return 0
    const lead = this.#m.prevSize(chunk)
    return this.#space.incorePages(wordAt(chunk, -lead), lead + this.#m.size(chunk))
  }

  /** Heaps of an arena, oldest first. Its top lies in the newest. */
  #chain(arena: Arena): HeapInfo[] {
    const chain: HeapInfo[] = []
    let heap = this.#m.heapForPtr(this.#m.top(arena))
    for (; heap !== HEAP_NONE; heap = this.#m.heapPrev(heap)) chain.push(heap)
    return chain.reverse()
  }

  /** FNV-1a over the words of `#walkAll`. */
  #stateHash(): number {
    let hash = STATE_HASH_START
    this.#walkAll((first, second) => {
      hash = Math.imul(hash ^ first, STATE_HASH_PRIME)
      hash = Math.imul(hash ^ second, STATE_HASH_PRIME)
    })
    return hash >>> 0
  }

  #walkAll(take: TakeWords): void {
    const { rules } = this.#m
    take(STATE_TAG_BRK, 0)
    this.#walk(this.#brkStart, this.#brkStart, this.#space.currentBrk(), take)
    this.#arenas.forEach((arena, number) => {
      this.#chain(arena).forEach((heap, hop) => {
        take(STATE_TAG_ARENA | (number << HOPS_BITS) | hop, 0)
        const after = rules.heapInfoWords + (hop === 0 ? rules.arenaWords : 0)
        // Chunks stand at multiples of 16 bytes, four words.
        const first = (heap + Math.ceil(after / HEADER_WORDS) * HEADER_WORDS) as WordIndex
        this.#walk(heap, first, heap + this.#m.heapSize(heap), take)
      })
    })
  }

  #walk(base: WordIndex, first: WordIndex, end: number, take: TakeWords): void {
    let chunk = first as Chunk
    while (chunk < end) {
      const head = this.#m.head(chunk)
      const size = this.#m.size(chunk)
      // The real size field: bytes, with the low bits as flags.
      take(
        byteOfWord((chunk - base) as WordIndex),
        (head - (head & FLAGS)) * 2 + (head & SHOWN_FLAGS),
      )
      // Size 0 is the fencepost at the end of a heap that the arena has grown out of.
      if (size === 0) return
      chunk = (chunk + size) as Chunk
    }
  }
}
