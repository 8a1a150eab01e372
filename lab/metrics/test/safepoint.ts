/** A safepoint for tests: one arena, everything zero but what is given. */
import type { HeapExtent, LockId } from '../../../allocators/contract.ts'
import type { Anatomy, SafepointSample } from '../types.ts'

export interface SafepointParts {
  readonly reason?: SafepointSample['reason']
  readonly label?: string
  readonly t?: number
  readonly rss?: number
  readonly live?: number
  readonly ops?: number
  readonly heaps?: readonly HeapExtent[]
  readonly anatomy?: Partial<Anatomy>
  readonly pinnedFree?: number
  readonly partial?: boolean
  readonly arenas?: number
}

const NO_ANATOMY: Anatomy = {
  live: 0,
  blockOverhead: 0,
  threadCaches: 0,
  pinnedFree: 0,
  freeTop: 0,
  freeInBins: 0,
  allocatorState: 0,
  other: 0,
  rss: 0,
}

export function safepointSample(parts: SafepointParts): SafepointSample {
  const { label = '', reason = 'phase', rss = 0, live = 0 } = parts
  const arena = {
    name: 'main arena',
    lock: 0 as LockId,
    attachedThreads: 1,
    systemBytes: 8192,
    inUseBytes: 0,
    freeBytes: 100,
    topBytes: 50,
    threadCacheBytes: 0,
    chunksInUse: 0,
    chunksFree: 0,
    heaps: parts.heaps ?? [],
    bins: [],
  }
  const count = parts.arenas ?? 1
  const found = { resident: 4096, live, pinnedFree: parts.pinnedFree ?? 0 }
  return {
    type: 'safepoint',
    t: parts.t ?? 0,
    reason,
    label,
    rss,
    vmSize: 2 * rss,
    live,
    minorFaults: 0,
    ops: parts.ops ?? 0,
    anatomy: { ...NO_ANATOMY, ...parts.anatomy, rss },
    heap: {
      design: 'fake',
      partial: parts.partial ?? false,
      arenas: new Array(count).fill(arena),
      mappedBlocks: 0,
      mappedBytes: 0,
      totals: {},
    },
    violations: [],
    arenas: new Array(count).fill(found),
    processBlocks: 0,
  }
}
