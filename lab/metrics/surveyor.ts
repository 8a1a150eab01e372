/**
 * Makes the `Survey` of a look: pages, pins, who freed what, latencies, what was counted, mappings
 * and chunks. In the observer's isolate, while everybody is parked, so all of it is bounded.
 */
import type { ChunkList, HeapReport, RegionVisitor } from '../../allocators/contract.ts'
import { RegionKind } from '../../allocators/contract.ts'
import type { LabProcess } from '../machine/process.ts'
import type { SharedRun } from '../machine/shared-run.ts'
import type { Safepoint } from '../machine/types.ts'
import type { MappingRow } from '../memory/address-space.ts'
import { LOOKS_MAX } from '../words/cells.ts'
import { ControlWord } from '../words/control.ts'
import { COUNTER_NAMES, Event } from '../words/events.ts'
import { Timed } from '../words/histogram.ts'
import {
  byteOfWord,
  bytesOfWords,
  PAGE_WORDS,
  type PageNumber,
  pageOfWord,
} from '../words/units.ts'
import type { CounterSums } from './counters.ts'
import { freedPairs, mappingList } from './lists.ts'
import { type Owner, ownersOf } from './owners.ts'
import { PageTally, type Top } from './page-tally.ts'
import { LatencyWindow } from './percentiles.ts'
import type { ChunkMap, Pin, PinKind, Survey } from './survey-types.ts'

/** Chunks listed in one survey, at most, and of one arena, at least. */
const CHUNKS_MAX = 2048
const CHUNKS_OF_ARENA_MIN = 32
const NS_PER_MS = 1e6

const PIN_KINDS: Partial<Record<RegionKind, PinKind>> = {
  [RegionKind.THREAD_CACHE]: 'cached',
  [RegionKind.STATE]: 'state',
}

/** What is remembered of a look: later pins and chunks are dated by it. */
interface Look {
  readonly ns: number
  readonly phase: string
}

/** Keeps the times of looks from look to look. One isolate. */
export class Surveyor {
  readonly #run: SharedRun
  readonly #process: LabProcess
  readonly #pages: PageTally
  readonly #malloc: LatencyWindow
  readonly #free: LatencyWindow
  readonly #looks: Look[] = []
  #phase = ''

  constructor(run: SharedRun, process: LabProcess) {
    this.#run = run
    this.#process = process
    this.#pages = new PageTally(run.control.pages)
    this.#malloc = new LatencyWindow(run.control, Timed.MALLOC)
    this.#free = new LatencyWindow(run.control, Timed.FREE)
  }

  /** A look begins: what `visit` gets goes to the survey too. */
  over(visit: RegionVisitor): RegionVisitor {
    const pages = this.#pages
    pages.begin()
    return (start, words, kind, arena) => {
      visit(start, words, kind, arena)
      pages.visit(start, words, kind, arena)
    }
  }

  /** `mappings` of a process at rest, when they are to be told. `sums` were just refreshed. */
  survey(
    safepoint: Safepoint,
    heap: HeapReport,
    sums: CounterSums,
    mappings: readonly MappingRow[] | undefined,
  ): Survey {
    const { control } = this.#run
    const tops = this.#pages.tops()
    const lists = detailed(safepoint) ? this.#chunkLists(heap, tops) : undefined
    const wanted = new Set<number>(tops.map(({ block }) => block))
    for (const list of lists ?? []) for (const { block } of list.chunks) wanted.add(block)
    wanted.delete(0)
    const owners = ownersOf(control, wanted)
    const pins = tops.flatMap((top) => this.#pinOf(top, heap, owners))
    const pinBlocks = new Map(tops.map(({ arena, block }) => [arena, block]))
    this.#note(safepoint)
    return {
      pages: this.#pages.map(heap, pinBlocks),
      pins,
      latency: { malloc: this.#malloc.next(), free: this.#free.next() },
      events: eventTotals(sums),
      freed: freedPairs(control),
      ...(mappings === undefined ? {} : { mappings: mappingList(mappings) }),
      ...(lists === undefined ? {} : { chunks: this.#chunkMaps(lists, owners) }),
    }
  }

  /** From now on blocks are allocated after this look. */
  #note({ ns, reason, label }: Safepoint): void {
    if (reason === 'phase') this.#phase = label
    this.#looks.push({ ns, phase: this.#phase })
    const { words } = this.#run.control
    words[ControlWord.LOOKS] = Math.min(this.#looks.length, LOOKS_MAX)
  }

  #lookBefore(owner: Owner | undefined): Look {
    if (owner === undefined) return { ns: -1, phase: '' }
    return this.#looks[owner.looks - 1] ?? { ns: 0, phase: '' }
  }

  #pinOf(top: Top, heap: HeapReport, owners: ReadonlyMap<number, Owner>): Pin[] {
    const extent = heap.arenas[top.arena]?.heaps.find(
      ({ start, bytes }) =>
        start <= top.start && byteOfWord(top.start) <= byteOfWord(start) + bytes,
    )
    if (extent === undefined || top.block <= extent.start) return []
    const below = Math.max(top.belowEnd, extent.start)
    const firstFree = Math.ceil(below / PAGE_WORDS) as PageNumber
    const topPage = pageOfWord(top.start)
    const pinnedBytes = this.#pages.freePageBytes(pageOfWord(extent.start), pageOfWord(top.block))
    if (pinnedBytes === 0) return []
    const owner = owners.get(top.block)
    const { ns, phase } = this.#lookBefore(owner)
    return [
      {
        arena: top.arena,
        address: byteOfWord(top.block),
        bytes: bytesOfWords(top.blockWords),
        kind: PIN_KINDS[top.blockKind] ?? (owner === undefined ? 'process' : 'live'),
        requested: owner?.requested ?? -1,
        seat: owner?.seat ?? -1,
        since: ns,
        phase,
        pinnedBytes,
        givesBack: this.#pages.residentBytes(firstFree, (topPage + 1) as PageNumber),
      },
    ]
  }

  #chunkLists(heap: HeapReport, tops: readonly Top[]): readonly ChunkList[] | undefined {
    const { design, init } = this.#run
    const each = Math.floor(CHUNKS_MAX / Math.max(heap.arenas.length, 1))
    const most = Math.max(each, CHUNKS_OF_ARENA_MIN)
    const tails = tops.map(({ tail }) => tail)
    return design.chunks?.(this.#process, init.tunables, most, tails)
  }

  #chunkMaps(lists: readonly ChunkList[], owners: ReadonlyMap<number, Owner>): ChunkMap[] {
    const maps: ChunkMap[] = []
    let listed = 0
    for (const { arena, start, left, chunks } of lists) {
      listed += chunks.length
      if (listed > CHUNKS_MAX) break
      const states: string[] = []
      const rows: number[] = []
      for (const { words, state, flags, block } of chunks) {
        if (!states.includes(state)) states.push(state)
        const owner = owners.get(block)
        const { ns } = this.#lookBefore(owner)
        const whose = [
          owner?.seat ?? -1,
          owner?.requested ?? -1,
          ns < 0 ? -1 : Math.round(ns / NS_PER_MS),
        ]
        rows.push(bytesOfWords(words), states.indexOf(state), flags, ...whose)
      }
      maps.push({ arena, start: byteOfWord(start), left, states, rows })
    }
    return maps
  }
}

/** Looks that take their time: at phase marks and when nobody waits any more. */
export const detailed = ({ reason, clean, label }: Safepoint): boolean =>
  clean && reason !== 'tick' && label !== 'boot'

function eventTotals(sums: CounterSums): Record<string, number> {
  const totals: Record<string, number> = {}
  for (const place of Object.values(Event)) {
    const name = COUNTER_NAMES[place]
    if (name !== undefined && sums.of(place) > 0) totals[name] = sums.of(place)
  }
  return totals
}
