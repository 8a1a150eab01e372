/** *Who waits for whom?* */
import { WAITERS_MAX, WaitMap } from '../draw/wait-map.ts'
import { count, duration, percent } from '../format.ts'
import { changed, momentOf, textTick, variants, waitRows } from '../state.ts'
import { type LockState, ThreadFigure, type VariantStore } from '../store/variant.ts'
import { Choice } from './choice.tsx'
import { TimeHost } from './picture.tsx'
import { Section } from './section.tsx'
import { CompactTable, DataTable } from './tables.tsx'

export function LocksView() {
  return (
    <Section
      id="locks"
      question="Who waits for whom?"
      lookFor="Look for one dark row: a lock that most threads need at once. Many pale rows are
        harmless. An owner that switches often means the lock’s cache line travels."
      tools={
        <Choice
          name="wait-rows"
          label="Rows of the map"
          options={[
            ['locks', 'by lock'],
            ['threads', 'by thread'],
          ]}
          value={waitRows.value}
          onChange={(value) => {
            waitRows.value = value
            changed()
          }}
        />
      }
      panel={(variant) => <LockPicture variant={variant} />}
      legend={<Busiest />}
      table={() => <LockTable />}
    />
  )
}

function LockPicture({ variant }: { readonly variant: VariantStore }) {
  return (
    <TimeHost
      name="locks"
      label={
        `Time spent waiting, by ${waitRows.value === 'locks' ? 'lock' : 'thread'}, under ` +
        `${variant.description.label}, over time.`
      }
      make={(canvas) => new WaitMap(canvas, variant)}
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
        {waitRows.value === 'locks' ? (
          <li>
            none waits <i class="heat-scale" /> {WAITERS_MAX} threads wait at once
          </li>
        ) : (
          <li>
            does not wait <i class="heat-scale" /> waits all the time
          </li>
        )}
      </ul>
      <div class={`multiples of-${Math.min(variants.value.length, 4)}`}>
        {variants.value.map((variant, place) => (
          <div key={place}>
            {waitRows.value === 'locks' ? (
              <BusiestOf variant={variant} />
            ) : (
              <WaitingOf variant={variant} />
            )}
          </div>
        ))}
      </div>
    </>
  )
}

function BusiestOf({ variant }: { readonly variant: VariantStore }) {
  textTick.value
  const locks = variant
    .locksAt(momentOf(variant))
    .filter(({ waitNs }) => waitNs > 0)
    .sort(byWait)
    .slice(0, BUSIEST)
  return (
    <CompactTable
      caption={`Locks of ${variant.description.label} waited for longest`}
      columns={['Lock', 'Waited', 'Longest', 'Contended']}
      rows={locks.map((lock) => [
        lock.name,
        duration(lock.waitNs),
        duration(lock.waitNsMax),
        contended(lock),
      ])}
    />
  )
}

/** Threads that waited longest, and what share of their time that was. */
function WaitingOf({ variant }: { readonly variant: VariantStore }) {
  textTick.value
  const rows = threadRows(variant)
    .slice(0, BUSIEST)
    .map(({ seat, waitNs, share, ops }) => [
      `thread ${seat}`,
      duration(waitNs),
      percent(share),
      count(ops),
    ])
  return (
    <CompactTable
      caption={`Threads of ${variant.description.label} that waited longest`}
      columns={['Thread', 'Waited', 'Of its time', 'Ops']}
      rows={rows}
    />
  )
}

/** All seats up to the moment, the longest waits first; `share` is of the run so far. */
function threadRows(variant: VariantStore) {
  const row = variant.threads.rowAt(momentOf(variant))
  if (row < 0) return []
  const t = Math.max(variant.threads.time(row), 1)
  return Array.from({ length: variant.seats }, (_, seat) => {
    const waitNs = variant.threadAt(row, seat, ThreadFigure.LOCK_WAIT_NS)
    return {
      seat,
      waitNs,
      share: Math.min(waitNs / t, 1),
      ops: variant.threadAt(row, seat, ThreadFigure.OPS),
    }
  }).sort((a, b) => b.waitNs - a.waitNs)
}

const contended = (lock: LockState): string =>
  percent(lock.acquisitions === 0 ? 0 : lock.waits / lock.acquisitions)

function LockTable() {
  textTick.value
  return waitRows.value === 'locks' ? <LocksTable /> : <ThreadsTable />
}

function ThreadsTable() {
  textTick.value
  const rows = variants.value.flatMap((variant) =>
    threadRows(variant).map(({ seat, waitNs, share, ops }) => [
      `thread ${seat}`,
      variant.description.label,
      duration(waitNs),
      percent(share),
      count(ops),
    ]),
  )
  return (
    <DataTable
      caption="Threads at the moment looked at, longest waits first"
      columns={['Thread', 'Variant', 'Waited', 'Of its time', 'Ops']}
      rows={rows}
    />
  )
}

function LocksTable() {
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
