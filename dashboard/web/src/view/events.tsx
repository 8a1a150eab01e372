/** *What happened?* */
import { EventLanes } from '../draw/event-lanes.ts'
import { count, seconds } from '../format.ts'
import { changed, kindsShown, lookAt, momentOf, textTick, timeline, variants } from '../state.ts'
import {
  HAPPENING_KINDS,
  type Happening,
  type HappeningKind,
  happeningsOf,
  kindsOf,
} from '../store/happenings.ts'
import type { VariantStore } from '../store/variant.ts'
import { TimeHost } from './picture.tsx'
import { Section } from './section.tsx'
import { DataTable } from './tables.tsx'

export function EventsView() {
  return (
    <Section
      id="events"
      question="What happened?"
      lookFor="Look for what came just before RSS rose for good: arenas made while a lock was held,
        arenas that grow after a phase mark. Little is given back while something is pinned."
      panel={(variant) => (
        <>
          <EventPicture variant={variant} />
          <Latest variant={variant} />
        </>
      )}
      legend={<Filter />}
      table={() => <EventTable />}
    />
  )
}

function EventPicture({ variant }: { readonly variant: VariantStore }) {
  return (
    <TimeHost
      name="events"
      label={`Events of ${variant.description.label} over time, a lane for each kind.`}
      make={(canvas) => new EventLanes(canvas, variant)}
    />
  )
}

const shownOf = (variant: VariantStore): readonly Happening[] =>
  happeningsOf(variant).filter(({ kind }) => kindsShown.value.has(kind))

/** Events told below each picture: the last ones before the moment. */
const LATEST = 8

function Latest({ variant }: { readonly variant: VariantStore }) {
  textTick.value
  const t = momentOf(variant)
  const before = shownOf(variant).filter((happening) => happening.t <= t)
  if (before.length === 0) return <p class="readout">Nothing yet.</p>
  return (
    <ol class="latest" data-readout="events">
      {before
        .slice(-LATEST)
        .reverse()
        .map((happening, place) => (
          <li key={place} class={happening.isBad ? 'bad' : ''}>
            <button
              type="button"
              class="time"
              onClick={() => lookAt(timeline(variant).x(happening.t))}
            >
              {seconds(happening.t / 1e9)}
            </button>
            {happening.text}
          </li>
        ))}
    </ol>
  )
}

function Filter() {
  textTick.value
  const totals = new Map<HappeningKind, number>()
  for (const variant of variants.value) {
    for (const { kind } of happeningsOf(variant)) totals.set(kind, (totals.get(kind) ?? 0) + 1)
  }
  const left = variants.value.reduce((sum, { eventsLeft }) => sum + eventsLeft, 0)
  const toggle = (kind: HappeningKind): void => {
    const next = new Set(kindsShown.value)
    if (!next.delete(kind)) next.add(kind)
    kindsShown.value = next
    textTick.value++
    changed()
  }
  return (
    <fieldset class="keys filter">
      <legend class="visually-hidden">Kinds of events shown</legend>
      {kindsOf(variants.value).map(({ kind, label }) => (
        <label key={kind}>
          <input
            type="checkbox"
            checked={kindsShown.value.has(kind)}
            onChange={() => toggle(kind)}
          />
          {`${label} (${count(totals.get(kind) ?? 0)})`}
        </label>
      ))}
      {left > 0 && (
        <span class="meaning">{`${count(left)} more events are only in samples.ndjson`}</span>
      )}
    </fieldset>
  )
}

/** Rows of each variant in the table, at most: the latest ones. */
const ROWS_MAX = 500

function EventTable() {
  textTick.value
  const rows = variants.value.flatMap((variant) => {
    const all = shownOf(variant)
    return all
      .slice(-ROWS_MAX)
      .map(({ t, kind, text }) => [
        seconds(t / 1e9),
        variant.description.label,
        HAPPENING_KINDS.find((of) => of.kind === kind)?.label ?? kind,
        text,
      ])
  })
  return (
    <DataTable
      caption="Events, as filtered; what is only counted stands at the look that told of it"
      columns={['Time', 'Variant', 'Kind', 'What']}
      rows={rows}
      texts
    />
  )
}
