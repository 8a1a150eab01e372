/** Chunks as users know them: blocks (both designs). */
import { BLOCK_NULL, type Block, bytesOfWords } from '../../lab/words/units.ts'
import {
  CHUNK_NONE,
  type Chunk,
  FIELD_WORDS,
  HEADER_WORDS,
  IS_MMAPPED,
  sizeOfHead,
} from './chunk-layout.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'

/** chunk2mem: the block of a chunk; BLOCK_NULL for CHUNK_NONE. */
export const blockOf = (p: Chunk): Block =>
  p === CHUNK_NONE ? BLOCK_NULL : ((p + HEADER_WORDS) as Block)
/** mem2chunk: the chunk of a block that is not NULL. */
export const chunkOf = (block: Block): Chunk => ((block - HEADER_WORDS) | 0) as Chunk

/**
 * malloc_usable_size, in bytes (both designs). A chunk in use also has the next one's prev_size.
 */
export function usableBytes(m: Ptmalloc, block: Block): number {
  if (block === BLOCK_NULL) return 0
  const p = chunkOf(block)
  const head = m.head(p)
  const size = sizeOfHead(head)
  if ((head & IS_MMAPPED) !== 0) return bytesOfWords(size - HEADER_WORDS)
  if (!m.prevInuse(chunkAt(p, size))) return 0
  return bytesOfWords(size - FIELD_WORDS)
}
