/**
 * The model of tcmalloc against the real library, op for op: random traces go through the serial
 * machine and through the native replayer. Every placement must be equal, and at every checkpoint
 * MallocExtension's properties and the resident pages of the heap; at its end, the figures of its
 * statistics. Usable sizes are asked of both
 * for every request up to 1 MiB. Skipped where there is no C
 * compiler or no libtcmalloc_minimal.so.4 (Debian: apt install libtcmalloc-minimal4).
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { resolveTunables } from '../allocators/parse-tunables.ts'
import { MAX_SMALL_BYTES, TC_PAGE_BYTES } from '../allocators/tcmalloc/size-class.ts'
import { Replayer } from '../allocators/tcmalloc/test/replay.ts'
import { loadDesign } from '../lab/machine/designs.ts'
import { nativeReplayer } from '../lab/machine/native/build.ts'
import { nativeLibrary } from '../lab/machine/native/library.ts'
import { packOps } from '../lab/machine/native/pack.ts'
import { replayNative } from '../lab/machine/native/replay.ts'
import {
  CHECK_FIGURES,
  Placed,
  placedKind,
  placementText,
  type ReplayRecords,
  TCMALLOC_FIGURES,
} from '../lab/machine/placements.ts'
import { SerialMachine } from '../lab/machine/serial/serial-machine.ts'
import { subjectOf } from '../lab/session/verify/subject.ts'
import { memorySource } from '../lab/session/verify/trace-source.ts'
import { verifyTrace } from '../lab/session/verify/verify.ts'
import { GIB, MIB } from '../lab/words/units.ts'
import { generateTrace } from '../lab/workload/trace/generate.ts'
import type { ProfileName } from '../lab/workload/trace/profiles.ts'
import { parseTrace } from '../lab/workload/trace/read.ts'

const available = await Promise.all([nativeReplayer(), nativeLibrary('tcmalloc')]).then(
  () => true,
  () => false,
)

const RSS = CHECK_FIGURES.indexOf('rss')
type Settings = Readonly<Record<string, number>>

/** A trace's records as text: placements, and at checkpoints what the model is held to. */
function textOf(records: ReplayRecords): string[] {
  const lines: string[] = []
  for (let at = 0; at < records.placements.length; at += 2) {
    const word0 = records.placements[at]!
    const word1 = records.placements[at + 1]!
    if (placedKind(word0) !== Placed.CHECK) {
      lines.push(placementText(word0, word1))
      continue
    }
    const figures = records.checks[word1]!
    const own = TCMALLOC_FIGURES.map((name, i) => `${name} ${figures[CHECK_FIGURES.length + i]}`)
    lines.push(`rss ${figures[RSS]}, ${own.join(', ')}`)
  }
  return lines
}

async function compare(
  trace: { seed: number; threads: number; ops: number; profile: ProfileName },
  settings: Settings,
): Promise<{ records: number; differences: string[] }> {
  const design = await loadDesign('tcmalloc')
  const assignments = Object.entries(settings).map(([name, text]) => ({ name, text: `${text}` }))
  const machine = new SerialMachine(design, resolveTunables(design.tunables, assignments), {
    cores: 2,
    heapBytes: GIB,
    threadsMax: 32,
    placements: true,
    leaveUncertain: true,
  })
  const { chunks } = parseTrace(
    'a random trace',
    generateTrace({ ...trace, liveBytesMax: 2 ** 27 }),
  )
  const packed: Uint8Array[] = []
  const model: string[] = []
  for (const chunk of chunks) {
    machine.carryOut(chunk)
    packed.push(packOps(chunk, 0, chunk.length, machine.left.splice(0)))
    model.push(...textOf(machine.take()))
  }
  const real: string[] = []
  for await (const records of replayNative(packed, { allocator: 'tcmalloc', settings })) {
    real.push(...textOf(records))
  }
  const differences = model.flatMap((line, i) =>
    line === real[i] ? [] : [`record ${i}: model ${line}, real ${real[i]}`],
  )
  if (real.length !== model.length) differences.push(`${model.length}, ${real.length} records`)
  return { records: model.length, differences: differences.slice(0, 3) }
}

/** What the real library says, under each setting: entry n - 1 for a request of n bytes. */
async function realUsableSizes(environments: readonly NodeJS.ProcessEnv[]): Promise<Int32Array[]> {
  const folder = mkdtempSync(join(tmpdir(), 'arena-lab-sizes-'))
  try {
    const source = fileURLToPath(new URL('support/usable-sizes.c', import.meta.url))
    const program = join(folder, 'usable-sizes')
    execFileSync('cc', ['-O1', '-fno-builtin', '-o', program, source])
    const LD_PRELOAD = await nativeLibrary('tcmalloc')
    return environments.map((settings) => {
      const env = { LD_PRELOAD, ...settings }
      const bytes = execFileSync(program, { env, maxBuffer: 8 * MIB })
      return new Int32Array(Uint8Array.from(bytes).buffer)
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe.skipIf(!available)('tcmalloc, size for size with the real library', () => {
  it('usable size of every request from 1 byte to 1 MiB, two transfer sizes', async () => {
    const transfers = [32, 100]
    const real = await realUsableSizes(
      transfers.map((count) => ({ TCMALLOC_TRANSFER_NUM_OBJ: `${count}` })),
    )
    for (const [place, transfer_num_obj] of transfers.entries()) {
      const heap = new Replayer({ transfer_num_obj }).heap(0)
      const differing: number[] = []
      let usable = 0
      for (let bytes = 1; bytes <= MIB; bytes++) {
        // Usable sizes never fall: where two requests have the same, so has all between them.
        const isAsked = bytes <= MAX_SMALL_BYTES || bytes % TC_PAGE_BYTES < 2
        if (isAsked) {
          const block = heap.malloc(bytes)
          usable = heap.usableSize(block)
          heap.free(block)
        }
        if (usable !== real[place]![bytes - 1]) differing.push(bytes)
      }
      expect(real[place]!.length).toBe(MIB)
      expect(differing.slice(0, 5)).toEqual([])
    }
    // The two tables are not the same one.
    expect(real[0]!.some((bytes, request) => bytes !== real[1]![request])).toBe(true)
  })
})

describe.skipIf(!available)('tcmalloc, op for op with the real library', () => {
  const cases: [threads: number, profile: ProfileName, settings: Settings][] = [
    [1, 'mixed', {}],
    [2, 'large', { release_rate: 5 }],
    [4, 'remote', {}],
    [16, 'churn', { max_total_thread_cache_bytes: 1_000_000 }],
    [4, 'small', { transfer_num_obj: 100 }],
    [2, 'mixed', { aggressive_decommit: 1 }],
  ]
  for (const [place, [threads, profile, settings]] of cases.entries()) {
    it(`${threads} threads, ${profile} ${JSON.stringify(settings)}`, async () => {
      const trace = { seed: 100 + place, threads, ops: 20_000, profile }
      const { records, differences } = await compare(trace, settings)
      expect(records).toBeGreaterThan(5000)
      expect(differences).toEqual([])
    })
  }
})

describe.skipIf(!available)('tcmalloc’s own statistics, at the end of a trace', () => {
  const trace = memorySource(
    'a test',
    parseTrace('a test', [
      new TextEncoder().encode('# arena-lab-trace 1\n0 m 0 300000\n0 f 0\n0 t 0\n'),
    ]),
  )

  it('are equal: waterfall, free blocks by class, free spans by length', async () => {
    const { comparison } = await verifyTrace(trace, await subjectOf('tcmalloc'))
    expect(comparison).toMatchObject({ ops: 3, difference: undefined })
  })

  it('a difference that no placement shows is found, and named', async () => {
    const { tunables } = await subjectOf('tcmalloc:disable_memory_release=1')
    const subject = { ...(await subjectOf('tcmalloc')), tunables, compared: [] }
    const { comparison } = await verifyTrace(trace, subject)
    expect(comparison.difference).toMatchObject({ what: 'malloc_info', at: undefined })
    expect(comparison.difference?.model).toMatch(/^page heap: [1-9]\d+$/)
    expect(comparison.difference?.native).toBe('page heap: 0')
  })
})
