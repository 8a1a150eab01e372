/** Where a block lies, in terms that do not depend on address randomization (DESIGN 6). */
import {
  BLOCK_NULL,
  type Block,
  byteOfWord,
  PAGE_WORDS,
  type WordIndex,
} from '../../lab/words/units.ts'
import type { Arena } from './arena-layout.ts'
import { chunkOf } from './blocks.ts'
import { IS_MMAPPED, NON_MAIN_ARENA } from './chunk-layout.ts'
import { HEAP_NONE } from './heap-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { type Segment, segmentsOf } from './segments.ts'
import { StaticWord } from './static-layout.ts'

/** Offsets are bytes of the user pointer. */
export type Location =
  | { readonly kind: 'null' }
  /** From the brk heap's start. */
  | { readonly kind: 'main'; readonly offset: number }
  /** From the heap's start, `hops` steps of heap_info.prev above the arena's first heap. */
  | { readonly kind: 'heap'; readonly arena: Arena; readonly hops: number; readonly offset: number }
  /** In a mapping of its own: from its page's start. */
  | { readonly kind: 'mapped'; readonly offset: number }
  /** In the main arena's `region`-th (from 0) mapping in place of the break. */
  | { readonly kind: 'foreign'; readonly region: number; readonly offset: number }

const distance = (from: WordIndex, to: WordIndex): number => byteOfWord(to) - byteOfWord(from)

/** Follows the bits of the block's chunk and the heap_info it leads to, as the real one can be. */
export function locate(m: Ptmalloc, block: Block): Location {
  if (block === BLOCK_NULL) return { kind: 'null' }
  const head = m.head(chunkOf(block))
  if ((head & IS_MMAPPED) !== 0) {
    const page = (block - (block % PAGE_WORDS)) as WordIndex
    return { kind: 'mapped', offset: distance(page, block) }
  }
  if ((head & NON_MAIN_ARENA) !== 0) {
    const heap = m.heapForPtr(block)
    let hops = 0
    for (let h = m.heapPrev(heap); h !== HEAP_NONE; h = m.heapPrev(h)) hops++
    return { kind: 'heap', arena: m.heapArena(heap), hops, offset: distance(heap, block) }
  }
  const start = m.static(StaticWord.SBRK_BASE) as WordIndex
  if (block >= start && block < m.process.currentBrk()) {
    return { kind: 'main', offset: distance(start, block) }
  }
  const regions = segmentsOf(m).filter((segment) => segment.mapped)
  const region = regions.findIndex((s: Segment) => block >= s.start && block < s.end)
  const base = regions[region]?.start ?? start
  return { kind: 'foreign', region, offset: distance(base, block) }
}
