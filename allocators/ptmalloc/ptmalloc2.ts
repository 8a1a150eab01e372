/** The design `ptmalloc2`: Wolfram Gloger's standalone ptmalloc2 on x86-64. */
import type { Design, Process } from '../contract.ts'
import { PTMALLOC2_ARENA_WORDS } from './arena-layout.ts'
import { boot } from './boot.ts'
import { check } from './check.ts'
import { chunkLists } from './chunk-list.ts'
import { fitHeapMax } from './fit.ts'
import { PTMALLOC2_HEAP_INFO_WORDS } from './heap-layout.ts'
import { glance, inspect } from './inspect.ts'
import { NO_THREAD, Ptmalloc } from './ptmalloc.ts'
import { Ptmalloc2ThreadHeap } from './ptmalloc2-heap.ts'
import { ptmalloc2IntFree, ptmalloc2IntMalloc } from './ptmalloc2-malloc.ts'
import type { Rules } from './rules.ts'
import { WORDS_LIMIT } from './settings.ts'
import { PTMALLOC2_MIN_LARGE, ptmalloc2Bin } from './size-class.ts'
import { STATIC_BYTES } from './static-layout.ts'
import { attachThread } from './threads.ts'
import { ptmalloc2Trimmable } from './trim.ts'
import { type Ptmalloc2Tunables, ptmalloc2Settings, ptmalloc2Specs } from './tunables.ts'

const ptmalloc2Rules: Rules = {
  name: 'ptmalloc2',
  arenaWords: PTMALLOC2_ARENA_WORDS,
  heapInfoWords: PTMALLOC2_HEAP_INFO_WORDS,
  minLarge: PTMALLOC2_MIN_LARGE,
  binIndex: ptmalloc2Bin,
  nextsizeFrom: WORDS_LIMIT,
  // One field and MALLOC_ALIGN_MASK, which rounds like a whole granule.
  mappedExtraWords: 6,
  intMalloc: ptmalloc2IntMalloc,
  intFreeLocked: ptmalloc2IntFree,
  trimmable: ptmalloc2Trimmable,
  heapTrimHasThreshold: false,
  alignedHeapArea: false,
  remapsShrunkHeaps: true,
  mapsWhenHeapFails: false,
  skipsEqualRemap: false,
}

/** The design's state, seen by no thread: for inspect, check, mallinfo2, malloc_info and locate. */
export const openPtmalloc2 = (process: Process, tunables: Ptmalloc2Tunables): Ptmalloc =>
  new Ptmalloc(process, ptmalloc2Settings(tunables), ptmalloc2Rules, NO_THREAD)

export const ptmalloc2: Design<Ptmalloc2Tunables> = {
  name: 'ptmalloc2',
  summary: "Gloger's ptmalloc2: the next unlocked arena or a new one, no thread caches",
  tunables: ptmalloc2Specs,
  dataBytes: STATIC_BYTES,
  boot: (process, tunables) => boot(process, ptmalloc2Settings(tunables), ptmalloc2Rules),
  attach: (process, tunables, thread) =>
    new Ptmalloc2ThreadHeap(
      attachThread(process, ptmalloc2Settings(tunables), ptmalloc2Rules, thread),
    ),
  fit: fitHeapMax,
  inspect: (process, tunables, visit) => inspect(openPtmalloc2(process, tunables), visit),
  chunks: (process, tunables, most, tails) =>
    chunkLists(openPtmalloc2(process, tunables), most, tails),
  check: (process, tunables) => check(openPtmalloc2(process, tunables)),
  glance: (process, tunables) => glance(openPtmalloc2(process, tunables)),
}
