/** Pages of heaps as safepoints tell them, unpacked once and kept as long as their safepoint. */
import type { Pin } from '../../../../lab/metrics/survey-types.ts'
import type { SafepointSample } from '../../../../lab/metrics/types.ts'

const PAGE_BYTES = 4096

/**
 * What the letters of a page map mean, in the order of the legend, and their colours: pages in use
 * are the bluer the fuller.
 */
export const PAGE_KINDS = [
  { letter: 'A', token: 'live', label: 'In use', meaning: 'all in use' },
  { letter: 'B', token: 'liveMost', label: 'Mostly in use', meaning: 'half in use or more' },
  { letter: 'C', token: 'livePart', label: 'Partly in use', meaning: 'less than half in use' },
  {
    letter: 'P',
    token: 'pinnedFree',
    label: 'Pinned free',
    meaning: 'free, resident, under a pin',
  },
  { letter: 'F', token: 'freeInBins', label: 'Free, resident', meaning: 'free, resident' },
  { letter: 'T', token: 'freeTop', label: 'Free top', meaning: 'free, resident, in the top' },
  { letter: 'R', token: 'returned', label: 'Returned', meaning: 'given back to the system' },
  { letter: 'U', token: 'untouched', label: 'Untouched', meaning: 'never touched' },
] as const
export type PageLetter = (typeof PAGE_KINDS)[number]['letter']

/** Colour of a page, by its letter. */
export const pageToken = (letter: PageLetter): (typeof PAGE_KINDS)[number]['token'] =>
  PAGE_KINDS.find((kind) => kind.letter === letter)?.token ?? 'untouched'

/** Neighbouring cells of one kind. */
interface Run {
  readonly letter: PageLetter
  readonly cells: number
}

export interface HeapRuns {
  readonly start: number
  readonly runs: readonly Run[]
  readonly cells: number
}

/** One arena of a look: its heaps in cells, and what pins it. */
export interface ArenaPages {
  readonly name: string
  readonly arena: number
  readonly attachedThreads: number
  readonly heaps: readonly HeapRuns[]
  readonly pin: Pin | undefined
}

export interface LookPages {
  readonly look: SafepointSample
  readonly cellBytes: number
  readonly arenas: readonly ArenaPages[]
}

const known = new WeakMap<SafepointSample, LookPages>()

/** Undefined for a look that tells no pages. */
export function pagesOf(look: SafepointSample | undefined): LookPages | undefined {
  if (look?.survey === undefined) return undefined
  const before = known.get(look)
  if (before !== undefined) return before
  const { pages, pins } = look.survey
  const arenas = look.heap.arenas
    .map(({ name, attachedThreads }, arena) => ({
      name,
      arena,
      attachedThreads,
      heaps: pages.heaps.filter((heap) => heap.arena === arena).map(unpack),
      pin: pins.find((pin) => pin.arena === arena),
    }))
    .filter(({ heaps }) => heaps.length > 0)
  const result = { look, cellBytes: pages.pagesPerCell * PAGE_BYTES, arenas }
  known.set(look, result)
  return result
}

function unpack({ start, cells }: { start: number; cells: string }): HeapRuns {
  const runs: Run[] = []
  let all = 0
  for (const [, letter, times] of cells.matchAll(/([A-Z])(\d*)/g)) {
    const count = times === '' ? 1 : Number(times)
    runs.push({ letter: letter as PageLetter, cells: count })
    all += count
  }
  return { start, runs, cells: all }
}

/** The kind of cell `cell` of a heap. */
export function letterAt({ runs }: HeapRuns, cell: number): PageLetter {
  let end = 0
  for (const run of runs) {
    end += run.cells
    if (cell < end) return run.letter
  }
  return 'U'
}
