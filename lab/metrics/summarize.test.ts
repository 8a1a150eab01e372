/** Goal: the summary is what counters, histograms and safepoints say, whatever the outcome. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type Control, createControl } from '../words/control.ts'
import { COUNTER_ROW, Counter } from '../words/events.ts'
import {
  bucketOfNs,
  HISTOGRAM_BUCKETS,
  HISTOGRAMS_PER_SEAT,
  nsOfBucket,
  Timed,
} from '../words/histogram.ts'
import { PAGE_BYTES } from '../words/units.ts'
import { latencyOf } from './percentiles.ts'
import { readSeries } from './series.ts'
import { type FinishedRun, summarizeVariant } from './summarize.ts'
import { safepointSample } from './test/safepoint.ts'

function control(): Control {
  return createControl({
    seats: 2,
    heapBytes: 4 * PAGE_BYTES,
    mappingsMax: 1,
    locksMax: 1,
    cellsPerSeat: 1,
    tableCells: 0,
    channelCapacities: [],
    barriers: 0,
    runQueueSlots: 1,
    logEntries: 1,
  })
}

function finished(parts: Partial<FinishedRun>): FinishedRun {
  return {
    variant: 'glibc',
    outcome: {
      outcome: 'completed',
      message: '',
      trustworthy: true,
      phase: undefined,
      ns: 4e9,
      stoppedNs: 1e9,
    },
    control: control(),
    space: { rss: 3000, rssMax: 5000, vmSize: 9000 },
    liveMax: 2000,
    vmSizeMax: 12_000,
    safepoints: [],
    locks: [],
    cpu: { seconds: 8, mainSeconds: 0.1 },
    notices: [],
    ...parts,
  }
}

describe('summary: rates and shares', () => {
  it('rates count the time of carrying out, not of recording', () => {
    const shared = control()
    shared.counters[Counter.OPS] = 600
    shared.counters[COUNTER_ROW + Counter.OPS] = 200
    shared.counters[Counter.RECORDING_NS] = 0.25e9
    shared.counters[COUNTER_ROW + Counter.RECORDING_NS] = 0.75e9
    const summary = summarizeVariant(finished({ control: shared }))
    expect(summary.recordingShare).toBe(0.25)
    // 4 s of which a quarter went into recording: 800 ops in 3 s.
    expect(summary.opsPerSecond).toBeCloseTo(800 / 3)
    expect(summary.stoppedShare).toBe(0.2)
  })

  it('knows no rate when nothing ran', () => {
    const outcome = { ...finished({}).outcome, ns: 0, stoppedNs: 0 }
    expect(summarizeVariant(finished({ outcome }))).toMatchObject({
      opsPerSecond: 0,
      recordingShare: 0,
      stoppedShare: 0,
    })
  })

  it('maxima are never below what the end shows', () => {
    const shared = control()
    shared.counters[Counter.LIVE_BYTES] = 2500
    const summary = summarizeVariant(finished({ control: shared }))
    expect(summary).toMatchObject({
      rss: { max: 5000, end: 3000 },
      vmSize: { max: 12_000, end: 9000 },
      live: { max: 2500, end: 2500 },
      rssPerLive: 1.2,
    })
  })
})

describe('summary: safepoints', () => {
  const day0 = safepointSample({ label: 'day 0', rss: 100, live: 50, t: 1e9, ops: 7 })
  const tick = safepointSample({ reason: 'tick', rss: 150 })
  const oom = safepointSample({ reason: 'oom', rss: 200, anatomy: { pinnedFree: 120 } })

  it('phases come from phase marks, the anatomy from the OOM kill', () => {
    const summary = summarizeVariant(finished({ safepoints: [day0, oom, tick] }))
    expect(summary.phases).toEqual([
      { label: 'day 0', seconds: 1, rss: 100, vmSize: 200, live: 50, minorFaults: 0, ops: 7 },
    ])
    expect(summary.anatomy).toMatchObject({ rss: 200, pinnedFree: 120 })
    expect(summary).toMatchObject({ anatomyAt: 'oom', arenas: 1, partial: false })
  })

  it('without a closing one it explains the last that was seen', () => {
    expect(summarizeVariant(finished({ safepoints: [day0, tick] })).anatomyAt).toBe('tick')
  })

  it('a walk that saw nothing explains nothing, and says so', () => {
    const blind = safepointSample({ reason: 'end', partial: true, arenas: 0 })
    const summary = summarizeVariant(finished({ safepoints: [blind] }))
    expect(summary).toMatchObject({ anatomyAt: null, partial: true, arenas: 0 })
    expect(summary.anatomy).toMatchObject({ rss: 3000, other: 3000 })
  })
})

describe('percentiles', () => {
  const durations = fc.array(fc.integer({ min: 0, max: 2_000_000_000 }), {
    minLength: 1,
    maxLength: 300,
  })

  it('are at most one bucket above the true ones, over all seats', () => {
    fc.assert(
      fc.property(durations, (list) => {
        const shared = control()
        for (const [place, ns] of list.entries()) {
          const seat = place % 2
          const row = (seat * HISTOGRAMS_PER_SEAT + Timed.FREE) * HISTOGRAM_BUCKETS
          shared.histograms[row + bucketOfNs(ns)]!++
        }
        const sorted = [...list].sort((a, b) => a - b)
        const { p50, p99, timed } = latencyOf(shared, Timed.FREE)
        expect(timed).toBe(list.length)
        for (const [share, found] of [
          [0.5, p50],
          [0.99, p99],
        ] as const) {
          const exact = sorted[Math.ceil(share * list.length) - 1]!
          expect(found).toBeGreaterThanOrEqual(exact)
          expect(found).toBe(nsOfBucket(bucketOfNs(exact) + 1) - 1)
        }
      }),
    )
  })

  it('are 0 when nothing was timed', () => {
    expect(latencyOf(control(), Timed.MALLOC)).toEqual({ p50: 0, p99: 0, p999: 0, timed: 0 })
  })
})

describe('series', () => {
  const folder = mkdtempSync(join(tmpdir(), 'arena-lab-series-'))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('gives whole lines, and leaves out a last one that a crash has cut', async () => {
    const path = join(folder, 'samples.ndjson')
    const line = JSON.stringify({ variant: 0, type: 'event', t: 1 })
    writeFileSync(path, `${line}\n${line}\n${line.slice(0, 9)}`)
    const reading = { damaged: 0 }
    const lines = []
    for await (const read of readSeries(path, reading)) lines.push(read.t)
    expect(lines).toEqual([1, 1])
    expect(reading.damaged).toBe(1)
  })
})
