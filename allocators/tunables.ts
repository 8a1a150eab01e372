/** Tunables: what a design can be told, under the names the real allocator has for them. */

export interface TunableSpec {
  /**
   * `bytes` accepts `64KiB`, `ratio` accepts `0.5`, `flag` accepts true and false; all are held as
   * numbers.
   */
  readonly kind: 'bytes' | 'count' | 'ratio' | 'flag'
  readonly default: number
  readonly min: number
  readonly max: number
  /** The real names: `MALLOC_ARENA_MAX`, `glibc.malloc.arena_max`, `M_ARENA_MAX`. */
  readonly aliases: readonly string[]
  /** One sentence for a user who has never seen it. */
  readonly meaning: string
}

export type TunableSpecs<T> = { readonly [K in keyof T]-?: TunableSpec }
