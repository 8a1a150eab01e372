/**
 * Goal: the file is what viewers expect, and says what the run's files say. Method: files written
 * by hand for each rule, checked by a checker that is itself checked with broken files.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { traceEventProblems } from '../../../test/support/trace-event-format.ts'
import { safepointSample } from '../../metrics/test/safepoint.ts'
import { sampleOf } from '../test/samples.ts'
import { traceEventsOf } from './file.ts'

interface Event {
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly name: string
  readonly cat?: string
  readonly ts: number
  readonly dur: number
  readonly args: Readonly<Record<string, unknown>>
}

/** The file made of these lines. */
async function traceOf(lines: readonly object[], waits?: readonly object[]) {
  const folder = temporaryFolder('trace')
  const ndjson = (all: readonly object[]): string =>
    all.map((line) => `${JSON.stringify({ variant: 0, ...line })}\n`).join('')
  const sources = {
    samples: join(folder, 'samples.ndjson'),
    waits: join(folder, 'waits.ndjson'),
    variants: ['glibc', 'glibc:arena_max=1'],
  }
  writeFileSync(sources.samples, ndjson(lines))
  if (waits !== undefined) writeFileSync(sources.waits, ndjson(waits))
  let text = ''
  for await (const chunk of traceEventsOf(sources)) text += chunk
  const { traceEvents, otherData } = JSON.parse(text)
  return { text, events: traceEvents as Event[], about: otherData as Record<string, unknown> }
}

const thread = (number: number) => ({ thread: number, ops: 0, lockWaitNs: 0, state: 'running' })
const MS = 1e6

/** One line of waits.ndjson: begin, lab thread, lock, length (-1: let go), holder. */
const waitLine = (waits: readonly number[][], dropped = 0) => ({
  type: 'waits',
  t: 100 * MS,
  locks: { 0: 'mmap_lock', 1: 'arena 1' },
  waits: waits.flat(),
  dropped,
})

describe('trace events: a run', () => {
  const lines = [
    { ...sampleOf({ t: 10 * MS, rss: 100, ops: 0 }), threads: [thread(0), thread(1)] },
    { ...sampleOf({ t: 60 * MS, rss: 300, ops: 500 }), threads: [thread(0), thread(1)] },
    { type: 'event', t: 5 * MS, thread: 0, event: 'thread_started', a: 1, b: 0 },
    safepointSample({ t: 70 * MS, reason: 'phase', label: 'day 0' }),
    safepointSample({ t: 90 * MS, reason: 'oom', label: '' }),
  ]

  it('is a sound file', async () => {
    const { text } = await traceOf(lines)
    expect(traceEventProblems(text)).toEqual([])
  })

  it('has a process for each variant, and counters in bytes and a second', async () => {
    const { events } = await traceOf(lines)
    const names = events.filter(({ name, tid }) => name === 'process_name' && tid === 0)
    expect(new Map(names.map(({ pid, args }) => [pid, args['name']]))).toEqual(
      new Map([
        [1, 'glibc'],
        [2, 'glibc:arena_max=1'],
      ]),
    )
    const memory = events.filter(({ name }) => name === 'memory (bytes)')
    expect(memory.map(({ ts, args }) => [ts, args['rss']])).toEqual([
      [10_000, 100],
      [60_000, 300],
    ])
    const ops = events.find(({ name }) => name === 'ops per second')!
    expect(ops.args['ops']).toBe(10_000)
  })

  it('phases are slices from mark to mark, the OOM kill is a mark', async () => {
    const { events } = await traceOf(lines)
    const phases = events.filter(({ ph, cat }) => ph === 'X' && cat === 'phase')
    expect(phases.map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
      ['to day 0', 0, 70_000],
      ['to the end', 70_000, 20_000],
    ])
    expect(events.some(({ ph, name }) => ph === 'i' && name === 'OOM kill')).toBe(true)
  })

  it('a lab thread lives from its start to when it was last seen', async () => {
    const { events } = await traceOf(lines)
    const life = events.find(({ ph, name }) => ph === 'X' && name === 'lab thread 1')!
    expect([Math.round(life.ts), Math.round(life.dur)]).toEqual([5000, 55_000])
  })

  it('slices that touch do not cross, whatever their nanoseconds are', async () => {
    // Products with 1000 that fall below a whole number, and times between two nanoseconds.
    const marks = [4003, 8006.4, 16_010.6, 1_000_001.5, 4_294_967_297.25, 8_366_111_031]
    const { text, events } = await traceOf(
      marks.map((t) => safepointSample({ t, reason: 'phase', label: 'day 0' })),
    )
    expect(traceEventProblems(text)).toEqual([])
    const phases = events.filter(({ cat, ph }) => cat === 'phase' && ph === 'X')
    const ends = phases.map(({ ts, dur }) => Math.trunc(ts * 1000) + Math.trunc(dur * 1000))
    expect(ends).toEqual(marks.map(Math.round))
  })

  it('says that lock waits were not kept', async () => {
    expect((await traceOf(lines)).about['lockWaits']).toMatch(/^not kept/)
  })
})

describe('trace events: remote frees', () => {
  const matrix = (rows: number[][], t: number) => ({
    ...sampleOf({ t }),
    threads: [thread(0), thread(1), thread(2)],
    matrix: rows,
  })
  const zero = [0, 0, 0]

  it('one arrow for each pair of seats, with the blocks of the stretch', async () => {
    const { text, events } = await traceOf([
      matrix([zero, [5, 0, 0], zero], 10 * MS),
      matrix([zero, [12, 9, 0], [0, 4, 0]], 510 * MS),
    ])
    expect(traceEventProblems(text)).toEqual([])
    const begins = events.filter(({ ph }) => ph === 's')
    const ends = events.filter(({ ph }) => ph === 'f')
    expect(begins.map(({ args }) => args['blocks'])).toEqual([7, 4])
    const seat = ({ tid }: Event): number => tid - 1_000_000_000
    // Seat 0 allocated and seat 1 freed; then seat 1 allocated and seat 2 freed.
    expect(begins.map(seat)).toEqual([0, 1])
    expect(ends.map(seat)).toEqual([1, 2])
  })

  it('of very many pairs the largest are drawn, the others counted', async () => {
    const seats = 30
    const rows = Array.from({ length: seats }, (_, freeing) =>
      Array.from({ length: seats }, (_, from) => freeing * seats + from + 1),
    )
    const none = rows.map((row) => row.map(() => 0))
    const { events, about } = await traceOf([matrix(none, 0), matrix(rows, 500 * MS)])
    expect(events.filter(({ ph }) => ph === 's')).toHaveLength(200)
    expect(about['arrowsLeftOut']).toBe(seats * (seats - 1) - 200)
  })
})

describe('trace events: locks', () => {
  const alive = [{ ...sampleOf({ t: 0 }), threads: [thread(1), thread(2), thread(3)] }]
  const holds = (events: readonly Event[]): unknown[] =>
    events
      .filter(({ name }) => name.startsWith('holds'))
      .map(({ name, tid, ts, dur }) => [name, (tid - 11) / 2, ts, dur])

  it('a wait is a slice of who waited, and names lock and holder', async () => {
    const { text, events, about } = await traceOf(alive, [waitLine([[2 * MS, 3, 1, 4 * MS, 2]], 7)])
    expect(traceEventProblems(text)).toEqual([])
    const wait = events.find(({ name }) => name === 'waits for arena 1')!
    expect([wait.tid, wait.ts, wait.dur]).toEqual([10 + 2 * 3, 2000, 4000])
    expect(wait.args['heldBy']).toBe('lab thread 2')
    expect(about['lockWaitsDropped']).toBe(7)
    expect(about['lockWaits']).toMatch(/7 of them were dropped/)
  })

  it('a hold begins when somebody is seen to wait for it, or when it was waited for', async () => {
    const { text, events } = await traceOf(alive, [
      waitLine([
        // 3 waits for 2 from ms 2 to 6; 1 waits behind it, and gets the lock from 3 at ms 9.
        [6 * MS - 1000, 2, 1, -1, -1],
        [2 * MS, 3, 1, 4 * MS, 2],
        [9 * MS - 1000, 3, 1, -1, -1],
        [3 * MS, 1, 1, 6 * MS, 2],
      ]),
    ])
    expect(traceEventProblems(text)).toEqual([])
    expect(holds(events)).toEqual([
      ['holds arena 1', 2, 2000, 3999],
      ['holds arena 1', 3, 6000, 2999],
    ])
  })

  it('locks that are not let go in the order they were taken are cut, not crossed', async () => {
    const { text, events } = await traceOf(alive, [
      waitLine([
        [1 * MS, 3, 0, 1 * MS, 1],
        [2 * MS, 3, 1, 1 * MS, 1],
        [5 * MS, 3, 0, -1, -1],
        [7 * MS, 3, 1, -1, -1],
      ]),
    ])
    expect(traceEventProblems(text)).toEqual([])
    expect(holds(events)).toEqual([
      ['holds mmap_lock', 3, 2000, 3000],
      ['holds arena 1', 3, 3000, 2000],
    ])
  })
})

describe('trace events: the checker', () => {
  const file = (...events: object[]): string => JSON.stringify({ traceEvents: events })
  const slice = { ph: 'X', pid: 1, tid: 1, name: 'x', cat: 'c', ts: 0, dur: 10, args: {} }
  const arrow = { pid: 1, tid: 1, name: 'a', cat: 'c', id: 1, args: {} }

  it.each([
    ['a track without a name', file(slice), /^track 1\/1: no name$/],
    ['a slice without a length', file({ ...slice, dur: undefined }), /dur undefined/],
    ['a time before the start', file({ ...slice, ts: -1 }), /ts -1 is no time/],
    ['a track that is no number', file({ ...slice, tid: '1' }), /pid and tid/],
    ['a counter of text', file({ ...slice, ph: 'C', args: { a: '1' } }), /no number/],
    ['an unknown phase', file({ ...slice, ph: 'Z' }), /Z is no phase/],
    ['slices that cross', file(slice, { ...slice, ts: 5, dur: 10 }), /crosses the end of x/],
    ['slices that cross by 1 ns', file(slice, { ...slice, ts: 9.999 }), /crosses the end of x/],
    ['an inner slice before its outer', file({ ...slice, dur: 5 }, slice), /crosses the end of x/],
    ['an arrow without an end', file(slice, { ...arrow, ph: 's', ts: 1 }), /not one of each end/],
    [
      'an arrow that goes back in time',
      file(slice, { ...arrow, ph: 's', ts: 5 }, { ...arrow, ph: 'f', bp: 'e', ts: 1 }),
      /ends before it begins/,
    ],
    [
      'an arrow from nowhere',
      file(slice, { ...arrow, ph: 's', ts: 20 }, { ...arrow, ph: 'f', bp: 'e', ts: 30 }),
      /no slice around/,
    ],
  ])('finds %s', (_, text, problem) => {
    expect(traceEventProblems(text).join('\n')).toMatch(problem)
  })
})
