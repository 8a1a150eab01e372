/** Where the two designs of this folder differ below their malloc and free. */
import type { Arena } from './arena-layout.ts'
import type { Chunk } from './chunk-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'

/** Fixed per design; read through `m.rules` on slow paths, copied into `Ptmalloc` for fast ones. */
export interface Rules {
  readonly name: 'glibc' | 'ptmalloc2'
  /** sizeof (struct malloc_state), in words. */
  readonly arenaWords: number
  /** sizeof (heap_info), in words. */
  readonly heapInfoWords: number
  /** MIN_LARGE_SIZE in words: smaller chunks are in small bins. */
  readonly minLarge: number
  /** bin_index: bin of a size in words. */
  readonly binIndex: (size: number) => number
  /** Chunks from this size on carry nextsize links; past every size where a design has none. */
  readonly nextsizeFrom: number
  /** Words a mapped chunk needs beyond nb, before rounding to pages. */
  readonly mappedExtraWords: number
  /** _int_malloc: the caller holds the arena's lock, or the process has one thread. */
  readonly intMalloc: (m: Ptmalloc, av: Arena, bytes: number) => Chunk
  /** _int_free of a chunk of an arena whose lock the caller holds. */
  readonly intFreeLocked: (m: Ptmalloc, av: Arena, p: Chunk) => void
  /** What systrim and heap_trim give back of a top, in bytes; may be negative (see systrim). */
  readonly trimmable: (topBytes: number, padBytes: number, pageBytes: number) => number
  /** heap_trim only shrinks a top of at least trim_threshold. */
  readonly heapTrimHasThreshold: boolean
  /** new_heap remembers where the next aligned heap fits (aligned_heap_area). */
  readonly alignedHeapArea: boolean
  /** shrink_heap maps the given-back part anew without access, instead of MADV_DONTNEED. */
  readonly remapsShrunkHeaps: boolean
  /** A non-main arena that gets no heap maps the chunk by itself. */
  readonly mapsWhenHeapFails: boolean
  /** mremap_chunk does nothing when the number of pages stays the same. */
  readonly skipsEqualRemap: boolean
}
