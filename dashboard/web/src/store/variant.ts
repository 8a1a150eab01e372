/** What the page keeps of one variant: series in bounded tables, and the newest of everything. */

import type {
  Anatomy,
  LogSample,
  SafepointSample,
  Sample,
  SampleLine,
} from '../../../../lab/metrics/types.ts'
import type { MatrixSample, VariantDescription, VariantEnd } from '../../../protocol.ts'
import { ArenaChanges } from './arena-changes.ts'
import { LookShelf } from './looks.ts'
import { SeriesTable } from './series-table.ts'

/** Columns of `totals`. */
const TOTAL = ['rss', 'live', 'vmSize', 'ops', 'minorFaults', 'systemCalls'] as const
export const Total = { RSS: 0, LIVE: 1, VM_SIZE: 2, OPS: 3, FAULTS: 4, CALLS: 5 } as const

/** Columns per arena of `arenas`. */
const ARENA = ['system', 'resident', 'top', 'attachedThreads', 'live', 'free'] as const
/** Columns per lock of `locks`. */
const LOCK = [
  'acquisitions',
  'waits',
  'waitNs',
  'waitNsMax',
  'waitersMax',
  'ownerSwitches',
  'failedTries',
] as const
/** Columns per seat of `threads`: running totals. */
const THREAD = ['ops', 'lockWaitNs'] as const
export const ThreadFigure = { OPS: 0, LOCK_WAIT_NS: 1 } as const
/** Columns of `latency`: nanoseconds, of the ops timed since the look before. */
export const Latency = {
  MALLOC_P50: 0,
  MALLOC_P99: 1,
  MALLOC_P999: 2,
  FREE_P50: 3,
  FREE_P99: 4,
  FREE_P999: 5,
} as const

/** One arena at one time, bytes. `pinnedFree` as of the last safepoint before it. */
export interface ArenaState {
  readonly name: string
  readonly system: number
  readonly resident: number
  readonly live: number
  readonly top: number
  /** Resident, and neither live nor top; the pinned part included. */
  readonly free: number
  readonly pinnedFree: number
  readonly attachedThreads: number
}

/** One lock at one time: running totals. */
export type LockState = { readonly name: string } & Readonly<Record<(typeof LOCK)[number], number>>

/** What is kept of a safepoint; the newest one is kept whole beside it. */
export interface SafepointMark {
  readonly t: number
  readonly reason: SafepointSample['reason']
  readonly label: string
  readonly anatomy: Anatomy
  readonly arenas: SafepointSample['arenas']
}

const MARKS_MAX = 300
const MATRICES_MAX = 120
const EVENTS_MAX = 2000

export class VariantStore {
  readonly description: VariantDescription
  readonly totals = new SeriesTable(TOTAL.length)
  readonly arenas = new SeriesTable(0)
  readonly locks = new SeriesTable(0)
  readonly threads = new SeriesTable(0)
  readonly latency = new SeriesTable(6, 600)
  /** Safepoints kept whole. */
  readonly looks = new LookShelf()
  readonly arenaNames: string[] = []
  readonly lockNames: string[] = []
  newest: Sample | undefined
  newestSafepoint: SafepointSample | undefined
  marks: SafepointMark[] = []
  matrices: MatrixSample[] = []
  events: LogSample[] = []
  /** Events that are known of, and not kept. */
  eventsLeft = 0
  /** Counts up with every event and look: lists made of them know when they are old. */
  eventsSeen = 0
  seats = 0
  end: VariantEnd | undefined
  rssMax = 0
  vmSizeMax = 0
  /** Largest `system` of any arena. */
  arenaMax = 0
  /** When arenas grew and gave back. */
  readonly arenaChanges = new ArenaChanges()
  readonly #lockPlaces = new Map<string, number>()
  /** Nanoseconds at which the process ended or was killed. */
  #endedAt = Number.POSITIVE_INFINITY

  constructor(description: VariantDescription) {
    this.description = description
  }

  /** Nanoseconds of the newest thing known. */
  get tEnd(): number {
    const newest = Math.max(this.newest?.t ?? 0, this.newestSafepoint?.t ?? 0)
    return Math.min(newest, this.#endedAt)
  }

  apply(line: SampleLine): void {
    if (line.type === 'sample') this.#applySample(line)
    else if (line.type === 'safepoint') this.#applySafepoint(line)
    else {
      this.events.push(line)
      this.eventsSeen++
      if (this.events.length > EVENTS_MAX) this.#dropEvents()
    }
  }

  #dropEvents(): void {
    const left = this.events.length
    this.events = this.events.slice(-EVENTS_MAX / 2)
    this.eventsLeft += left - this.events.length
  }

  applyMatrix(matrix: MatrixSample): void {
    this.matrices.push(matrix)
    if (this.matrices.length > MATRICES_MAX) {
      this.matrices = this.matrices.filter((_, place) => place % 2 === 1)
    }
  }

  /** The last mark at or before `t`. */
  markAt(t: number): SafepointMark | undefined {
    return this.marks.findLast((mark) => mark.t <= t)
  }
  /** The last matrix at or before `t`, or the first there is. */
  matrixAt(t: number): MatrixSample | undefined {
    return this.matrices.findLast((matrix) => matrix.t <= t) ?? this.matrices[0]
  }

  /** Every arena at time `t` (ns), in the order of appearance; empty before the first sample. */
  arenasAt(t: number): ArenaState[] {
    const row = this.arenas.rowAt(t)
    if (row < 0) return []
    const mark = this.markAt(t)
    return this.arenaNames.map((name, place) => {
      const [system, resident, top, attachedThreads, live] = ARENA.map((_, field) =>
        this.arenas.at(row, place * ARENA.length + field),
      ) as [number, number, number, number, number]
      // Live and top come from different moments than resident: held inside it for the picture.
      const liveShown = Math.min(live, resident)
      const topShown = Math.min(top, resident - liveShown)
      const free = resident - liveShown - topShown
      const pinnedFree = Math.min(mark?.arenas[place]?.pinnedFree ?? 0, free)
      return {
        name,
        system,
        resident,
        attachedThreads,
        live: liveShown,
        top: topShown,
        free,
        pinnedFree,
      }
    })
  }

  /** Every lock at time `t` (ns). */
  locksAt(t: number): LockState[] {
    const row = this.locks.rowAt(t)
    if (row < 0) return []
    return this.lockNames.map((name, place) => {
      const state = { name } as { name: string } & Record<(typeof LOCK)[number], number>
      for (const [field, key] of LOCK.entries()) {
        state[key] = this.locks.at(row, place * LOCK.length + field)
      }
      return state
    })
  }

  /** Nanoseconds waited for lock `place` up to row `row` of `locks`. */
  lockWaitNs(row: number, place: number): number {
    return this.locks.at(row, place * LOCK.length + 2)
  }

  /** A `ThreadFigure` of a seat at row `row` of `threads`. */
  threadAt(row: number, seat: number, figure: number): number {
    return this.threads.at(row, seat * THREAD.length + figure)
  }

  #applySample(sample: Sample): void {
    this.newest = sample
    // The lab looks at the heap for a while after the end: nothing runs then.
    if (sample.t > this.#endedAt) return
    this.arenaChanges.add(sample)
    const row = this.totals.addRow(sample.t)
    for (const [column, key] of TOTAL.entries()) this.totals.set(row, column, sample[key])
    this.rssMax = Math.max(this.rssMax, sample.rss)
    this.vmSizeMax = Math.max(this.vmSizeMax, sample.vmSize)
    const arenaRow = this.arenas.addRow(sample.t)
    for (const [place, arena] of sample.arenas.entries()) {
      this.arenaNames[place] = arena.name
      this.arenas.widen((place + 1) * ARENA.length)
      for (const [field, key] of ARENA.entries()) {
        this.arenas.set(arenaRow, place * ARENA.length + field, arena[key])
      }
      this.arenaMax = Math.max(this.arenaMax, arena.system, arena.resident)
    }
    const threadRow = this.threads.addRow(sample.t)
    this.seats = Math.max(this.seats, sample.threads.length)
    this.threads.widen(this.seats * THREAD.length)
    for (const [seat, thread] of sample.threads.entries()) {
      for (const [field, key] of THREAD.entries()) {
        this.threads.set(threadRow, seat * THREAD.length + field, thread[key])
      }
    }
    const lockRow = this.locks.addRow(sample.t)
    for (const [index, lock] of sample.locks.entries()) {
      const place = this.#lockPlace(index, lock.name)
      this.locks.widen((place + 1) * LOCK.length)
      for (const [field, key] of LOCK.entries()) {
        this.locks.set(lockRow, place * LOCK.length + field, lock[key])
      }
    }
    if (sample.matrix !== undefined) {
      const seats = sample.matrix.length
      this.applyMatrix({ t: sample.t, seats, blocks: sample.matrix.flat() })
    }
  }

  /** A lock keeps its place when a sample leaves others out; two of one name go by their order. */
  #lockPlace(index: number, name: string): number {
    if (this.lockNames[index] === name) return index
    const known = this.#lockPlaces.get(name)
    if (known !== undefined) return known
    this.#lockPlaces.set(name, this.lockNames.length)
    this.lockNames.push(name)
    return this.lockNames.length - 1
  }

  #applyLatency({ t, survey }: SafepointSample): void {
    const { malloc, free } = survey?.latency ?? {}
    if (malloc === undefined || free === undefined || malloc.timed + free.timed === 0) return
    const row = this.latency.addRow(t)
    const figures = [malloc.p50, malloc.p99, malloc.p999, free.p50, free.p99, free.p999]
    for (const [column, ns] of figures.entries()) this.latency.set(row, column, ns)
  }

  /** Samples of the time after it may have come before the look that tells of it. */
  #endAt({ t, rss, live, vmSize, ops, minorFaults }: SafepointSample): void {
    this.#endedAt = t
    for (const table of [this.totals, this.arenas, this.locks, this.threads]) table.cutAfter(t)
    const { totals } = this
    const systemCalls = totals.at(totals.length - 1, Total.CALLS)
    const last = { rss, live, vmSize, ops, minorFaults, systemCalls }
    const row = totals.addRow(t)
    for (const [column, key] of TOTAL.entries()) totals.set(row, column, last[key])
  }

  #applySafepoint(safepoint: SafepointSample): void {
    const { t, reason, label, anatomy, arenas } = safepoint
    if (reason === 'end' || reason === 'oom') this.#endAt(safepoint)
    this.newestSafepoint = safepoint
    this.looks.add(safepoint)
    this.eventsSeen++
    this.#applyLatency(safepoint)
    this.rssMax = Math.max(this.rssMax, safepoint.rss)
    this.marks.push({ t, reason, label, anatomy, arenas })
    if (this.marks.length > MARKS_MAX) this.marks = thinMarks(this.marks)
  }
}

/** Every second tick goes; phase marks, the end and the OOM kill stay while that is enough. */
function thinMarks(marks: readonly SafepointMark[]): SafepointMark[] {
  const isTick = (mark: SafepointMark): boolean =>
    mark.reason === 'tick' || mark.reason === 'request'
  let ticks = 0
  const kept = marks.filter((mark) => !isTick(mark) || ticks++ % 2 === 0)
  return kept.length < marks.length ? kept : marks.filter((_, place) => place % 2 === 0)
}
