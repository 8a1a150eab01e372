/** Where the bytes are that are resident and that nobody holds: the answer people come for. */
import type { Anatomy, VariantSummary } from '../metrics/types.ts'
import { PAGE_BYTES } from '../words/units.ts'
import { counted, mib } from './figures.ts'

export type Cause = Exclude<keyof Anatomy, 'rss' | 'live'>

/** What each cause is called in a sentence: `612 MiB …`. */
const CAUSE_TEXT: Readonly<Record<Cause, string>> = {
  pinnedFree: 'free under pinned tops',
  freeTop: 'free that a trim could return',
  freeInBins: 'free in bins',
  threadCaches: 'in thread caches',
  blockOverhead: 'headers and rounding',
  allocatorState: "the allocator's own state",
  other: 'stacks and other pages of the process',
}
const CAUSES = Object.keys(CAUSE_TEXT) as Cause[]

export interface CausePart {
  readonly cause: Cause
  readonly bytes: number
  readonly text: string
}

/** Resident and not live. */
export const strandedBytes = (anatomy: Anatomy): number => anatomy.rss - anatomy.live

/** Every cause that holds anything, the largest first. */
export function causesOf(anatomy: Anatomy): CausePart[] {
  return CAUSES.map((cause) => ({ cause, bytes: anatomy[cause], text: CAUSE_TEXT[cause] }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)
}

/** Below this share of what is stranded a second cause is not worth a line. */
const WORTH_A_LINE = 0.1

/**
 * `612 MiB free under pinned tops, 14 arenas (most: arena 3, 96.2 MiB)`, then the runner-up. Empty
 * when nothing was seen.
 */
export function strandedLines(variant: VariantSummary): string[] {
  if (variant.anatomyAt === null) return ['not known: no walk of the heap came to its end']
  const causes = causesOf(variant.anatomy)
  const stranded = strandedBytes(variant.anatomy)
  return causes
    .slice(0, 2)
    .filter(({ bytes }, place) => place === 0 || bytes >= WORTH_A_LINE * stranded)
    .map((part) => `${mib(part.bytes)} ${part.text}${arenasText(variant, part.cause)}`)
}

/** How many arenas a cause is spread over, and which holds most of it. */
function arenasText(variant: VariantSummary, cause: Cause): string {
  const figure = ARENA_FIGURE[cause]
  if (figure === undefined || variant.arenaDetails.length === 0) return ''
  const holding = variant.arenaDetails
    .map((arena) => ({ name: arena.name, bytes: arena[figure] }))
    .filter(({ bytes }) => bytes >= PAGE_BYTES)
    .sort((a, b) => b.bytes - a.bytes)
  if (holding.length === 0) return ''
  const most = holding[0]!
  if (holding.length === 1) return `, ${most.name}`
  return `, ${counted(holding.length, 'arena')} (most: ${most.name}, ${mib(most.bytes)})`
}

/** Causes that the design's own figures break down by arena. */
const ARENA_FIGURE: Readonly<Partial<Record<Cause, 'pinnedFree' | 'top'>>> = {
  pinnedFree: 'pinnedFree',
  freeTop: 'top',
}
