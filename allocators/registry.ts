/** The designs that come with the lab. A user's own is loaded by its file instead. */
import type { Design } from './contract.ts'
import { glibc } from './ptmalloc/glibc.ts'
import { ptmalloc2 } from './ptmalloc/ptmalloc2.ts'

export const designs: Readonly<Record<string, Design>> = { glibc, ptmalloc2 }
