/** mallinfo2(3): free memory by where it lies (glibc malloc.c: int_mallinfo, __libc_mallinfo2). */
import { bytesOfWords } from '../../lab/words/units.ts'
import { type Arena, BINS, binAt, FASTBINS, fastbinAt } from './arena-layout.ts'
import { CHUNK_NONE, type Chunk } from './chunk-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { arenasOf } from './segments.ts'
import { StaticWord } from './static-layout.ts'

/** struct mallinfo2, under its real names; sizes in bytes. */
export interface Mallinfo2 {
  arena: number
  ordblks: number
  smblks: number
  hblks: number
  hblkhd: number
  usmblks: number
  fsmblks: number
  uordblks: number
  fordblks: number
  keepcost: number
}

/** Chunks and words of one list. */
export interface ListFigures {
  chunks: number
  words: number
}

/** A fastbin's chunks: bounded by what the arena could hold, should the list be a ring. */
export function fastbinFigures(m: Ptmalloc, av: Arena, index: number): ListFigures {
  const figures = { chunks: 0, words: 0 }
  const limit = m.systemMem(av)
  let p = m.words[fastbinAt(av, index)]! as Chunk
  for (; p !== CHUNK_NONE && figures.words <= limit; p = m.fd(p)) {
    figures.chunks++
    figures.words += m.size(p)
  }
  return figures
}

/** A bin's chunks, bounded likewise. */
export function binFigures(m: Ptmalloc, av: Arena, index: number): ListFigures {
  const figures = { chunks: 0, words: 0 }
  const limit = m.systemMem(av)
  const bin = binAt(av, index)
  for (let p = m.bk(bin); p !== bin && figures.words <= limit; p = m.bk(p)) {
    figures.chunks++
    figures.words += m.size(p)
  }
  return figures
}

/** Adds one arena's figures. */
function addArena(m: Ptmalloc, av: Arena, info: Mallinfo2): void {
  const top = m.size(m.top(av))
  let avail = top
  let chunks = 1
  for (let index = 0; index < FASTBINS; index++) {
    const fast = fastbinFigures(m, av, index)
    info.smblks += fast.chunks
    info.fsmblks += bytesOfWords(fast.words)
    avail += fast.words
  }
  for (let index = 1; index < BINS; index++) {
    const bin = binFigures(m, av, index)
    chunks += bin.chunks
    avail += bin.words
  }
  info.ordblks += chunks
  info.fordblks += bytesOfWords(avail)
  info.uordblks += bytesOfWords(m.systemMem(av) - avail)
  info.arena += bytesOfWords(m.systemMem(av))
}

/**
 * mallinfo2 over the arenas given; over all of them as glibc does. At a safepoint: takes no locks.
 */
export function mallinfo2(m: Ptmalloc, arenas: readonly Arena[] = arenasOf(m)): Mallinfo2 {
  const info: Mallinfo2 = {
    arena: 0,
    ordblks: 0,
    smblks: 0,
    hblks: m.static(StaticWord.N_MMAPS),
    hblkhd: bytesOfWords(m.static(StaticWord.MMAPPED_MEM)),
    usmblks: 0,
    fsmblks: 0,
    uordblks: 0,
    fordblks: 0,
    keepcost: bytesOfWords(m.size(m.top(m.main))),
  }
  for (const av of arenas) addArena(m, av, info)
  return info
}
