/**
 * What a process has done by the time `main` starts, when `libtcmalloc_minimal.so.4` of Debian 12
 * is preloaded: measured with a debugger. The library is written in C++, so libstdc++ comes with
 * it, which takes a pool for emergency exceptions before anything else; then tcmalloc's own
 * constructors (TCMallocGuard) try malloc twice and make the MallocExtension objects.
 */

/** One step before main, by the main thread. `free` gives back the block of the step before. */
export type StartupStep =
  | { readonly kind: 'malloc'; readonly bytes: number; readonly by: string }
  | { readonly kind: 'free' }
  /** From here on the environment variables hold: flags are initialized by a constructor. */
  | { readonly kind: 'flags-ready' }
  /**
   * InitTSD: from here on threads find their caches through thread-local storage. The cache made
   * before is not found there: the main thread gets a second one, and the first is an orphan for
   * ever. It is empty, but its 64 KiB of the common budget stay claimed. What is freed before
   * goes straight to the central lists.
   */
  | { readonly kind: 'tsd-ready' }

/**
 * Played by `boot`, in this order: heap_size is then 1 048 576, current_allocated_bytes 73 752,
 * pageheap_free_bytes 958 464 and central_cache_free_bytes 16 360.
 */
export const startupAllocations: readonly StartupStep[] = [
  { kind: 'malloc', bytes: 72_704, by: 'libstdc++: pool for emergency exceptions' },
  { kind: 'flags-ready' },
  { kind: 'malloc', bytes: 1, by: 'TCMallocGuard, first try' },
  { kind: 'free' },
  { kind: 'tsd-ready' },
  { kind: 'malloc', bytes: 1, by: 'TCMallocGuard, second try' },
  { kind: 'free' },
  { kind: 'malloc', bytes: 16, by: 'TCMallocImplementation' },
  { kind: 'malloc', bytes: 8, by: 'MallocExtension::Register' },
]

/**
 * Modules with thread-local storage in such a process: libc, libstdc++ and libtcmalloc. Starting a
 * thread callocs its DTV in the starter: calloc(14 + 2 + modules, 16), 304 bytes.
 */
export const TLS_MODULES = 3
