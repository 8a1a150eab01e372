/** What the page shows at the moment: a few signals that everything else follows. */
import { computed, signal } from '@preact/signals'
import { invalidate, listenForText } from './frame.ts'
import { HAPPENING_KINDS, type HappeningKind } from './store/happenings.ts'
import type { RunStore } from './store/run.ts'
import { type Alignment, type Timeline, timelineOf } from './store/timeline.ts'
import type { VariantStore } from './store/variant.ts'

export type Connection = 'offline' | 'connecting' | 'live' | 'lost'

/** The run on show; undefined until one is described. */
export const run = signal<RunStore | undefined>(undefined)
export const connection = signal<Connection>('connecting')
/** What the server last said to this page, empty for nothing. */
export const notice = signal('')
export const mayControl = signal(false)
export const skippedFrames = signal(0)

/** The moment looked at, as a position on the shared axis; null follows the newest data. */
export const moment = signal<number | null>(null)
/** The stretch of the shared axis on show; null for all of it. */
export const zoom = signal<readonly [number, number] | null>(null)
export const alignment = signal<Alignment>('time')
/** Whether address space (VmSize) is drawn; null: when it fits the scale. */
export const showVmSize = signal<boolean | null>(null)

/** Whether arenas are shown page by page, or as bytes by cause. */
export const arenaPicture = signal<'pages' | 'bytes'>('pages')
/** What the rows of the waiting map are. */
export const waitRows = signal<'locks' | 'threads'>('locks')
/** What the cells of the matrix count. */
export const matrixUnit = signal<'blocks' | 'bytes'>('blocks')
/** Kinds of events shown. */
export const kindsShown = signal<ReadonlySet<HappeningKind>>(
  new Set(HAPPENING_KINDS.map(({ kind }) => kind)),
)
/** The arena whose bins and chunks are shown, by its place; -1 for all (chunks: the first). */
export const arenaShown = signal(-1)

/** Counts up at a readable pace while data comes in: texts and tables depend on it. */
export const textTick = signal(0)
listenForText(() => {
  textTick.value++
})

/** New data, or another moment, zoom, alignment or theme. */
export const changed = invalidate

export const variants = computed<readonly VariantStore[]>(() => run.value?.variants ?? [])

/** Timelines change as phases pass; they are cheap and made anew for each drawing. */
export const timeline = (variant: VariantStore): Timeline => timelineOf(variant, alignment.value)

/** End of the shared axis: the furthest any variant has come, at least a little. */
export function axisEnd(): number {
  let end = 0
  for (const variant of variants.value) end = Math.max(end, timeline(variant).x(variant.tEnd))
  return Math.max(end, 0.5)
}

/** The stretch of the axis on show. */
export const axisRange = (): readonly [number, number] => zoom.value ?? [0, axisEnd()]

/** The moment looked at in a variant's own nanoseconds: its newest when following. */
export function momentOf(variant: VariantStore): number {
  const x = moment.value
  if (x === null) return variant.tEnd
  return Math.min(Math.max(timeline(variant).t(x), 0), variant.tEnd)
}

/** A position on the axis, in words. */
export const axisText = (x: number): string =>
  alignment.value === 'time' ? `${x.toFixed(axisEnd() < 1 ? 3 : 2)} s` : `phase ${x.toFixed(2)}`

/** The moment chosen by key, click or slider: shown again when the pointer leaves a picture. */
let held: number | null = null

const onAxis = (x: number | null): number | null =>
  x === null ? null : Math.min(Math.max(x, 0), axisEnd())

/** Looks at another moment, and stays there; null follows the newest data. */
export function lookAt(x: number | null): void {
  held = onAxis(x)
  hoverAt(null)
}

/** Looks at another moment while the pointer is there; null: the pointer has left. */
export function hoverAt(x: number | null): void {
  const next = onAxis(x) ?? held
  if (next === moment.value) return
  moment.value = next
  changed()
}

export function zoomTo(range: readonly [number, number] | null): void {
  zoom.value = range
  changed()
}

/** Positions mean something else in the other alignment, so moment and zoom start over. */
export function alignBy(by: Alignment): void {
  alignment.value = by
  lookAt(null)
  zoom.value = null
  changed()
}
