/**
 * The model against figures recorded from the real library (test/fixtures): size tables in full,
 * and random traces whose placements and MallocExtension properties were read at checkpoints.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { buildSizeMap, classIndex, MAX_SMALL_BYTES, TC_PAGE_BYTES } from '../size-class.ts'
import type { TcmallocTunables } from '../tunables.ts'
import { randomTrace, type TraceOptions } from './random-trace.ts'
import { Replayer } from './replay.ts'
import {
  burstTrace,
  handoffTrace,
  longSpanTrace,
  manySpansTrace,
  piecesTrace,
} from './shaped-trace.ts'

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8'))

/** Traces by the name that the fixture has for them; without one they are random. */
const shapes = {
  handoff: ({ seed, threads, ops }: TraceOptions) => handoffTrace(seed, threads, ops),
  burst: ({ seed, threads, ops }: TraceOptions) => burstTrace(seed, threads, ops),
  longSpan: ({ seed, ops }: TraceOptions) => longSpanTrace(seed, ops),
  manySpans: manySpansTrace,
  pieces: piecesTrace,
}

const sizes = fixture('usable-sizes.json') as { runs: Record<string, [number, number][]> }
const recorded = fixture('checkpoints.json') as {
  figures: string[]
  cases: {
    name: string
    trace: TraceOptions & { shape?: keyof typeof shapes }
    tunables: Partial<TcmallocTunables>
    checkpoints: number[][]
  }[]
}

describe('size classes against the real library', () => {
  for (const [transferObjects, runs] of Object.entries(sizes.runs)) {
    it(`usable size of every request to 1 MiB, transfers of ${transferObjects}`, () => {
      const map = buildSizeMap(Number(transferObjects))
      let run = 0
      let differences = 0
      for (let bytes = 1; bytes <= 1024 * 1024; bytes++) {
        if (runs[run + 1]?.[0] === bytes) run++
        const ours =
          bytes <= MAX_SMALL_BYTES
            ? map.classBytes[map.classArray[classIndex(bytes)]!]!
            : Math.ceil(bytes / TC_PAGE_BYTES) * TC_PAGE_BYTES
        if (ours !== runs[run]![1]) differences++
      }
      expect(run).toBe(runs.length - 1)
      expect(differences).toBe(0)
    })
  }

  it('has the 85 classes of the default build', () => {
    const map = buildSizeMap(32)
    expect(map.classCount - 1).toBe(85)
    const real = sizes.runs['32']!.map(([, usable]) => usable).filter((n) => n <= MAX_SMALL_BYTES)
    expect([...map.classBytes.subarray(1, map.classCount)]).toEqual(real)
  })
})

describe('random traces against the real library', () => {
  for (const { name, trace, tunables, checkpoints } of recorded.cases) {
    it(`${name}: every placement and every property`, () => {
      const replayer = new Replayer(tunables)
      const lines = trace.shape === undefined ? randomTrace(trace) : shapes[trace.shape](trace)
      for (const line of lines) replayer.line(line)
      const ours = replayer.checkpoints.map(({ stats, placementHash }) => [
        stats.heap_size,
        stats.current_allocated_bytes,
        stats.pageheap_free_bytes,
        stats.pageheap_unmapped_bytes,
        stats.central_cache_free_bytes,
        stats.transfer_cache_free_bytes,
        stats.thread_cache_free_bytes,
        stats.total_physical_bytes,
        placementHash,
      ])
      expect(ours).toEqual(checkpoints)
    })
  }
})
