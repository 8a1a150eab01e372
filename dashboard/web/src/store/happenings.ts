/**
 * What happened in a run: events that the lab logs one by one, phase marks, and what it only
 * counts, told as "12 heaps grown" between one look and the next.
 */
import type { LogSample } from '../../../../lab/metrics/types.ts'
import type { VariantStore } from './variant.ts'

export const HAPPENING_KINDS = [
  { kind: 'phase', label: 'Phases' },
  { kind: 'arena', label: 'Arenas' },
  { kind: 'heap', label: 'Heaps' },
  { kind: 'trim', label: 'Trims' },
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

const known = new WeakMap<VariantStore, { seen: number; list: readonly Happening[] }>()

/** All of them, in the order of time. Made anew only when something came in. */
export function happeningsOf(variant: VariantStore): readonly Happening[] {
  const seen = variant.eventsSeen + (variant.end === undefined ? 0 : 0.5)
  const before = known.get(variant)
  if (before?.seen === seen) return before.list
  const list = [...logged(variant), ...marked(variant), ...counted(variant), ...ended(variant)]
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
    case 'heap_grown':
      return { kind: 'heap', text: `a heap of arena ${a} grew` }
    default:
      return { kind: 'other', text: `${event.replaceAll('_', ' ')} (${a}, ${b})` }
  }
}

function marked({ marks }: VariantStore): Happening[] {
  return marks.flatMap(({ t, reason, label }): Happening[] => {
    if (reason === 'phase') return [{ t, kind: 'phase', text: `phase: ${label}`, isBad: false }]
    if (reason === 'oom') return [{ t, kind: 'phase', text: 'OOM kill', isBad: true }]
    return []
  })
}

function counted({ looks }: VariantStore): Happening[] {
  let before: Readonly<Record<string, number>> = {}
  return looks.all().flatMap(({ t, survey }): Happening[] => {
    const events = survey?.events
    if (events === undefined) return []
    const found = Object.entries(COUNTED).flatMap(([name, [kind, one, many]]): Happening[] => {
      const times = (events[name] ?? 0) - (before[name] ?? 0)
      if (times <= 0) return []
      return [{ t, kind, text: `${times} ${times === 1 ? one : many}`, isBad: false }]
    })
    before = events
    return found
  })
}

function ended({ end, tEnd }: VariantStore): Happening[] {
  if (end === undefined) return []
  const isBad = end.outcome !== 'completed'
  const text = end.message === '' ? end.outcome : `${end.outcome}: ${end.message}`
  return [{ t: tEnd, kind: 'phase', text, isBad }]
}
