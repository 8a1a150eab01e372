/** The survey of a look at a run that never ran: pages, pins, chunks and mappings that add up. */
import type { ChunkMap, MappingList, Pin, Survey } from '../../lab/metrics/survey-types.ts'
import { MappingKind } from '../../lab/words/mapping.ts'

const MIB = 1024 * 1024
/** 256 KiB. */
const CELL_PAGES = 64
const CELL_BYTES = CELL_PAGES * 4096
/** Arenas lie this far apart. */
const HEAP_BYTES = 64 * MIB

/** What is known of an arena of the model, bytes. */
interface FakeArena {
  readonly live: number
  readonly pinned: number
  readonly otherFree: number
  readonly top: number
}

interface FakeFacts {
  readonly arenas: readonly FakeArena[]
  /** Milliseconds and name of the phase mark before. */
  readonly since: number
  readonly phase: string
  /** Blocks freed: `[freeing][allocating]`. */
  readonly matrix: readonly (readonly number[])[]
  readonly faults: number
  /** Phase marks and the end tell mappings and chunks too. */
  readonly isDetailed: boolean
}

const startOf = (arena: number): number => (arena + 1) * HEAP_BYTES
const cells = (bytes: number): number => Math.floor(bytes / CELL_BYTES)

/** Bytes of each block that the model frees. */
export const BLOCK_BYTES = 512

export function fakeSurvey(facts: FakeFacts): Survey {
  const { arenas, matrix, faults, isDetailed } = facts
  const pairs = matrix.flatMap((row, freeing) =>
    row.flatMap((blocks, allocating) =>
      blocks === 0 ? [] : [freeing, allocating, blocks, blocks * BLOCK_BYTES],
    ),
  )
  return {
    pages: {
      pagesPerCell: CELL_PAGES,
      heaps: arenas.map((arena, place) => ({
        arena: place,
        start: startOf(place),
        cells: cellsOf(arena),
      })),
    },
    pins: arenas.flatMap((arena, place) => pinOf(arena, place, facts)),
    latency: {
      malloc: { p50: 90, p99: 2_400, p999: 31_000 + faults, timed: 1000 },
      free: { p50: 60, p99: 1_100, p999: 12_000, timed: 900 },
    },
    events: { heap_grown: Math.round(faults / 33), trim: Math.round(faults / 3300) },
    freed: { pairs: pairs.slice(0, 2048), otherBlocks: 0, otherBytes: 0 },
    ...(isDetailed ? { mappings: mappingsOf(arenas), chunks: arenas.map(chunksOf) } : {}),
  }
}

/** Pinned free, then live, then other free, then the top: the pin is the last live page. */
function cellsOf({ live, pinned, otherFree, top }: FakeArena): string {
  const run = (letter: string, bytes: number): string =>
    cells(bytes) === 0 ? '' : `${letter}${cells(bytes)}`
  return `${run('P', pinned)}${run('A', live)}C${run('F', otherFree)}${run('T', top)}U2`
}

function pinOf({ live, pinned }: FakeArena, arena: number, facts: FakeFacts): Pin[] {
  if (cells(pinned) === 0) return []
  return [
    {
      arena,
      address: startOf(arena) + (cells(pinned) + cells(live)) * CELL_BYTES + 4096,
      bytes: 72,
      kind: 'live',
      requested: 58,
      seat: arena + 1,
      since: facts.since * 1e6,
      phase: facts.phase,
      pinnedBytes: cells(pinned) * CELL_BYTES,
      givesBack: arena === 0 ? 0 : 64 * 1024,
    },
  ]
}

function mappingsOf(arenas: readonly FakeArena[]): MappingList {
  const rows = arenas.flatMap(({ live, pinned, otherFree, top }, place) => {
    const bytes = (cells(live) + cells(pinned) + cells(otherFree) + cells(top) + 3) * CELL_BYTES
    const rss = bytes - 2 * CELL_BYTES
    const kind = place === 0 ? MappingKind.BRK_HEAP : MappingKind.ARENA_HEAP
    return [
      [startOf(place), bytes, rss, rss, kind, 1],
      ...(place === 0 ? [] : [[startOf(place) + bytes, HEAP_BYTES - bytes, 0, 0, kind, 0]]),
    ]
  })
  const groups = new Map<string, MappingList['groups'][number]>()
  for (const [, bytes = 0, rss = 0, dirty = 0, kind = 0, writable = 0] of rows) {
    const key = `${kind} ${writable}`
    const known = groups.get(key) ?? { count: 0, bytes: 0, rss: 0, dirty: 0 }
    groups.set(key, {
      kind: kind as MappingKind,
      writable: writable === 1,
      count: known.count + 1,
      bytes: known.bytes + bytes,
      rss: known.rss + rss,
      dirty: known.dirty + dirty,
    })
  }
  return { groups: [...groups.values()], rows: rows.flat(), left: 0 }
}

const STATES = ['in use', 'unsorted', 'tcache', 'top']
export const CHUNKS = 60

/** In use three times in four; the last one is the top. */
function chunksOf({ top }: FakeArena, arena: number): ChunkMap {
  const rows = Array.from({ length: CHUNKS }, (_, place) => {
    if (place === CHUNKS - 1) return [Math.max(top, 4096), 3, 1, -1, -1, -1]
    if (place % 4 === 3) return [32 + 16 * place, place % 8 === 3 ? 1 : 2, 1, -1, -1, -1]
    return [32 + 16 * place, 0, place % 4 === 0 ? 0 : 1, arena + 1, 20 + 16 * place, 1500]
  })
  return { arena, start: startOf(arena), left: 1000 * arena, states: STATES, rows: rows.flat() }
}
