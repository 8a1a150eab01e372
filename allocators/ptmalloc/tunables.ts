/** The tunables of both designs, under their real names. */
import type { TunableSpec, TunableSpecs } from '../tunables.ts'
import { HEAP_MAX_BYTES } from './heap-layout.ts'
import { type Settings, thresholdWords } from './settings.ts'
import { requestToSize, tcacheIndex } from './size-class.ts'
import { TCACHE_BINS_MAX } from './tcache-layout.ts'

/**
 * Default of the four tunables that switch the dynamic mmap threshold off when they are set, be it
 * to their default value: not set. Not -1, which mallopt(3) takes for the largest size.
 */
const NOT_SET = -2

const SIZE_MAX = Number.MAX_SAFE_INTEGER
const MMAP_THRESHOLD_DEFAULT = 128 * 1024
const TRIM_THRESHOLD_DEFAULT = 128 * 1024
const MMAP_MAX_DEFAULT = 65536
const GLIBC_TOP_PAD_DEFAULT = 128 * 1024
const GLIBC_MXFAST_DEFAULT = 128
const GLIBC_MXFAST_MAX = 160
/** MAX_TCACHE_SIZE: the largest request of tcache bin 63. */
const TCACHE_MAX_DEFAULT = 1032
const ARENA_TEST_DEFAULT = 8
const INT_MAX = 0x7fffffff

/** Tunables of `glibc`; the names users know are the specs' aliases. */
export interface GlibcTunables {
  readonly arena_max: number
  readonly arena_test: number
  readonly mmap_threshold: number
  readonly mmap_max: number
  readonly trim_threshold: number
  readonly top_pad: number
  readonly mxfast: number
  readonly perturb: number
  readonly tcache_count: number
  readonly tcache_max: number
  readonly tcache_unsorted_limit: number
  readonly check: number
  readonly hugetlb: number
  readonly heap_max: number
}

export interface Ptmalloc2Tunables {
  readonly mmap_threshold: number
  readonly mmap_max: number
  readonly trim_threshold: number
  readonly top_pad: number
  readonly mxfast: number
  readonly check: number
  readonly heap_max: number
  readonly tsd_data_hack: number
}

const heapMax: TunableSpec = {
  kind: 'bytes',
  default: HEAP_MAX_BYTES,
  min: 1024 * 1024,
  max: HEAP_MAX_BYTES,
  aliases: ['HEAP_MAX_SIZE'],
  meaning:
    'Address space of one heap of a non-main arena: a power of two, fixed when libc is built.',
}

const unlessSet = (
  kind: 'bytes' | 'count',
  max: number,
  aliases: readonly string[],
  meaning: string,
): TunableSpec => ({ kind, default: NOT_SET, min: NOT_SET, max, aliases, meaning })

export const glibcSpecs: TunableSpecs<GlibcTunables> = {
  arena_max: {
    kind: 'count',
    default: 0,
    min: 0,
    max: INT_MAX,
    aliases: ['MALLOC_ARENA_MAX', 'glibc.malloc.arena_max', 'M_ARENA_MAX'],
    meaning: 'Most arenas; 0: 8 × cores, once more than arena_test exist.',
  },
  arena_test: {
    kind: 'count',
    default: ARENA_TEST_DEFAULT,
    min: 1,
    max: INT_MAX,
    aliases: ['MALLOC_ARENA_TEST', 'glibc.malloc.arena_test', 'M_ARENA_TEST'],
    meaning: 'Arenas that may be made before the limit of 8 × cores is worked out.',
  },
  mmap_threshold: unlessSet(
    'bytes',
    SIZE_MAX,
    ['MALLOC_MMAP_THRESHOLD_', 'glibc.malloc.mmap_threshold', 'M_MMAP_THRESHOLD'],
    'Requests from this size on are mapped by themselves; -2, not set: 128 KiB, rising with frees.',
  ),
  mmap_max: unlessSet(
    'count',
    INT_MAX,
    ['MALLOC_MMAP_MAX_', 'glibc.malloc.mmap_max', 'M_MMAP_MAX'],
    'Most mapped blocks at once, 0 for none; -2, not set: 65536.',
  ),
  trim_threshold: unlessSet(
    'bytes',
    SIZE_MAX,
    ['MALLOC_TRIM_THRESHOLD_', 'glibc.malloc.trim_threshold', 'M_TRIM_THRESHOLD'],
    'A top this large is given back, -1: never; -2, not set: 128 KiB, rising with mmap_threshold.',
  ),
  top_pad: unlessSet(
    'bytes',
    SIZE_MAX,
    ['MALLOC_TOP_PAD_', 'glibc.malloc.top_pad', 'M_TOP_PAD'],
    'What is asked from the system beyond need, and kept at a trim; -2, not set: 128 KiB.',
  ),
  mxfast: {
    kind: 'bytes',
    default: GLIBC_MXFAST_DEFAULT,
    min: 0,
    max: GLIBC_MXFAST_MAX,
    aliases: ['glibc.malloc.mxfast', 'M_MXFAST'],
    meaning: 'Largest request whose freed chunk goes to a fastbin; 0: none.',
  },
  perturb: {
    kind: 'count',
    default: 0,
    min: 0,
    max: 255,
    aliases: ['MALLOC_PERTURB_', 'glibc.malloc.perturb', 'M_PERTURB'],
    meaning: 'Byte that freed blocks are filled with, new ones with its complement; 0: nothing.',
  },
  tcache_count: {
    kind: 'count',
    default: 7,
    min: 0,
    max: 65535,
    aliases: ['glibc.malloc.tcache_count'],
    meaning: 'Chunks of one size a thread may cache; 0: no thread cache.',
  },
  tcache_max: {
    kind: 'bytes',
    default: TCACHE_MAX_DEFAULT,
    min: 0,
    max: TCACHE_MAX_DEFAULT,
    aliases: ['glibc.malloc.tcache_max'],
    meaning: 'Largest request whose freed chunk a thread caches.',
  },
  tcache_unsorted_limit: {
    kind: 'count',
    default: 0,
    min: 0,
    max: INT_MAX,
    aliases: ['glibc.malloc.tcache_unsorted_limit'],
    meaning: 'Chunks sorted into bins while the cache is being filled; 0: no limit.',
  },
  check: {
    kind: 'count',
    default: 0,
    min: 0,
    max: 3,
    aliases: ['MALLOC_CHECK_', 'glibc.malloc.check', 'M_CHECK_ACTION'],
    meaning: 'Accepted and without effect, as in libc 2.36 itself (libc_malloc_debug.so uses it).',
  },
  hugetlb: {
    kind: 'count',
    default: 0,
    min: 0,
    max: 0,
    aliases: ['glibc.malloc.hugetlb'],
    meaning: 'Huge pages are not modelled: only 0.',
  },
  heap_max: heapMax,
}

export const ptmalloc2Specs: TunableSpecs<Ptmalloc2Tunables> = {
  mmap_threshold: {
    kind: 'bytes',
    default: MMAP_THRESHOLD_DEFAULT,
    min: 0,
    max: HEAP_MAX_BYTES / 2,
    aliases: ['MALLOC_MMAP_THRESHOLD_', 'M_MMAP_THRESHOLD'],
    meaning: 'Requests from this size on are mapped by themselves; at most half of heap_max.',
  },
  mmap_max: {
    kind: 'count',
    default: MMAP_MAX_DEFAULT,
    min: 0,
    max: INT_MAX,
    aliases: ['MALLOC_MMAP_MAX_', 'M_MMAP_MAX'],
    meaning: 'Most mapped blocks at once; 0 for none.',
  },
  trim_threshold: {
    kind: 'bytes',
    default: TRIM_THRESHOLD_DEFAULT,
    min: -1,
    max: SIZE_MAX,
    aliases: ['MALLOC_TRIM_THRESHOLD_', 'M_TRIM_THRESHOLD'],
    meaning: 'A main-arena top this large is given back; -1: never.',
  },
  top_pad: {
    kind: 'bytes',
    default: 0,
    min: 0,
    max: SIZE_MAX,
    aliases: ['MALLOC_TOP_PAD_', 'M_TOP_PAD'],
    meaning: 'What is asked from the system beyond need, and kept at a trim.',
  },
  mxfast: {
    kind: 'bytes',
    default: 64,
    min: 0,
    max: 80,
    aliases: ['M_MXFAST'],
    meaning:
      'Largest request whose freed chunk goes to a fastbin of the main arena; others keep 64.',
  },
  check: {
    kind: 'count',
    default: 0,
    min: 0,
    max: 3,
    aliases: ['MALLOC_CHECK_', 'M_CHECK_ACTION'],
    meaning: 'Accepted and without effect: the debugging hooks are not modelled.',
  },
  heap_max: { ...heapMax, meaning: `${heapMax.meaning} Gloger shipped 1MiB.` },
  tsd_data_hack: {
    kind: 'flag',
    default: 1,
    min: 0,
    max: 1,
    aliases: ['USE_TSD_DATA_HACK'],
    meaning: 'Started threads share one memory of the arena used last, as his Makefile builds it.',
  },
}

const orDefault = (value: number, fallback: number): number =>
  value === NOT_SET ? fallback : value

/** set_max_fast of glibc, from request bytes to chunk words; 0 gives less than any chunk. */
function glibcMaxFast(bytes: number): number {
  if (bytes <= 7) return 4
  return Math.floor((bytes + 8) / 16) * 4
}

export function glibcSettings(t: GlibcTunables): Settings {
  const four = [t.mmap_threshold, t.mmap_max, t.trim_threshold, t.top_pad]
  return {
    maxFast: glibcMaxFast(t.mxfast),
    perturb: t.perturb,
    topPadBytes: sizeT(orDefault(t.top_pad, GLIBC_TOP_PAD_DEFAULT)),
    mmapMax: orDefault(t.mmap_max, MMAP_MAX_DEFAULT),
    mmapThreshold: thresholdWords(orDefault(t.mmap_threshold, MMAP_THRESHOLD_DEFAULT)),
    trimThreshold: thresholdWords(orDefault(t.trim_threshold, TRIM_THRESHOLD_DEFAULT)),
    noDynThreshold: four.some((value) => value !== NOT_SET),
    arenaTest: t.arena_test,
    arenaMax: t.arena_max,
    tcacheBins: Math.min(tcacheIndex(requestToSize(t.tcache_max)) + 1, TCACHE_BINS_MAX),
    tcacheCount: t.tcache_count,
    tcacheUnsortedLimit: t.tcache_unsorted_limit,
    heapMaxBytes: t.heap_max,
    sharesLastArena: false,
  }
}

/** A negative value as mallopt(3) passes it on: a size_t near the largest. */
const sizeT = (value: number): number => (value < 0 ? 2 ** 64 + value : value)

export function ptmalloc2Settings(t: Ptmalloc2Tunables): Settings {
  return {
    maxFast: ptmalloc2MaxFast(t.mxfast),
    perturb: 0,
    topPadBytes: t.top_pad,
    mmapMax: t.mmap_max,
    mmapThreshold: thresholdWords(Math.min(t.mmap_threshold, t.heap_max / 2)),
    trimThreshold: thresholdWords(t.trim_threshold),
    noDynThreshold: true,
    arenaTest: 0,
    arenaMax: 0,
    tcacheBins: 0,
    tcacheCount: 0,
    tcacheUnsortedLimit: 0,
    heapMaxBytes: t.heap_max,
    sharesLastArena: t.tsd_data_hack !== 0,
  }
}

/** set_max_fast of ptmalloc2, from request bytes to chunk words. */
function ptmalloc2MaxFast(bytes: number): number {
  return bytes === 0 ? 2 : requestToSize(bytes)
}
