/** malloc, free, realloc, memalign and calloc of ptmalloc2, as one thread calls them. */
import { BLOCK_NULL, type Block, bytesOfWords } from '../../lab/words/units.ts'
import type { ThreadHeap } from '../contract.ts'
import { ARENA_NONE, type Arena } from './arena-layout.ts'
import { blockOf, chunkOf, usableBytes } from './blocks.ts'
import { clearBlock, ptmalloc2DirtyTop } from './calloc.ts'
import {
  CHUNK_NONE,
  type Chunk,
  ChunkWord,
  FIELD_WORDS,
  HEADER_WORDS,
  IS_MMAPPED,
  MIN_CHUNK_WORDS,
  sizeOfHead,
} from './chunk-layout.ts'
import { mallocConsolidate } from './consolidate.ts'
import { mremapChunk, munmapChunk } from './mapped.ts'
import { effectiveAlignment, intMemalign, MALLOC_ALIGNMENT_BYTES } from './memalign.ts'
import { copyWords } from './memory-ops.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { ptmalloc2ArenaGet, ptmalloc2ArenaGet2, setLastArena } from './ptmalloc2-arena.ts'
import { ptmalloc2IntFree, ptmalloc2IntMalloc } from './ptmalloc2-malloc.ts'
import { intRealloc } from './realloc.ts'
import { NB_REFUSED, ptmalloc2RequestToSize } from './size-class.ts'
import { detachThread } from './threads.ts'
import { systrim } from './trim.ts'

/** MINSIZE in bytes. */
const MIN_CHUNK_BYTES = bytesOfWords(MIN_CHUNK_WORDS)

export class Ptmalloc2ThreadHeap implements ThreadHeap {
  readonly m: Ptmalloc

  constructor(m: Ptmalloc) {
    this.m = m
  }

  malloc(bytes: number): Block {
    const { m } = this
    const av = ptmalloc2ArenaGet(m, bytes)
    if (av === ARENA_NONE) return BLOCK_NULL
    const victim = ptmalloc2IntMalloc(m, av, bytes)
    if (victim === CHUNK_NONE) return blockOf(this.#mallocElsewhere(av, bytes))
    m.unlockArena(av)
    return blockOf(victim)
  }

  /**
   * The arena `av`, locked, had no memory: the main arena may still move the break, and for the
   * main arena any other may still map.
   */
  #mallocElsewhere(av: Arena, bytes: number): Chunk {
    const { m } = this
    if (av !== m.main) {
      m.unlockArena(av)
      m.lockArena(m.main)
      const victim = ptmalloc2IntMalloc(m, m.main, bytes)
      m.unlockArena(m.main)
      return victim
    }
    const other = ptmalloc2ArenaGet2(m, m.main, bytes)
    m.unlockArena(m.main)
    if (other === ARENA_NONE) return CHUNK_NONE
    const victim = ptmalloc2IntMalloc(m, other, bytes)
    m.unlockArena(other)
    return victim
  }

  free(block: Block): void {
    if (block === BLOCK_NULL) return
    const { m } = this
    const p = chunkOf(block)
    if ((m.words[p + ChunkWord.SIZE]! & IS_MMAPPED) !== 0) {
      munmapChunk(m, p)
      return
    }
    const av = m.arenaForChunk(p)
    m.lockArena(av)
    ptmalloc2IntFree(m, av, p)
    m.unlockArena(av)
  }

  calloc(count: number, bytes: number): Block {
    const { m } = this
    const total = count * bytes
    const av = ptmalloc2ArenaGet(m, total)
    if (av === ARENA_NONE) return BLOCK_NULL
    const oldTop = m.top(av)
    const dirtyWords = ptmalloc2DirtyTop(m, av)
    let p = ptmalloc2IntMalloc(m, av, total)
    if (p === CHUNK_NONE) p = this.#mallocElsewhere(av, total)
    else m.unlockArena(av)
    if (p === CHUNK_NONE) return BLOCK_NULL
    clearBlock(m, p, total, p === oldTop ? dirtyWords : -1)
    return blockOf(p)
  }

  realloc(block: Block, bytes: number): Block {
    if (block === BLOCK_NULL) return this.malloc(bytes)
    if (bytes === 0) {
      this.free(block)
      return BLOCK_NULL
    }
    const { m } = this
    const nb = ptmalloc2RequestToSize(bytes)
    if (nb === NB_REFUSED) return BLOCK_NULL
    m.hugeBytes = bytes
    const p = chunkOf(block)
    const head = m.head(p)
    const oldSize = sizeOfHead(head)
    if ((head & IS_MMAPPED) !== 0) return this.#reallocMapped(block, p, oldSize, nb, bytes)

    const av = m.arenaForChunk(p)
    m.lockArena(av)
    // As malloc does: the next allocation tries this arena first.
    setLastArena(m, av)
    const q = intRealloc(m, av, p, oldSize, nb)
    m.unlockArena(av)
    return blockOf(q)
  }

  #reallocMapped(block: Block, p: Chunk, oldSize: number, nb: number, bytes: number): Block {
    const { m } = this
    const q = mremapChunk(m, p, nb)
    if (q !== CHUNK_NONE) return blockOf(q)
    if (oldSize - FIELD_WORDS >= nb) return block
    const moved = this.malloc(bytes)
    if (moved === BLOCK_NULL) return BLOCK_NULL
    copyWords(m, moved, block, oldSize - HEADER_WORDS)
    munmapChunk(m, p)
    return moved
  }

  memalign(alignment: number, bytes: number): Block {
    if (alignment <= MALLOC_ALIGNMENT_BYTES) return this.malloc(bytes)
    const { m } = this
    const power = effectiveAlignment(alignment)
    if (power === 0) return BLOCK_NULL
    const hint = bytes + Math.max(alignment, MIN_CHUNK_BYTES) + MIN_CHUNK_BYTES
    const av = ptmalloc2ArenaGet(m, hint)
    if (av === ARENA_NONE) return BLOCK_NULL
    const p = intMemalign(m, av, power, bytes)
    m.unlockArena(av)
    if (p !== CHUNK_NONE) return blockOf(p)
    const other = av === m.main ? ptmalloc2ArenaGet2(m, av, bytes) : m.main
    if (other === ARENA_NONE) return BLOCK_NULL
    if (av !== m.main) m.lockArena(other)
    const q = intMemalign(m, other, power, bytes)
    m.unlockArena(other)
    return blockOf(q)
  }

  usableSize(block: Block): number {
    return usableBytes(this.m, block)
  }

  /** Only the main arena's top is ever given back on request. */
  trim(padBytes: number): boolean {
    const { m } = this
    m.lockArena(m.main)
    mallocConsolidate(m, m.main)
    const released = systrim(m, m.main, padBytes)
    m.unlockArena(m.main)
    return released
  }

  /** An ended thread leaves nothing behind but its arena, which others may use as before. */
  exit(): void {
    detachThread(this.m)
  }
}
