/**
 * What tcmalloc can be told: the environment variables gperftools 2.10 reads when it starts, and
 * the compile-time constants that field reports changed in their own builds.
 */
import { GIB, MIB } from '../../lab/words/units.ts'
import type { TunableSpecs } from '../tunables.ts'

export interface TcmallocTunables {
  readonly max_total_thread_cache_bytes: number
  readonly transfer_num_obj: number
  readonly skip_sbrk: number
  readonly skip_mmap: number
  readonly disable_memory_release: number
  readonly release_rate: number
  readonly aggressive_decommit: number
  readonly heap_limit_mb: number
  readonly sample_parameter: number
  readonly max_thread_cache_size: number
  readonly default_overall_thread_cache_size: number
  readonly max_overages: number
}

export const TCMALLOC_TUNABLES: TunableSpecs<TcmallocTunables> = {
  max_total_thread_cache_bytes: {
    kind: 'bytes',
    default: 0,
    min: 0,
    max: GIB,
    aliases: ['TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES', 'tcmalloc.max_total_thread_cache_bytes'],
    meaning:
      'Bytes all thread caches may hold together; 0 leaves it at the compiled-in 32 MiB, ' +
      'less than 512 KiB counts as 512 KiB.',
  },
  transfer_num_obj: {
    kind: 'count',
    default: 32,
    min: 1,
    max: 8192,
    aliases: ['TCMALLOC_TRANSFER_NUM_OBJ'],
    meaning: 'Most blocks that move between a thread cache and the central list in one go.',
  },
  skip_sbrk: {
    kind: 'flag',
    default: 0,
    min: 0,
    max: 1,
    aliases: ['TCMALLOC_SKIP_SBRK'],
    meaning: 'Take memory from mmap only (but for what is taken before the library has started).',
  },
  skip_mmap: {
    kind: 'flag',
    default: 0,
    min: 0,
    max: 1,
    aliases: ['TCMALLOC_SKIP_MMAP'],
    meaning: 'Take memory from brk only.',
  },
  disable_memory_release: {
    kind: 'flag',
    default: 0,
    min: 0,
    max: 1,
    aliases: ['TCMALLOC_DISABLE_MEMORY_RELEASE'],
    meaning: 'Never give pages back to the kernel.',
  },
  release_rate: {
    kind: 'ratio',
    default: 1,
    min: 0,
    max: 1000,
    aliases: ['TCMALLOC_RELEASE_RATE'],
    meaning:
      'How eagerly free pages go back to the kernel: one page after 1000 / rate pages freed; ' +
      '0 means never.',
  },
  aggressive_decommit: {
    kind: 'flag',
    default: 0,
    min: 0,
    max: 1,
    aliases: ['TCMALLOC_AGGRESSIVE_DECOMMIT', 'tcmalloc.aggressive_memory_decommit'],
    meaning: 'Give every span back to the kernel as soon as it is free.',
  },
  heap_limit_mb: {
    kind: 'count',
    default: 0,
    min: 0,
    max: 1_048_576,
    aliases: ['TCMALLOC_HEAP_LIMIT_MB', 'tcmalloc.heap_limit_mb'],
    meaning:
      'MiB the heap may take; near it memory is given back, beyond it malloc fails. 0: none.',
  },
  sample_parameter: {
    kind: 'count',
    default: 0,
    min: 0,
    max: 2 ** 53 - 1,
    aliases: ['TCMALLOC_SAMPLE_PARAMETER'],
    meaning: 'Accepted without effect: the minimal library is built without heap sampling.',
  },
  max_thread_cache_size: {
    kind: 'bytes',
    default: 4 * MIB,
    min: 4096,
    max: GIB,
    aliases: ['kMaxThreadCacheSize'],
    meaning:
      'Compile-time kMaxThreadCacheSize. In 2.10 it no longer bounds one cache: it only decides ' +
      'the default overall size (8 times as much).',
  },
  default_overall_thread_cache_size: {
    kind: 'bytes',
    default: 0,
    min: 0,
    max: GIB,
    aliases: ['kDefaultOverallThreadCacheSize'],
    meaning:
      'Compile-time kDefaultOverallThreadCacheSize: what all thread caches may hold together ' +
      'when no environment variable says so; 0 means 8 times kMaxThreadCacheSize.',
  },
  max_overages: {
    kind: 'count',
    default: 3,
    min: 0,
    max: 1_000_000,
    aliases: ['kMaxOverages'],
    meaning:
      'Compile-time kMaxOverages: how often a list may overflow before its allowed length shrinks.',
  },
}

const OVERALL_PER_CACHE = 8
const OVERALL_MIN = 512 * 1024

/** Bytes all thread caches may hold together, from the three tunables that bear on it. */
export function overallCacheBytes(tunables: TcmallocTunables): number {
  if (tunables.max_total_thread_cache_bytes > 0) {
    return Math.max(tunables.max_total_thread_cache_bytes, OVERALL_MIN)
  }
  if (tunables.default_overall_thread_cache_size > 0) {
    return tunables.default_overall_thread_cache_size
  }
  return Math.min(OVERALL_PER_CACHE * tunables.max_thread_cache_size, GIB)
}
