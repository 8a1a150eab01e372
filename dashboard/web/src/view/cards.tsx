/** One card per variant: how it ended, or how it stands. */
import { bytes, count, digits, duration, percent, rate } from '../format.ts'
import { momentOf, run, textTick, variants } from '../state.ts'
import { Total, type VariantStore } from '../store/variant.ts'
import { hasBooted, stateOf } from '../words.ts'

export function Cards() {
  textTick.value
  return (
    <div class={`cards of-${Math.min(variants.value.length, 4)}`}>
      {variants.value.map((variant, place) => (
        <Card variant={variant} key={place} />
      ))}
    </div>
  )
}

function Card({ variant }: { readonly variant: VariantStore }) {
  textTick.value
  const { text, kind } = stateOf(variant)
  const t = momentOf(variant)
  const row = variant.totals.rowAt(t)
  const rss = variant.totals.at(row, Total.RSS)
  const live = variant.totals.at(row, Total.LIVE)
  return (
    <article
      class="card"
      data-variant={variant.description.label}
      // Where the data end, nanoseconds, and whether that is all: tests wait for it.
      data-end={`${variant.tEnd}${variant.end === undefined ? '' : ' ended'}`}
    >
      <header>
        <h2>{variant.description.label}</h2>
        <span class={`badge ${kind}`}>{text}</span>
      </header>
      {row < 0 ? (
        <p class="headline">
          {hasBooted(variant) ? 'Its lab threads are being started.' : 'Its turn has not come yet.'}
        </p>
      ) : (
        <p class="headline">
          <span>
            <strong>{bytes(rss)}</strong> resident for <strong>{bytes(live)}</strong> live
          </span>
          {live > 0 && <span class="ratio">{`${digits(rss / live)} × live`}</span>}
        </p>
      )}
      {variant.end !== undefined && variant.end.message !== '' && (
        <p class="message">{variant.end.message}</p>
      )}
      {row >= 0 && (
        <dl>
          {figures(variant, row).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </article>
  )
}

/** Figures of the moment; rates over the second before it. */
function figures(variant: VariantStore, row: number): readonly (readonly [string, string])[] {
  const { totals, newest } = variant
  const since = Math.max(totals.rowAt(totals.time(row) - 1e9), 0)
  const span = (totals.time(row) - totals.time(since)) / 1e9
  const perSecond = (column: number): string =>
    span <= 0 ? '–' : rate((totals.at(row, column) - totals.at(since, column)) / span)
  const limit = run.value?.memoryLimit ?? null
  const peak = variant.rssMax
  return [
    ['Peak RSS', bytes(peak)],
    ['Of the limit', limit === null ? 'no limit' : percent(peak / limit)],
    ['VmSize', bytes(totals.at(row, Total.VM_SIZE))],
    ['Arenas', count(newest?.arenas.length ?? 0)],
    ['Remote frees', percent(newest?.frees ? newest.remoteFrees / newest.frees : 0)],
    ['Lock wait', duration(newest?.lockWaitNs ?? 0)],
    ['Ops', perSecond(Total.OPS)],
    ['Minor faults', perSecond(Total.FAULTS)],
  ]
}
