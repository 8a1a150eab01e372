/** The top chunk: what an arena cuts from when nothing else fits (both designs). */
import type { Arena } from './arena-layout.ts'
import { CHUNK_NONE, type Chunk, MIN_CHUNK_WORDS, PREV_INUSE } from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'

/** The low end of the top chunk, which always keeps MINSIZE for itself. */
export function takeTop(m: Ptmalloc, av: Arena, nb: number): Chunk {
  const victim = m.top(av)
  const size = m.size(victim)
  if (size > m.systemMem(av)) m.abort('malloc(): corrupted top size')
  if (size < nb + MIN_CHUNK_WORDS) return CHUNK_NONE
  splitTop(m, av, victim, size, nb)
  return victim
}

/** Cuts `nb` off the low end of the top chunk `victim`. */
export function splitTop(m: Ptmalloc, av: Arena, victim: Chunk, size: number, nb: number): void {
  const remainder = chunkAt(victim, nb)
  m.touchHeader(remainder)
  m.setTop(av, remainder)
  m.setHead(victim, nb, PREV_INUSE | m.arenaFlag(av))
  m.setHead(remainder, size - nb, PREV_INUSE)
}
