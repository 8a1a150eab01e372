/** The designs that come with the lab. A user's own is loaded by its file instead. */
import type { Design } from './contract.ts'
import { erased } from './loaders.ts'
import { glibc } from './ptmalloc/glibc.ts'
import { ptmalloc2 } from './ptmalloc/ptmalloc2.ts'
import { tcmalloc } from './tcmalloc/design.ts'

/** By the name that `-a` takes. */
export const designs: Readonly<Record<string, Design>> = {
  glibc: erased(glibc),
  ptmalloc2: erased(ptmalloc2),
  tcmalloc: erased(tcmalloc),
}
