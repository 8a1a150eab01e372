/**
 * What was measured elsewhere: allocators that JavaScript can call today, beside which the models
 * stand. Constants, because nobody here compiles WebAssembly; with the native figures of the same
 * hour on the same machine, so that they can be scaled to the one that runs now.
 *
 * Source: issue 5 of arena-lab ("Speed"), its tables: mimalloc 2.0.9 by emscripten, called from
 * JavaScript; 2 cores, medians of 5; native tcmalloc 2.10, glibc 2.36.
 */
import type { BenchResult } from './types.ts'

interface Reference {
  readonly workload: string
  readonly threads: number
  /** ns per pair. */
  readonly wasm: number
  /** ns per pair of native allocators, measured with it; by variant. */
  readonly native: Readonly<Record<string, number>>
}

const OFF = 'glibc:tcache_count=0'

const MIMALLOC_WASM: readonly Reference[] = [
  { workload: 'lifo-64', threads: 1, wasm: 20, native: { glibc: 8.8, [OFF]: 12.6, tcmalloc: 6.3 } },
  {
    workload: 'replace-small',
    threads: 1,
    wasm: 33,
    native: { glibc: 24, [OFF]: 59, tcmalloc: 8.2 },
  },
  { workload: 'replace-small', threads: 2, wasm: 25, native: { glibc: 26, tcmalloc: 9 } },
  { workload: 'replace-small', threads: 4, wasm: 57, native: { glibc: 53, tcmalloc: 18 } },
  { workload: 'replace-small', threads: 8, wasm: 154, native: { glibc: 131, tcmalloc: 50 } },
  {
    workload: 'replace-wide',
    threads: 1,
    wasm: 106,
    native: { glibc: 288, [OFF]: 316, tcmalloc: 21 },
  },
  { workload: 'remote', threads: 2, wasm: 104, native: { glibc: 81, tcmalloc: 17 } },
  { workload: 'remote', threads: 4, wasm: 223, native: { glibc: 228, tcmalloc: 45 } },
  { workload: 'remote', threads: 8, wasm: 864, native: { glibc: 406, tcmalloc: 228 } },
]

export interface WasmReference {
  /** ns per pair, as measured there. */
  readonly nsPerPair: number
  /** × native now ÷ native then, of the row's own real allocator; null where neither is known. */
  readonly scaled: number | null
}

/** Null where nothing comparable was measured. */
export function wasmMimalloc(
  row: Pick<BenchResult, 'workload' | 'threads' | 'variant' | 'native'>,
): WasmReference | null {
  const { workload, threads, variant, native } = row
  const found = MIMALLOC_WASM.find((known) => {
    return known.workload === workload && known.threads === threads
  })
  if (found === undefined) return null
  const then = Object.hasOwn(found.native, variant) ? found.native[variant] : undefined
  const scaled = native === null || then === undefined ? null : (found.wasm * native.median) / then
  return { nsPerPair: found.wasm, scaled }
}
