/** The design `glibc`: malloc of glibc 2.36 (Debian 2.36-9+deb12u14) on x86-64. */
import type { Design, Process } from '../contract.ts'
import { GLIBC_ARENA_WORDS } from './arena-layout.ts'
import { boot } from './boot.ts'
import { check } from './check.ts'
import { FIELD_WORDS } from './chunk-layout.ts'
import { chunkLists } from './chunk-list.ts'
import { fitHeapMax } from './fit.ts'
import { intFreeLocked } from './free.ts'
import { GlibcThreadHeap } from './glibc-heap.ts'
import { GLIBC_HEAP_INFO_WORDS } from './heap-layout.ts'
import { glance, inspect } from './inspect.ts'
import { intMalloc } from './malloc.ts'
import { NO_THREAD, Ptmalloc } from './ptmalloc.ts'
import type { Rules } from './rules.ts'
import { GLIBC_MIN_LARGE, glibcBin } from './size-class.ts'
import { STATIC_BYTES } from './static-layout.ts'
import { attachThread } from './threads.ts'
import { glibcTrimmable } from './trim.ts'
import { type GlibcTunables, glibcSettings, glibcSpecs } from './tunables.ts'

const glibcRules: Rules = {
  name: 'glibc',
  arenaWords: GLIBC_ARENA_WORDS,
  heapInfoWords: GLIBC_HEAP_INFO_WORDS,
  minLarge: GLIBC_MIN_LARGE,
  binIndex: glibcBin,
  nextsizeFrom: GLIBC_MIN_LARGE,
  mappedExtraWords: FIELD_WORDS,
  intMalloc,
  intFreeLocked,
  trimmable: glibcTrimmable,
  heapTrimHasThreshold: true,
  alignedHeapArea: true,
  remapsShrunkHeaps: false,
  mapsWhenHeapFails: true,
  skipsEqualRemap: true,
}

/** The design's state, seen by no thread: for inspect, check, mallinfo2, malloc_info and locate. */
export const openGlibc = (process: Process, tunables: GlibcTunables): Ptmalloc =>
  new Ptmalloc(process, glibcSettings(tunables), glibcRules, NO_THREAD)

export const glibc: Design<GlibcTunables> = {
  name: 'glibc',
  summary: 'glibc 2.36: thread-attached arenas up to 8 × cores, thread caches, dynamic thresholds',
  tunables: glibcSpecs,
  dataBytes: STATIC_BYTES,
  boot: (process, tunables) => boot(process, glibcSettings(tunables), glibcRules),
  attach: (process, tunables, thread) =>
    new GlibcThreadHeap(attachThread(process, glibcSettings(tunables), glibcRules, thread)),
  fit: fitHeapMax,
  inspect: (process, tunables, visit) => inspect(openGlibc(process, tunables), visit),
  chunks: (process, tunables, most, tails) => chunkLists(openGlibc(process, tunables), most, tails),
  check: (process, tunables) => check(openGlibc(process, tunables)),
  glance: (process, tunables) => glance(openGlibc(process, tunables)),
}
