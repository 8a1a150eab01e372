/** *Who waits for whom?* */
import { WAITERS_MAX, WaitMap } from '../draw/wait-map.ts'
import { count, duration, percent } from '../format.ts'
import { lookAt, momentOf, textTick, variants } from '../state.ts'
import type { LockState, VariantStore } from '../store/variant.ts'
import { CanvasHost, onTimeKey } from './picture.tsx'
import { DataTable, Section } from './section.tsx'

export function LocksView() {
  return (
    <Section
      id="locks"
      question="Who waits for whom?"
      lookFor="Look for one dark row: a lock that most threads need at once. Many pale rows are
        harmless. An owner that switches often means the lock’s cache line travels."
      panel={(variant) => <LockPicture variant={variant} />}
      legend={<Busiest />}
      table={() => <LockTable />}
    />
  )
}

function LockPicture({ variant }: { readonly variant: VariantStore }) {
  return (
    <CanvasHost
      name="locks"
      label={
        `Time spent waiting for each lock of ${variant.description.label}, over time. ` +
        'Arrow keys move the moment looked at.'
      }
      make={(canvas) => new WaitMap(canvas, variant)}
      onPoint={(map, x) => lookAt(map.xAt(x))}
      onLeave={() => lookAt(null)}
      onKey={onTimeKey}
    />
  )
}

const byWait = (a: LockState, b: LockState): number => b.waitNs - a.waitNs
/** Locks in the short table of each variant. */
const BUSIEST = 5

/** The scale, and the locks waited for longest. */
function Busiest() {
  textTick.value
  return (
    <>
      <ul class="keys">
        <li>
          none waits <i class="heat-scale" /> {WAITERS_MAX} threads wait at once
        </li>
      </ul>
      <div class={`multiples of-${Math.min(variants.value.length, 4)}`}>
        {variants.value.map((variant, place) => (
          <BusiestOf variant={variant} key={place} />
        ))}
      </div>
    </>
  )
}

function BusiestOf({ variant }: { readonly variant: VariantStore }) {
  textTick.value
  const locks = variant.locksAt(momentOf(variant)).sort(byWait).slice(0, BUSIEST)
  return (
    <table class="compact">
      <caption class="visually-hidden">
        {`Locks of ${variant.description.label} waited for longest`}
      </caption>
      <thead>
        <tr>
          <th scope="col">Lock</th>
          <th scope="col">Waited</th>
          <th scope="col">Longest</th>
          <th scope="col">Contended</th>
          <th scope="col">Most waiting</th>
        </tr>
      </thead>
      <tbody>
        {locks.map((lock) => (
          <tr key={lock.name}>
            <th scope="row">{lock.name}</th>
            <td>{duration(lock.waitNs)}</td>
            <td>{duration(lock.waitNsMax)}</td>
            <td>{contended(lock)}</td>
            <td>{count(lock.waitersMax)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const contended = (lock: LockState): string =>
  percent(lock.acquisitions === 0 ? 0 : lock.waits / lock.acquisitions)

function LockTable() {
  textTick.value
  const rows = variants.value.flatMap((variant) =>
    variant
      .locksAt(momentOf(variant))
      .sort(byWait)
      .map((lock) => [
        lock.name,
        variant.description.label,
        count(lock.acquisitions),
        count(lock.waits),
        contended(lock),
        duration(lock.waitNs),
        duration(lock.waitNsMax),
        count(lock.waitersMax),
        count(lock.ownerSwitches),
        count(lock.failedTries),
      ]),
  )
  return (
    <DataTable
      caption="Locks at the moment looked at, longest waits first"
      columns={[
        'Lock',
        'Variant',
        'Acquisitions',
        'Waits',
        'Contended',
        'Waited',
        'Longest wait',
        'Most waiting',
        'Owner switches',
        'Failed tries',
      ]}
      rows={rows}
    />
  )
}
