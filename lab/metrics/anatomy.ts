/**
 * RSS by cause. A design's `inspect` says of every stretch of its memory what it is; the page table
 * says which of it is resident; the lab's cells say which of it the workload asked for. Put
 * together at a safepoint, the parts add up to RSS exactly:
 *
 *   rss = live + blockOverhead + threadCaches + pinnedFree + freeTop + freeInBins
 *       + allocatorState + other
 *
 * `other` is what no design accounts for: thread stacks, thread-local storage, and blocks that the
 * process itself holds (the thread vectors that starting a thread allocates).
 */
import { RegionKind, type RegionVisitor } from '../../allocators/contract.ts'
import { bytesOfWords, type WordIndex } from '../words/units.ts'
import { type BlockIndex, NOT_HELD } from './block-index.ts'
import type { Residency } from './residency.ts'
import type { Anatomy, ArenaAnatomy } from './types.ts'

/** The arena of regions that belong to none. */
const NO_ARENA = -1
const NOWHERE = -1 as WordIndex

interface ArenaTally {
  resident: number
  live: number
  /** Blocks in use, whoever holds them. */
  blocks: number
  /** Free whole pages with a live block above them in their heap. */
  below: number
  /** Other free whole pages of heaps that do not end in the top: older heaps of a chain. */
  older: number
  hasTop: boolean
}

/**
 * Memory goes back from the top only, heap by heap. So what is free in an older heap of the arena
 * is kept by any block in use, and what is free in the newest one by a block above it. An arena
 * without a top belongs to a design that can give any page back: there nothing is pinned.
 */
function pinnedOf({ hasTop, blocks, below, older }: ArenaTally): number {
  if (!hasTop) return 0
  return blocks > 0 ? below + older : below
}

/** Sums of one safepoint. Give its `visit` to `inspect`, then ask for the `result`. */
export class AnatomyTally {
  readonly #residency: Residency
  readonly #blocks: BlockIndex
  readonly #arenas: ArenaTally[] = []
  readonly #shared: ArenaTally = newTally()
  #live = 0
  #blockOverhead = 0
  #threadCaches = 0
  #free = 0
  #freeTop = 0
  #allocatorState = 0
  #processBlocks = 0
  #blocksFound = 0

  // The heap being walked: where its last region ended, and the free run under way.
  #arena = NO_ARENA
  #end: WordIndex = NOWHERE
  #freeStart: WordIndex = NOWHERE
  /** Resident free whole pages of this heap that no live block has been met above yet. */
  #pending = 0
  #inTopHeap = false

  constructor(residency: Residency, blocks: BlockIndex) {
    this.#residency = residency
    this.#blocks = blocks
  }

  /** Blocks of the lab that the walk met. */
  get blocksFound(): number {
    return this.#blocksFound
  }

  /** One region, in address order within a heap. */
  readonly visit: RegionVisitor = (start, words, kind, arena) => {
    if (kind === RegionKind.RESERVE || words <= 0) {
      this.#leaveHeap()
      return
    }
    if (arena !== this.#arena || start !== this.#end) this.#enterHeap(arena)
    const resident = this.#residency.bytes(start, words)
    const tally = this.#tally(arena)
    tally.resident += resident
    this.#trackFreeRun(start, kind)
    this.#end = (start + words) as WordIndex
    switch (kind) {
      case RegionKind.USABLE:
        this.#usable(start, words, resident, tally)
        break
      case RegionKind.OVERHEAD:
        this.#blockOverhead += resident
        break
      case RegionKind.THREAD_CACHE:
        this.#threadCaches += resident
        break
      case RegionKind.FREE:
        this.#free += resident
        break
      case RegionKind.TOP:
        this.#freeTop += resident
        tally.hasTop = true
        this.#inTopHeap = true
        break
      default:
        this.#allocatorState += resident
    }
  }

  /** `rss` as the address space counts it, at the same safepoint. */
  result(rss: number): { anatomy: Anatomy; arenas: ArenaAnatomy[] } {
    this.#leaveHeap()
    const pinnedFree = this.#arenas.reduce((sum, tally) => sum + pinnedOf(tally), 0)
    const accounted =
      this.#live +
      this.#blockOverhead +
      this.#threadCaches +
      this.#free +
      this.#freeTop +
      this.#allocatorState
    const anatomy = {
      live: this.#live,
      blockOverhead: this.#blockOverhead,
      threadCaches: this.#threadCaches,
      pinnedFree,
      freeTop: this.#freeTop,
      freeInBins: this.#free - pinnedFree,
      allocatorState: this.#allocatorState,
      other: rss - accounted,
      rss,
    }
    const arenas = this.#arenas.map((tally) => ({
      resident: tally.resident,
      live: tally.live,
      pinnedFree: pinnedOf(tally),
    }))
    return { anatomy, arenas }
  }

  /** Of `other`, what lies in blocks that the process holds and no cell names. */
  get processBlocks(): number {
    return this.#processBlocks
  }

  /** The requested part of a block lies at its start; the rest is what it was rounded up by. */
  #usable(start: WordIndex, words: number, resident: number, tally: ArenaTally): void {
    this.#meetBlock(tally)
    const requested = this.#blocks.requested(start)
    if (requested === NOT_HELD) {
      this.#processBlocks += resident
      return
    }
    this.#blocksFound++
    const live = this.#residentPrefix(start, words, resident, requested)
    this.#live += live
    this.#blockOverhead += resident - live
    tally.live += live
  }

  /** Resident bytes of the first `requested` bytes of a block. */
  #residentPrefix(start: WordIndex, words: number, resident: number, requested: number): number {
    const bytes = bytesOfWords(words)
    if (requested >= bytes) return resident
    if (resident === bytes) return requested
    const wholeWords = Math.floor(requested / bytesOfWords(1))
    const rest = requested - bytesOfWords(wholeWords)
    const last = (start + wholeWords) as WordIndex
    // The last word's bytes share its page, so they are resident together.
    const lastResident = rest > 0 && this.#residency.bytes(last, 1) > 0
    return this.#residency.bytes(start, wholeWords) + (lastResident ? rest : 0)
  }

  /** Follows runs of neighbouring free regions, so that pages they share count as whole. */
  #trackFreeRun(start: WordIndex, kind: RegionKind): void {
    if (kind === RegionKind.FREE) {
      if (this.#freeStart === NOWHERE) this.#freeStart = start
    } else {
      this.#endFreeRun(start)
    }
  }

  #endFreeRun(end: WordIndex): void {
    if (this.#freeStart === NOWHERE) return
    this.#pending += this.#residency.wholePageBytes(this.#freeStart, end - this.#freeStart)
    this.#freeStart = NOWHERE
  }

  /** A block in use: what is free below it in its heap cannot go back from the top. */
  #meetBlock(tally: ArenaTally): void {
    tally.blocks++
    tally.below += this.#pending
    this.#pending = 0
  }

  #enterHeap(arena: number): void {
    this.#leaveHeap()
    this.#arena = arena
  }

  #leaveHeap(): void {
    if (this.#end !== NOWHERE) this.#endFreeRun(this.#end)
    if (!this.#inTopHeap) this.#tally(this.#arena).older += this.#pending
    this.#pending = 0
    this.#inTopHeap = false
    this.#end = NOWHERE
  }

  #tally(arena: number): ArenaTally {
    if (arena < 0) return this.#shared
    while (this.#arenas.length <= arena) this.#arenas.push(newTally())
    return this.#arenas[arena]!
  }
}

function newTally(): ArenaTally {
  return { resident: 0, live: 0, blocks: 0, below: 0, older: 0, hasTop: false }
}
