/**
 * The events of a Chrome trace-event file, as ui.perfetto.dev and chrome://tracing read them: the
 * "JSON Object Format" of the Trace Event Format document. Times are microseconds there, with
 * fractions; everything of ours is nanoseconds until it is written.
 */

/** Figures and texts that a viewer shows with an event. */
type EventArgs = Readonly<Record<string, number | string>>

/** Every event belongs to a process (one per variant) and one of its tracks. */
interface Place {
  readonly pid: number
  readonly tid: number
}

export type TraceEvent =
  | (Place & { readonly ph: 'M'; readonly name: MetadataName; readonly args: EventArgs })
  | (Place & {
      /** A slice: begins at `ts`, takes `dur`. Slices of one track lie within each other. */
      readonly ph: 'X'
      readonly name: string
      readonly cat: string
      readonly ts: number
      readonly dur: number
      readonly args: EventArgs
    })
  | (Place & {
      /** A moment: of its track (`t`) or of the whole process (`p`). */
      readonly ph: 'i'
      readonly s: 't' | 'p'
      readonly name: string
      readonly cat: string
      readonly ts: number
      readonly args: EventArgs
    })
  | (Place & {
      /** Counters: every argument is one line of the chart. */
      readonly ph: 'C'
      readonly name: string
      readonly ts: number
      readonly args: Readonly<Record<string, number>>
    })
  | (Place & {
      /** An arrow begins (`s`) or ends (`f`) in the slice that lies around `ts` on the track. */
      readonly ph: 's' | 'f'
      readonly bp?: 'e'
      readonly id: number
      readonly name: string
      readonly cat: string
      readonly ts: number
      readonly args: EventArgs
    })

type MetadataName = 'process_name' | 'process_sort_index' | 'thread_name' | 'thread_sort_index'

/**
 * Nanoseconds as the file has them. Perfetto multiplies by 1000 and cuts the rest off, which may
 * lose a nanosecond of a figure such as 4.003; a quarter of one more keeps it.
 */
export function microseconds(ns: number): number {
  const whole = Math.round(ns)
  return Math.trunc((whole / 1000) * 1000) === whole ? whole / 1000 : (whole + 0.25) / 1000
}

/**
 * Where a slice begins and how long it takes. Both ends are rounded, not the length: a slice that
 * reached one nanosecond into the next one would be dropped by Perfetto.
 */
export const span = (start: number, end: number): { ts: number; dur: number } => ({
  ts: microseconds(start),
  dur: microseconds(Math.round(end) - Math.round(start)),
})

export const pidOf = (variant: number): number => variant + 1

/** Tracks of a variant. Lab threads are numbered from 0, tracks from 1. */
export const Track = {
  /** Phases, safepoints and what happened. */
  RUN: 1,
  /** What a lab thread waits for. */
  ofThread: (thread: number): number => 10 + 2 * thread,
  /** Which locks it keeps others from. */
  ofHolds: (thread: number): number => 11 + 2 * thread,
  /** Whose blocks a seat frees. Far above any lab thread. */
  ofSeat: (seat: number): number => 1_000_000_000 + seat,
} as const

/** Names a track and gives it its place. */
export function* namedTrack(pid: number, tid: number, name: string): Generator<TraceEvent> {
  yield { ph: 'M', pid, tid, name: 'thread_name', args: { name } }
  yield { ph: 'M', pid, tid, name: 'thread_sort_index', args: { sort_index: tid } }
}
