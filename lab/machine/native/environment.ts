/**
 * The environment of a native run: the user's, without anything that steers a malloc, and with the
 * settings of the variant under their real names.
 */

/** Settings as the user wrote them after `native:NAME:`. */
export type NativeSettings = Readonly<Record<string, string | number>>

const SCRUBBED =
  /^(MALLOC_|_RJEM|JE_MALLOC|TCMALLOC_|MIMALLOC_|(TCMALLOC|GLIBC_TUNABLES|LD_PRELOAD|HEAPPROFILE)$)/

/** Names of GLIBC_TUNABLES under `glibc.malloc.`, glibc 2.36. */
export const GLIBC_TUNABLE_NAMES: readonly string[] = [
  'arena_max',
  'arena_test',
  'check',
  'hugetlb',
  'mmap_max',
  'mmap_threshold',
  'mxfast',
  'perturb',
  'tcache_count',
  'tcache_max',
  'tcache_unsorted_limit',
  'top_pad',
  'trim_threshold',
]

/**
 * `settings` in lower case go where the allocator reads them: GLIBC_TUNABLES for glibc, MALLOC_CONF
 * for jemalloc, `MIMALLOC_…` for mimalloc, `TCMALLOC_…` for tcmalloc. Names in upper case are
 * environment variables as they stand.
 */
export function nativeEnvironment(
  allocator: string,
  preload: string | undefined,
  settings: NativeSettings,
): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (!SCRUBBED.test(name)) environment[name] = value
  }
  if (preload !== undefined) environment['LD_PRELOAD'] = preload
  const joined: string[] = []
  for (const [name, value] of Object.entries(settings)) {
    if (name === name.toUpperCase()) environment[name] = String(value)
    else if (allocator === 'glibc') joined.push(`glibc.malloc.${name}=${value}`)
    else if (allocator === 'jemalloc') joined.push(`${name}:${value}`)
    else environment[`${allocator.toUpperCase()}_${name.toUpperCase()}`] = String(value)
  }
  if (joined.length === 0) return environment
  if (allocator === 'glibc') environment['GLIBC_TUNABLES'] = joined.join(':')
  else environment['MALLOC_CONF'] = joined.join(',')
  return environment
}

/** True when glibc has a tunable of this name. */
export const isGlibcTunable = (name: string): boolean => GLIBC_TUNABLE_NAMES.includes(name)
