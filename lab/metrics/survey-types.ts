/**
 * What a look at the heap tells beside the anatomy: page by page, chunk by chunk, and who did it.
 * One `Survey` goes with each safepoint line of samples.ndjson. Everything is bounded, whatever the
 * size of the heap: a survey of the largest run is about 50 KB of JSON.
 */
import type { MappingKind } from '../words/mapping.ts'
import type { LatencySummary } from './types.ts'

/** The pages of all heaps, in cells of `pagesPerCell` pages. */
export interface PageMap {
  /** A power of two. */
  readonly pagesPerCell: number
  readonly heaps: readonly HeapPages[]
}

/** The pages of one heap, from its start to the last page that was ever touched. */
export interface HeapPages {
  /** Index into `heap.arenas`. */
  readonly arena: number
  /** Byte address. */
  readonly start: number
  /**
   * Runs of cells, each a letter and how many when it is more than one: `A12BF3`.
   *
   *   A  resident, all in use            F  resident, wholly free
   *   B  resident, half in use or more   P  resident, wholly free and pinned
   *   C  resident, less than half        T  resident, wholly free and part of the top
   *   R  was resident and given back     U  never touched
   */
  readonly cells: string
}

/** What a pin is: nothing below it in its heap can go back from the top. */
export type PinKind = 'live' | 'cached' | 'state' | 'process'

/** The highest block of an arena's newest heap, when it keeps free pages below it resident. */
export interface Pin {
  /** Index into `heap.arenas`. */
  readonly arena: number
  /** Byte address of the block and its usable bytes. */
  readonly address: number
  readonly bytes: number
  /** Live: of the workload. Cached: free, in a thread's cache. Process: a thread's own vectors. */
  readonly kind: PinKind
  /** Requested bytes; -1 unless live. */
  readonly requested: number
  /** Seat of the thread that allocated it; -1 unless live. */
  readonly seat: number
  /** Nanoseconds: it was allocated after this look and before the next one; -1 unless live. */
  readonly since: number
  /** Label of the phase mark passed last when it was allocated; empty before the first. */
  readonly phase: string
  /** Resident bytes of free whole pages below it in its heap. */
  readonly pinnedBytes: number
  /** Resident bytes that would join the top, and so could be trimmed, were it gone. */
  readonly givesBack: number
}

/** Who freed whose blocks so far: the pairs with the most bytes. */
export interface FreedPairs {
  /** Four figures each: freeing seat, allocating seat, blocks, bytes. */
  readonly pairs: readonly number[]
  /** What the pairs left out come to. */
  readonly otherBlocks: number
  readonly otherBytes: number
}

/** Mappings of one kind and protection. */
export interface MappingGroup {
  readonly kind: MappingKind
  readonly writable: boolean
  readonly count: number
  readonly bytes: number
  readonly rss: number
  readonly dirty: number
}

/** The address space, as pmap -x lists it. */
export interface MappingList {
  /** Every mapping is in its group. */
  readonly groups: readonly MappingGroup[]
  /** Six figures each, in address order: start, bytes, RSS, dirty, kind, writable (0 or 1). */
  readonly rows: readonly number[]
  /** Mappings that are in no row: the smallest ones. */
  readonly left: number
}

/** The highest chunks (ptmalloc) or all spans (tcmalloc) of one arena, in address order. */
export interface ChunkMap {
  /** Index into `heap.arenas`. */
  readonly arena: number
  /** Byte address of the first one listed; each of the others starts where the one before ends. */
  readonly start: number
  /** Chunks of the arena below it that are not listed. */
  readonly left: number
  /** What chunks are, in words: `in use`, `unsorted`, `small bin`, `top`, … */
  readonly states: readonly string[]
  /**
   * Six figures each: bytes, place in `states`, flags (ptmalloc's P 1, M 2, A 4), seat of the
   * thread that allocated it (-1 for none), requested bytes, and the look before it was allocated
   * (milliseconds, -1 for unknown).
   */
  readonly rows: readonly number[]
}

export interface Survey {
  readonly pages: PageMap
  readonly pins: readonly Pin[]
  /** Of the ops timed since the look before. */
  readonly latency: { readonly malloc: LatencySummary; readonly free: LatencySummary }
  /** Running totals of what designs count, by name, those that are not 0. */
  readonly events: Readonly<Record<string, number>>
  readonly freed: FreedPairs
  /** At phase marks and at the end only. */
  readonly mappings?: MappingList
  /** At phase marks and at the end only, of designs that list chunks. */
  readonly chunks?: readonly ChunkMap[]
}
