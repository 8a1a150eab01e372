/** Goal: a sample says what a hand-made control buffer holds, and costs no stop. */
import { describe, expect, it } from 'vitest'
import type { LockId } from '../../allocators/contract.ts'
import { LockFigure, lockFloats, makeLockRow } from '../sync/lock-table.ts'
import {
  type Control,
  ControlWord,
  createControl,
  LOG_ENTRY,
  LogField,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../words/control.ts'
import { COUNTER_ROW, Counter, Event } from '../words/events.ts'
import { PageState } from '../words/page-state.ts'
import { PAGE_BYTES, PAGE_WORDS, type WordIndex } from '../words/units.ts'
import { EventLogReader } from './event-log.ts'
import { Sampler } from './sampler.ts'
import { safepointSample } from './test/safepoint.ts'

const SEATS = 3
const LOG_ENTRIES = 4

function control(): Control {
  return createControl({
    seats: SEATS,
    heapBytes: 64 * PAGE_BYTES,
    mappingsMax: 4,
    locksMax: 200,
    cellsPerSeat: 1,
    tableCells: 0,
    channelCapacities: [],
    barriers: 0,
    runQueueSlots: 2,
    logEntries: LOG_ENTRIES,
  })
}

/** A lock that was waited for, in the next row of the table. */
function addLock(shared: Control, name: string, waitNs: number): void {
  const figures = lockFloats(shared, makeLockRow(shared, 0, name))
  shared.float64[figures + LockFigure.ACQUISITIONS] = 1
  shared.float64[figures + LockFigure.WAIT_NS] = waitNs
}

const samplerOf = (shared: Control): Sampler =>
  new Sampler({
    control: shared,
    now: () => 1234,
    space: () => ({ rss: 40_960, vmSize: 81_920 }),
    glance: () => [{ systemBytes: 8192, topBytes: 512, attachedThreads: 2, lock: 0 as LockId }],
  })

const setCounter = (shared: Control, seat: number, counter: Counter, value: number): void => {
  shared.counters[seat * COUNTER_ROW + counter] = value
}

describe('sampler: counters', () => {
  it('sums over seats; a seat that freed what another allocated counts negative', () => {
    const shared = control()
    setCounter(shared, 0, Counter.LIVE_BYTES, 5000)
    setCounter(shared, 2, Counter.LIVE_BYTES, -1500)
    setCounter(shared, 0, Counter.OPS, 10)
    setCounter(shared, 1, Counter.OPS, 7)
    setCounter(shared, 1, Counter.SYS_BRK, 2)
    setCounter(shared, 2, Counter.SYS_MADVISE, 3)
    const sample = samplerOf(shared).take()
    expect(sample).toMatchObject({ t: 1234, rss: 40_960, live: 3500, ops: 17, systemCalls: 5 })
    expect(sample.threads.map(({ ops }) => ops)).toEqual([10, 7, 0])
  })

  it('names states, and shows free seats without a lab thread', () => {
    const shared = control()
    shared.seats[SEAT_ROW_WORDS + SeatWord.STATE] = SeatState.LOCK
    shared.seats[SEAT_ROW_WORDS + SeatWord.THREAD] = 6
    const { threads } = samplerOf(shared).take()
    expect(threads.map(({ thread, state }) => [thread, state])).toEqual([
      [-1, 'free'],
      [5, 'lock'],
      [-1, 'free'],
    ])
  })

  it('remembers the highest live bytes it saw', () => {
    const shared = control()
    const sampler = samplerOf(shared)
    for (const live of [100, 900, 300]) {
      setCounter(shared, 0, Counter.LIVE_BYTES, live)
      sampler.take()
    }
    expect(sampler.liveMax).toBe(900)
    sampler.noteSafepoint(safepointSample({ live: 1000 }))
    expect(sampler.liveMax).toBe(1000)
  })
})

describe('sampler: arenas, locks, matrix', () => {
  it('counts resident pages of the heaps that the last safepoint told of', () => {
    const shared = control()
    shared.pages.fill(PageState.RESIDENT, 4, 7)
    addLock(shared, 'arena 0', 77)
    const sampler = samplerOf(shared)
    expect(sampler.take().arenas[0]).toMatchObject({ resident: 0, lockWaitNs: 77, top: 512 })
    const start = (4 * PAGE_WORDS) as WordIndex
    sampler.noteSafepoint(
      safepointSample({
        label: 'day 0',
        heaps: [{ start, bytes: PAGE_BYTES, reservedBytes: 8 * PAGE_BYTES }],
      }),
    )
    const sample = sampler.take()
    // The heap has grown to two pages since: `systemBytes` of the glance says so.
    expect(sample.arenas[0]).toMatchObject({ name: 'main arena', resident: 2 * PAGE_BYTES })
    expect(sample.phase).toBe('day 0')
  })

  it('keeps the locks most waited for when there are too many', () => {
    const shared = control()
    for (let id = 0; id < 150; id++) addLock(shared, `lock ${id}`, id)
    makeLockRow(shared, 0, 'never taken')
    const sample = samplerOf(shared).take()
    expect(sample.locks).toHaveLength(64)
    expect(sample.locks[0]!.name).toBe('lock 149')
  })

  it('brings the matrix with every tenth sample', () => {
    const shared = control()
    shared.matrixBlocks[1 * SEATS + 2] = 9
    const sampler = samplerOf(shared)
    const with_ = Array.from({ length: 11 }, () => sampler.take().matrix)
    expect(with_.map((matrix) => matrix !== undefined)).toEqual([
      true,
      ...new Array(9).fill(false),
      true,
    ])
    expect(with_[0]).toEqual([
      [0, 0, 0],
      [0, 0, 9],
      [0, 0, 0],
    ])
  })
})

describe('event log', () => {
  const write = (shared: Control, entry: number, finished = true): void => {
    const at = shared.plan.at.log / 8 + (entry % LOG_ENTRIES) * LOG_ENTRY
    shared.words[ControlWord.LOG_WRITTEN] = entry + 1
    shared.float64[at + LogField.TIME] = entry * 10
    shared.float64[at + LogField.EVENT] = Event.ARENA_NEW
    shared.float64[at + LogField.A] = entry
    shared.float64[at + LogField.SEQUENCE] = finished ? entry + 1 : 0
  }

  it('gives each entry once, oldest first', () => {
    const shared = control()
    const reader = new EventLogReader(shared)
    write(shared, 0)
    write(shared, 1)
    expect(reader.drain().map(({ a, event }) => [a, event])).toEqual([
      [0, 'arena_new'],
      [1, 'arena_new'],
    ])
    expect(reader.drain()).toEqual([])
  })

  it('counts what the ring has overwritten', () => {
    const shared = control()
    const reader = new EventLogReader(shared)
    for (let entry = 0; entry < 10; entry++) write(shared, entry)
    expect(reader.drain().map(({ a }) => a)).toEqual([6, 7, 8, 9])
    expect(reader.lost).toBe(6)
  })

  it('waits for an entry that is still being written', () => {
    const shared = control()
    const reader = new EventLogReader(shared)
    write(shared, 0)
    write(shared, 1, false)
    expect(reader.drain()).toHaveLength(1)
    write(shared, 1)
    expect(reader.drain().map(({ a }) => a)).toEqual([1])
  })
})
