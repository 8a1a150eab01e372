/**
 * The designs that come with the lab, each loaded only when it is asked for: a worker needs one,
 * and seventeen workers with all of them are some 20 MB more.
 */
import type { Design } from './contract.ts'

/**
 * Forgets which tunables a design has. Nothing is lost: tunables are only ever resolved from the
 * design's own `tunables`, so a design never gets another's.
 */
export const erased = <T>(design: Design<T>): Design => design as unknown as Design

/** By the name that `-a` takes; the same names as in registry.ts. */
export const designLoaders: Readonly<Record<string, () => Promise<Design>>> = {
  glibc: async () => erased((await import('./ptmalloc/glibc.ts')).glibc),
  ptmalloc2: async () => erased((await import('./ptmalloc/ptmalloc2.ts')).ptmalloc2),
  tcmalloc: async () => erased((await import('./tcmalloc/design.ts')).tcmalloc),
}
