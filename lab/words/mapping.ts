/**
 * What a mapping of the modelled address space is for, and what it allows. Designs ask for both,
 * the modelled kernel keeps both: hence they stand left of either.
 */

/** What a mapping is for: what `pmap` shows, and what keeps unlike neighbours from merging. */
export const MappingKind = {
  BRK_HEAP: 0,
  ARENA_HEAP: 1,
  /** A block in a mapping of its own. */
  BLOCK: 2,
  SPAN: 3,
  METADATA: 4,
  STACK: 5,
  DATA: 6,
} as const
export type MappingKind = (typeof MappingKind)[keyof typeof MappingKind]

/** mmap and mprotect protections: none, or read and write. */
export const Protection = { NONE: 0, READ_WRITE: 1 } as const
export type Protection = (typeof Protection)[keyof typeof Protection]
