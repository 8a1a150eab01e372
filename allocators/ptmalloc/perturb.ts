/** M_PERTURB: fills blocks, as glibc does for tests that want to find uses of stale memory. */
import { type WordIndex, wordsOfBytes } from '../../lab/words/units.ts'
import { type Chunk, HEADER_WORDS } from './chunk-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'

/** The byte in all four bytes of a word. */
const wordOf = (byte: number): number => Math.imul(byte & 0xff, 0x01010101)

/** alloc_perturb: the requested bytes of a new block, with the byte's complement. */
export function allocPerturb(m: Ptmalloc, p: Chunk, bytes: number): void {
  const mem = (p + HEADER_WORDS) as WordIndex
  const count = wordsOfBytes(bytes)
  m.process.touchRange(mem, count)
  const value = wordOf(m.perturb ^ 0xff)
  for (let i = 0; i < count; i++) m.words[mem + i] = value
}

/** free_perturb: everything between a freed chunk's header and the chunk above. */
export function freePerturb(m: Ptmalloc, p: Chunk, size: number): void {
  const mem = (p + HEADER_WORDS) as WordIndex
  const count = size - HEADER_WORDS
  m.process.touchRange(mem, count)
  const value = wordOf(m.perturb)
  for (let i = 0; i < count; i++) m.words[mem + i] = value
}
