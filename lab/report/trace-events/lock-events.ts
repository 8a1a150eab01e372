/**
 * Slices of lock waits, and of what they waited for.
 *
 * A wait is known whole. Of a hold, the lab keeps nothing on the good path of a lock, so it shows
 * what others saw of it: from when a lab thread got the lock after waiting for it (or, when it got
 * it at once, from when the first other one was seen to wait for it) to when it let go of it with
 * others waiting. Holds that nobody waited for are not shown.
 */

import { WAIT_FIGURES, type WaitLine } from '../../metrics/wait-reader.ts'
import { RELEASED } from '../../sync/wait-log.ts'
import { namedTrack, pidOf, span, type TraceEvent, Track } from './events.ts'

interface Wait {
  readonly start: number
  readonly thread: number
  readonly ns: number
  readonly holder: number
}

/** A slice on the track of a lab thread's holds. */
interface Hold {
  readonly lock: number
  readonly start: number
  readonly end: number
}

interface LockLog {
  readonly waits: Wait[]
  readonly releases: { readonly t: number; readonly thread: number }[]
}

/** What waits.ndjson tells of one variant. */
export class LockEvents {
  readonly #pid: number
  readonly #names = new Map<number, string>()
  readonly #locks = new Map<number, LockLog>()
  /** From the first wait's beginning to the last one's end, by lab thread. */
  readonly spans = new Map<number, { start: number; end: number }>()
  dropped = 0

  constructor(variant: number) {
    this.#pid = pidOf(variant)
  }

  add({ locks, waits, dropped }: WaitLine): void {
    this.dropped += dropped
    for (const [id, name] of Object.entries(locks)) this.#names.set(Number(id), name)
    for (let at = 0; at + WAIT_FIGURES <= waits.length; at += WAIT_FIGURES) {
      const [start, thread, lock, ns, holder] = waits.slice(at, at + WAIT_FIGURES) as Figures
      const log = this.#logOf(lock)
      if (ns === RELEASED) log.releases.push({ t: start, thread })
      else this.#addWait(log, { start: Math.max(0, start), thread, ns, holder })
    }
  }

  /** Every slice. Tracks of lab threads are named elsewhere, those of holds here. */
  *events(): Generator<TraceEvent> {
    const holds = new Map<number, Hold[]>()
    for (const [lock, log] of this.#locks) {
      for (const wait of log.waits) yield this.#waitEvent(lock, wait)
      for (const { thread, ...hold } of holdsOf(lock, log)) {
        const known = holds.get(thread)
        if (known === undefined) holds.set(thread, [hold])
        else known.push(hold)
      }
    }
    for (const [thread, found] of holds) {
      const track = Track.ofHolds(thread)
      yield* namedTrack(this.#pid, track, `lab thread ${thread} · keeps others waiting`)
      for (const hold of nested(found)) {
        yield {
          ph: 'X',
          pid: this.#pid,
          tid: track,
          name: `holds ${this.#nameOf(hold.lock)}`,
          cat: 'lock',
          ...span(hold.start, hold.end),
          args: { lock: this.#nameOf(hold.lock) },
        }
      }
    }
  }

  #logOf(lock: number): LockLog {
    const known = this.#locks.get(lock)
    if (known !== undefined) return known
    const log: LockLog = { waits: [], releases: [] }
    this.#locks.set(lock, log)
    return log
  }

  #addWait(log: LockLog, wait: Wait): void {
    log.waits.push(wait)
    const end = wait.start + wait.ns
    const span = this.spans.get(wait.thread)
    if (span === undefined) this.spans.set(wait.thread, { start: wait.start, end })
    else {
      span.start = Math.min(span.start, wait.start)
      span.end = Math.max(span.end, end)
    }
  }

  #nameOf(lock: number): string {
    return this.#names.get(lock) ?? `lock ${lock}`
  }

  #waitEvent(lock: number, { start, thread, ns, holder }: Wait): TraceEvent {
    const name = this.#nameOf(lock)
    const by = holder < 0 ? 'not known' : `lab thread ${holder}`
    return {
      ph: 'X',
      pid: this.#pid,
      tid: Track.ofThread(thread),
      name: `waits for ${name}`,
      cat: 'lock',
      ...span(start, start + ns),
      args: { lock: name, heldBy: by },
    }
  }
}

type Figures = [number, number, number, number, number]

/** The moments of one lock, in order: somebody begins to wait, gets it, or lets go of it. */
function momentsOf({ waits, releases }: LockLog): Moment[] {
  const moments: Moment[] = []
  for (const { start, thread, ns, holder } of waits) {
    if (holder >= 0) moments.push({ t: start, kind: 'seen', thread: holder })
    moments.push({ t: start + ns, kind: 'got', thread })
  }
  for (const { t, thread } of releases) moments.push({ t, kind: 'released', thread })
  return moments.sort((a, b) => a.t - b.t || ORDER[a.kind] - ORDER[b.kind])
}

/** At one moment of simulated time a lock is let go before it is taken, and then waited for. */
const ORDER = { released: 0, got: 1, seen: 2 } as const

interface Moment {
  readonly t: number
  readonly kind: 'seen' | 'got' | 'released'
  readonly thread: number
}

function* holdsOf(lock: number, log: LockLog): Generator<Hold & { readonly thread: number }> {
  /** Since when a lab thread is known to hold it. */
  const since = new Map<number, number>()
  for (const { t, kind, thread } of momentsOf(log)) {
    if (kind === 'seen') {
      if (!since.has(thread)) since.set(thread, t)
    } else if (kind === 'got') {
      // Whoever was seen to hold it does so no longer.
      since.clear()
      since.set(thread, t)
    } else {
      const start = since.get(thread)
      since.delete(thread)
      if (start !== undefined) yield { lock, thread, start, end: t }
    }
  }
}

/** Locks need not be let go in the order they were taken, slices must: the inner one is cut. */
function* nested(holds: readonly Hold[]): Generator<Hold> {
  const sorted = [...holds].sort((a, b) => a.start - b.start || b.end - a.end)
  const open: Hold[] = []
  for (const hold of sorted) {
    while (open.length > 0 && open.at(-1)!.end <= hold.start) open.pop()
    const end = Math.min(hold.end, open.at(-1)?.end ?? hold.end)
    const cut = { ...hold, end }
    open.push(cut)
    yield cut
  }
}
