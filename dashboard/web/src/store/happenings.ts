/**
 * What happened in a run: events that the lab logs one by one, phase marks, arenas that grew or
 * gave back as the samples show it, and what the lab only counts, told as "12 heaps mapped"
 * between one look and the next.
 */
import type { LogSample } from '../../../../lab/metrics/types.ts'
import { bytes, count, duration, seconds } from '../format.ts'
import type { VariantStore } from './variant.ts'

export const HAPPENING_KINDS = [
  { kind: 'phase', label: 'Phases' },
  { kind: 'arena', label: 'Arenas' },
  { kind: 'heap', label: 'Growth' },
  { kind: 'trim', label: 'Given back' },
  { kind: 'thread', label: 'Threads' },
  { kind: 'mapped', label: 'Mapped' },
  { kind: 'other', label: 'Other' },
] as const
export type HappeningKind = (typeof HAPPENING_KINDS)[number]['kind']

export interface Happening {
  /** Nanoseconds; of what is only counted, the look that told of it. */
  readonly t: number
  readonly kind: HappeningKind
  readonly text: string
  readonly isBad: boolean
}

/** What is counted and told between looks: its kind, and its name for one and for many. */
const COUNTED: Readonly<Record<string, readonly [HappeningKind, string, string]>> = {
  arena_reused: ['arena', 'thread given an arena in use', 'threads given an arena in use'],
  arena_switched: ['arena', 'move to another arena', 'moves to another arena'],
  heap_new: ['heap', 'heap mapped', 'heaps mapped'],
  heap_deleted: ['heap', 'heap unmapped', 'heaps unmapped'],
  heap_grown: ['heap', 'growth of a heap', 'growths of heaps'],
  heap_shrunk: ['trim', 'heap shrunk', 'heaps shrunk'],
  trim: ['trim', 'trim of the main arena', 'trims of the main arena'],
  mmap_chunk: ['mapped', 'block mapped on its own', 'blocks mapped on their own'],
  munmap_chunk: ['mapped', 'mapped block given back', 'mapped blocks given back'],
  span_new: ['heap', 'span made', 'spans made'],
  span_freed: ['trim', 'span given back to the page heap', 'spans given back to the page heap'],
}

/** Kinds that stand in the list although nothing of them happened: that says something too. */
const EXPECTED: readonly HappeningKind[] = ['phase', 'arena', 'heap', 'trim', 'thread']

/** Kinds worth a lane: of all variants, so that their lanes line up. */
export function kindsOf(variants: readonly VariantStore[]): (typeof HAPPENING_KINDS)[number][] {
  const found = new Set(variants.flatMap((of) => happeningsOf(of).map(({ kind }) => kind)))
  return HAPPENING_KINDS.filter(({ kind }) => EXPECTED.includes(kind) || found.has(kind))
}

const known = new WeakMap<VariantStore, { seen: number; list: readonly Happening[] }>()

/** All of them, in the order of time. Made anew only when something came in. */
export function happeningsOf(variant: VariantStore): readonly Happening[] {
  const seen = variant.eventsSeen + (variant.end === undefined ? 0 : 0.5)
  const before = known.get(variant)
  if (before?.seen === seen) return before.list
  const list = [
    ...logged(variant),
    ...marked(variant),
    ...changed(variant),
    ...counted(variant),
    ...ended(variant),
  ]
  list.sort((a, b) => a.t - b.t)
  known.set(variant, { seen, list })
  return list
}

function logged({ events }: VariantStore): Happening[] {
  return events.map((event) => ({ t: event.t, ...tell(event), isBad: false }))
}

function tell({ event, thread, a, b }: LogSample): { kind: HappeningKind; text: string } {
  switch (event) {
    case 'arena_new':
      return { kind: 'arena', text: `arena ${a} made by lab thread ${thread}` }
    case 'thread_started':
      return { kind: 'thread', text: `lab thread ${a} started by ${thread}` }
    case 'thread_ended':
      return { kind: 'thread', text: `lab thread ${a} ended` }
    default: {
      const [kind, one] = COUNTED[event] ?? ['other', event.replaceAll('_', ' ')]
      return { kind, text: `${one} (${a}, ${b})` }
    }
  }
}

/** Longer than a few samples: worth saying. */
const LONG_NS = 250e6

function changed({ arenaChanges }: VariantStore): Happening[] {
  return arenaChanges.all().map(({ arena, kind, from, to, bytes: size, after }) => {
    const took = to - from > LONG_NS ? ` within ${duration(to - from)}` : ''
    return kind === 'grown'
      ? { t: from, kind: 'heap', text: `${arena} grew to ${bytes(after)}${took}`, isBad: false }
      : { t: from, kind: 'trim', text: `${arena} gave ${bytes(size)} back${took}`, isBad: false }
  })
}

function marked({ marks }: VariantStore): Happening[] {
  return marks.flatMap(({ t, reason, label }): Happening[] => {
    if (reason === 'phase') return [{ t, kind: 'phase', text: `phase: ${label}`, isBad: false }]
    if (reason === 'oom') return [{ t, kind: 'phase', text: 'OOM kill', isBad: true }]
    return []
  })
}

/** What is logged one by one is not told a second time. */
function counted({ events: log, looks }: VariantStore): Happening[] {
  const single = new Set(log.map(({ event }) => event))
  let before: Readonly<Record<string, number>> = {}
  let since = 0
  return looks.all().flatMap(({ t, survey }): Happening[] => {
    const events = survey?.events
    if (events === undefined) return []
    const found = Object.entries(COUNTED).flatMap(([name, [kind, one, many]]): Happening[] => {
      const times = (events[name] ?? 0) - (before[name] ?? 0)
      if (times <= 0 || single.has(name)) return []
      const text = `${count(times)} ${times === 1 ? one : many} since ${seconds(since / 1e9)}`
      return [{ t, kind, text, isBad: false }]
    })
    before = events
    since = t
    return found
  })
}

function ended({ end, tEnd }: VariantStore): Happening[] {
  if (end === undefined) return []
  const isBad = end.outcome !== 'completed'
  const text = end.message === '' ? end.outcome : end.message
  return [{ t: tEnd, kind: 'phase', text, isBad }]
}
