/** *How fast?* */
import { SpeedLanes } from '../draw/speed-lanes.ts'
import { count, duration, rate, seconds } from '../format.ts'
import { momentOf, textTick, variants } from '../state.ts'
import { Latency, ThreadFigure, Total, type VariantStore } from '../store/variant.ts'
import { TimeHost } from './picture.tsx'
import { Section } from './section.tsx'
import { CompactTable, DataTable } from './tables.tsx'

export function SpeedView() {
  return (
    <Section
      id="speed"
      question="How fast?"
      lookFor="Look for a middle thread far below the fastest: the others wait. Where 99.9 % leaves
        50 % by a hundred times, few calls pay for all: a lock, a trim, or fresh pages."
      panel={(variant) => <SpeedPicture variant={variant} />}
      legend={<Figures />}
      table={() => <SpeedTable />}
    />
  )
}

function SpeedPicture({ variant }: { readonly variant: VariantStore }) {
  return (
    <TimeHost
      name="speed"
      label={`Ops, latencies, faults and system calls of ${variant.description.label} over time.`}
      make={(canvas) => new SpeedLanes(canvas, variant)}
    />
  )
}

/** Figures of one moment: rates over the second before it, latencies of the stretch it lies in. */
function figuresAt(variant: VariantStore, t: number): readonly (readonly [string, string])[] {
  const { totals, latency } = variant
  const row = totals.rowAt(t)
  if (row < 0) return []
  const since = Math.max(totals.rowAt(totals.time(row) - 1e9), 0)
  const span = (totals.time(row) - totals.time(since)) / 1e9
  const perSecond = (column: number): string =>
    span <= 0 ? '–' : rate((totals.at(row, column) - totals.at(since, column)) / span)
  // A look tells of the stretch before it: the first one at or after the moment.
  const look = Math.min(latency.rowAt(t - 1) + 1, latency.length - 1)
  const ns = (column: number): string => {
    const value = look < 0 ? 0 : latency.at(look, column)
    return value === 0 ? '–' : duration(value)
  }
  return [
    ['Ops', perSecond(Total.OPS)],
    ['malloc 50 %', ns(Latency.MALLOC_P50)],
    ['99 %', ns(Latency.MALLOC_P99)],
    ['99.9 %', ns(Latency.MALLOC_P999)],
    ['free 50 %', ns(Latency.FREE_P50)],
    ['99 %', ns(Latency.FREE_P99)],
    ['99.9 %', ns(Latency.FREE_P999)],
    ['Faults', perSecond(Total.FAULTS)],
    ['System calls', perSecond(Total.CALLS)],
  ]
}

function Figures() {
  textTick.value
  const all = variants.value.map((variant) => ({
    variant,
    figures: figuresAt(variant, momentOf(variant)),
  }))
  const names = all.find(({ figures }) => figures.length > 0)?.figures.map(([name]) => name) ?? []
  return (
    <CompactTable
      caption="Speed at the moment looked at"
      readout="speed"
      columns={['Variant', ...names]}
      rows={all.map(({ variant, figures }) => [
        variant.description.label,
        ...figures.map(([, value]) => value),
      ])}
    />
  )
}

/** Rows of the table at most: the threads that did most. */
const ROWS_MAX = 200

/** Thread by thread: what the second before the moment came to. */
function SpeedTable() {
  textTick.value
  const rows = variants.value.flatMap((variant) => {
    const { threads, seats } = variant
    const row = threads.rowAt(momentOf(variant))
    if (row < 0) return []
    const since = Math.max(threads.rowAt(threads.time(row) - 1e9), 0)
    const span = (threads.time(row) - threads.time(since)) / 1e9
    const grown = (seat: number, figure: number): number =>
      variant.threadAt(row, seat, figure) - variant.threadAt(since, seat, figure)
    return Array.from({ length: seats }, (_, seat) => seat)
      .sort((a, b) => grown(b, ThreadFigure.OPS) - grown(a, ThreadFigure.OPS))
      .slice(0, ROWS_MAX)
      .map((seat) => [
        `thread ${seat}`,
        variant.description.label,
        span <= 0 ? '–' : rate(grown(seat, ThreadFigure.OPS) / span),
        count(variant.threadAt(row, seat, ThreadFigure.OPS)),
        duration(variant.threadAt(row, seat, ThreadFigure.LOCK_WAIT_NS)),
      ])
  })
  const at = variants.value[0]
  const when = at === undefined ? '' : seconds(momentOf(at) / 1e9)
  return (
    <DataTable
      caption={`Threads in the second before ${when}, the fastest first`}
      columns={['Thread', 'Variant', 'Ops', 'Ops so far', 'Waited for locks so far']}
      rows={rows}
    />
  )
}
