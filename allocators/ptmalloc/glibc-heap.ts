/**
 * malloc, free, realloc, memalign and calloc of glibc 2.36, as one thread calls them: the thread
 * cache first, then an arena and its lock. While the process has never had a second thread, the
 * main arena is used without locks (SINGLE_THREAD_P).
 */
import { BLOCK_NULL, type Block, bytesOfWords } from '../../lab/words/units.ts'
import type { ThreadHeap } from '../contract.ts'
import { arenaGet, arenaGetRetry, arenaThreadFreeres } from './arena.ts'
import { ARENA_NONE } from './arena-layout.ts'
import { blockOf, chunkOf, usableBytes } from './blocks.ts'
import { clearBlock, glibcDirtyTop } from './calloc.ts'
import {
  ALIGN_MASK,
  CHUNK_NONE,
  type Chunk,
  FIELD_WORDS,
  HEADER_WORDS,
  IS_MMAPPED,
  MIN_CHUNK_WORDS,
  sizeOfHead,
} from './chunk-layout.ts'
import { intFree } from './free.ts'
import { intMalloc } from './malloc.ts'
import { freeMapped, mremapChunk, munmapChunk } from './mapped.ts'
import { effectiveAlignment, intMemalign, MALLOC_ALIGNMENT_BYTES } from './memalign.ts'
import { copyWords } from './memory-ops.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { intRealloc } from './realloc.ts'
import { NB_REFUSED, PTRDIFF_END, requestToSize } from './size-class.ts'
import { tcacheGet, tcacheSlot } from './tcache.ts'
import { TCACHE_COUNT } from './tcache-layout.ts'
import { tcacheInit, tcacheThreadShutdown } from './tcache-life.ts'
import { detachThread } from './threads.ts'
import { mallocTrim } from './trim.ts'

/** MINSIZE in bytes. */
const MIN_CHUNK_BYTES = bytesOfWords(MIN_CHUNK_WORDS)

export class GlibcThreadHeap implements ThreadHeap {
  readonly m: Ptmalloc

  constructor(m: Ptmalloc) {
    this.m = m
  }

  malloc(bytes: number): Block {
    const { m } = this
    const nb = requestToSize(bytes)
    if (nb === NB_REFUSED) return BLOCK_NULL
    const slot = tcacheSlot(m, nb)
    if (slot !== 0 && m.words[slot + TCACHE_COUNT]! > 0) return tcacheGet(m, slot)
    return mallocFromArena(m, bytes)
  }

  free(block: Block): void {
    if (block === BLOCK_NULL) return
    const { m } = this
    const p = chunkOf(block)
    const head = m.head(p)
    if ((head & IS_MMAPPED) !== 0) {
      freeMapped(m, p)
      return
    }
    if (m.tcache === 0) tcacheInit(m)
    intFree(m, p, sizeOfHead(head))
  }

  calloc(count: number, bytes: number): Block {
    const total = count * bytes
    if (total >= PTRDIFF_END) return BLOCK_NULL
    const { m } = this
    if (m.tcache === 0) tcacheInit(m)
    const single = m.process.singleThreaded
    let av = single ? m.main : arenaGet(m, total)
    const oldTop = av === ARENA_NONE ? CHUNK_NONE : m.top(av)
    const dirtyWords = av === ARENA_NONE ? 0 : glibcDirtyTop(m, av)
    let p = intMalloc(m, av, total)
    if (!single) {
      if (p === CHUNK_NONE && av !== ARENA_NONE) {
        av = arenaGetRetry(m, av, total)
        p = intMalloc(m, av, total)
      }
      if (av !== ARENA_NONE) m.unlockArena(av)
    }
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
    const p = chunkOf(block)
    const head = m.head(p)
    const oldSize = sizeOfHead(head)
    const mapped = (head & IS_MMAPPED) !== 0
    if (!mapped && m.tcache === 0) tcacheInit(m)
    if ((p & ALIGN_MASK) !== 0 || p + oldSize > m.wordsEnd) m.abort('realloc(): invalid pointer')
    const nb = requestToSize(bytes)
    if (nb === NB_REFUSED) return BLOCK_NULL
    m.hugeBytes = bytes
    if (mapped) return this.#reallocMapped(block, p, oldSize, nb, bytes)

    const av = m.arenaForChunk(p)
    if (m.process.singleThreaded) return blockOf(intRealloc(m, av, p, oldSize, nb))
    m.lockArena(av)
    const q = intRealloc(m, av, p, oldSize, nb)
    m.unlockArena(av)
    return q === CHUNK_NONE ? this.#reallocElsewhere(block, p, bytes) : blockOf(q)
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

  /** The block's own arena had no memory: any other will do. */
  #reallocElsewhere(block: Block, p: Chunk, bytes: number): Block {
    const { m } = this
    const moved = this.malloc(bytes)
    if (moved === BLOCK_NULL) return BLOCK_NULL
    copyWords(m, moved, block, m.size(p) - FIELD_WORDS)
    intFree(m, p, m.size(p))
    return moved
  }

  memalign(alignment: number, bytes: number): Block {
    if (alignment <= MALLOC_ALIGNMENT_BYTES) return this.malloc(bytes)
    const { m } = this
    const power = effectiveAlignment(alignment)
    if (power === 0) return BLOCK_NULL
    if (m.process.singleThreaded) return blockOf(intMemalign(m, m.main, power, bytes))
    let av = arenaGet(m, bytes + power + MIN_CHUNK_BYTES)
    let p = intMemalign(m, av, power, bytes)
    if (p === CHUNK_NONE && av !== ARENA_NONE) {
      av = arenaGetRetry(m, av, bytes)
      p = intMemalign(m, av, power, bytes)
    }
    if (av !== ARENA_NONE) m.unlockArena(av)
    return blockOf(p)
  }

  /** musable: 0 for a block that is not in use. */
  usableSize(block: Block): number {
    return usableBytes(this.m, block)
  }

  trim(padBytes: number): boolean {
    return mallocTrim(this.m, padBytes)
  }

  /** The thread ends: its cache is freed first, since that may still need its arena. */
  exit(): void {
    const { m } = this
    tcacheThreadShutdown(m, this)
    arenaThreadFreeres(m)
    detachThread(m)
  }
}

/** What __libc_malloc does when the thread cache has no chunk; a cache made now is empty. */
function mallocFromArena(m: Ptmalloc, bytes: number): Block {
  if (m.tcache === 0) tcacheInit(m)
  if (m.process.singleThreaded) return blockOf(intMalloc(m, m.main, bytes))
  let av = arenaGet(m, bytes)
  let victim = intMalloc(m, av, bytes)
  if (victim === CHUNK_NONE && av !== ARENA_NONE) {
    av = arenaGetRetry(m, av, bytes)
    victim = intMalloc(m, av, bytes)
  }
  if (av !== ARENA_NONE) m.unlockArena(av)
  return blockOf(victim)
}
