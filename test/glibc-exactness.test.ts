/**
 * The model of glibc, address for address. Fixtures hold what the real glibc 2.36 did, so that part
 * runs everywhere; the soak needs that glibc itself, and says so where the system has another.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { nativeGlibcVersion } from '../lab/machine/native/build.ts'
import { placementLines } from '../lab/machine/placements.ts'
import { SerialMachine } from '../lab/machine/serial/serial-machine.ts'
import { compareTrace } from '../lab/session/verify/compare.ts'
import {
  MORE_VARIANTS,
  SOAK_PROFILES,
  SOAK_THREADS,
  SOAK_VARIANTS,
  soak,
} from '../lab/session/verify/soak.ts'
import { GLIBC_VERSION, subjectOf } from '../lab/session/verify/subject.ts'
import { memorySource } from '../lab/session/verify/trace-source.ts'
import { hostOptions } from '../lab/session/verify/verify.ts'
import { GIB } from '../lab/words/units.ts'
import { parseTrace } from '../lab/workload/trace/read.ts'

const folder = fileURLToPath(new URL('fixtures/traces/', import.meta.url))
const unzipped = (file: string): Uint8Array => gunzipSync(readFileSync(folder + file))
const fixtures = JSON.parse(readFileSync(`${folder}index.json`, 'utf8')) as readonly {
  readonly name: string
  readonly variant: string
}[]
/** Recorded on a machine with two CPUs: the limit of arenas depends on it. */
const CORES = 2

const version = await nativeGlibcVersion().catch((error: Error) => error.message)
const sameGlibc = version === GLIBC_VERSION
if (!sameGlibc) {
  console.warn(`glibc here: ${version}; the model is ${GLIBC_VERSION}: fixtures alone are compared`)
}

describe('glibc: the real placements, kept as fixtures', () => {
  for (const { name, variant } of fixtures) {
    it(`${name} (${variant})`, async () => {
      const { design, tunables } = await subjectOf(variant)
      const machine = new SerialMachine(design, tunables, {
        cores: CORES,
        heapBytes: 4 * GIB,
        threadsMax: 64,
        placements: true,
        leaveUncertain: false,
      })
      const { chunks } = parseTrace(name, [unzipped(`${name}.trace.gz`)])
      for (const chunk of chunks) machine.carryOut(chunk)
      const model = [...placementLines(machine.take())]
      const real = new TextDecoder()
        .decode(unzipped(`${name}.placements.gz`))
        .trimEnd()
        .split('\n')
      machine.release()
      const different = real.findIndex((line, i) => line !== model[i])
      expect(different < 0 ? 'equal' : `line ${different + 1}: ${model[different]}`).toBe('equal')
      expect(model).toHaveLength(real.length)
      expect(real.length).toBeGreaterThan(8000)
    })
  }
})

describe.skipIf(!sameGlibc)(`glibc: beside this machine’s glibc ${version}`, () => {
  it('a soak of a million ops over all tunable sets: nothing differs', async () => {
    const subjects = await Promise.all(SOAK_VARIANTS.map(subjectOf))
    const { rows, failures } = await soak(
      subjects,
      {
        ...hostOptions(),
        seed: 20_361,
        traces: 5,
        ops: 15_000,
        threads: SOAK_THREADS,
        profiles: SOAK_PROFILES,
        jobs: 2,
      },
      {},
      new AbortController().signal,
    )
    expect(failures.map(({ source, comparison }) => [source.name, comparison.difference])).toEqual(
      [],
    )
    const sum = (pick: (row: (typeof rows)[number]) => number): number =>
      rows.reduce((total, row) => total + pick(row), 0)
    expect(rows).toHaveLength(14)
    expect(sum(({ ops }) => ops)).toBeGreaterThanOrEqual(1_000_000)
    expect(sum(({ checkpoints }) => checkpoints)).toBeGreaterThan(1000)
  })
  it('refusals, 10 000 unsorted chunks, chains of heaps, under rarer tunables too', async () => {
    const edges = memorySource('edges', parseTrace('edges', [unzipped('edges.trace.gz')]))
    for (const variant of ['glibc:mmap_max=0', 'glibc:tcache_count=0', ...MORE_VARIANTS]) {
      const { difference } = await compareTrace(edges, await subjectOf(variant), hostOptions())
      expect({ variant, difference }).toEqual({ variant, difference: undefined })
    }
  })
})
