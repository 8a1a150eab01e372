/**
 * Goal: the native side of a benchmark carries out the ops that the model does, all of them, in
 * their order. Method: a hash of the ops in C against one of the recorded batch.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { benchScenario } from '../../workload/bench/scenario.ts'
import { BENCH_WORKLOADS } from '../../workload/bench/workloads.ts'
import { eachOp } from '../../workload/decode.ts'
import { Op } from '../../workload/ops.ts'
import { planScenario } from '../../workload/plan.ts'
import { RoleRecorder } from '../../workload/recorder.ts'
import { runNativeBench } from './bench.ts'
import { nativeGlibcVersion } from './build.ts'
import { writeScenarioFiles } from './scenario-files.ts'

const native = await nativeGlibcVersion().catch(() => 'none')
const FNV_START = 2166136261
const FNV_PRIME = 16777619

/** Of what one lab thread of the model records, as a worker does. */
function hashOfModel(workload: number, threads: number, index: number, seed: number): number {
  const params = { workload, threads }
  const { tables, privateCells } = planScenario(benchScenario, params)
  const role = threads === 1 ? benchScenario.main : benchScenario.roles[1]!
  const args: Record<string, number> = threads === 1 ? {} : { index }
  const recorder = new RoleRecorder({
    scenario: benchScenario,
    params,
    role,
    index,
    seed,
    args,
    handed: 0,
    tables,
    privateCells,
  })
  const { ops, length } = recorder.nextBatch()
  let hash = FNV_START
  const mix = (word: number): void => {
    hash = Math.imul(hash ^ word, FNV_PRIME)
  }
  eachOp(ops, length, (code, at) => {
    mix(code)
    mix(ops[at + 1]!)
    if (code !== Op.FREE) mix(ops[at + 2]!)
  })
  return hash >>> 0
}

async function nativeWorkers(workload: number, threads: number, seed: number) {
  const folder = await mkdtemp(join(tmpdir(), 'arena-lab-bench-test-'))
  try {
    const params = { workload, threads }
    const scenario = { scenario: benchScenario, params, seed, seconds: undefined, fill: false }
    await writeScenarioFiles(folder, scenario)
    const options = { allocator: 'glibc', settings: {}, folder, warmMs: 1, measuredMs: 50 }
    return await runNativeBench(options, new AbortController().signal)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe.skipIf(native === 'none')('bench, native side', () => {
  for (const [number, { name }] of BENCH_WORKLOADS.entries()) {
    it(`${name}: the same ops in the same order as the model`, async () => {
      for (const threads of name === 'remote' ? [2] : [1]) {
        const workers = await nativeWorkers(number, threads, 7)
        const expected = workers.map((_, index) => hashOfModel(number, threads, index, 7))
        expect(workers).toHaveLength(threads)
        expect(workers.map(({ opsHash }) => opsHash)).toEqual(expected)
      }
    })
  }

  it('the hash tells sequences apart: another seed, another hash', async () => {
    const [worker] = await nativeWorkers(1, 1, 8)
    expect(worker?.opsHash).not.toBe(hashOfModel(1, 1, 0, 7))
  })

  it('an aborted signal ends it', async () => {
    const abort = new AbortController()
    const folder = await mkdtemp(join(tmpdir(), 'arena-lab-bench-test-'))
    const params = { workload: 0, threads: 1 }
    const scenario = { scenario: benchScenario, params, seed: 1, seconds: undefined, fill: false }
    await writeScenarioFiles(folder, scenario)
    const options = { allocator: 'glibc', settings: {}, folder, warmMs: 1, measuredMs: 3_600_000 }
    const running = runNativeBench(options, abort.signal)
    abort.abort()
    expect(await running).toEqual([])
    await rm(folder, { recursive: true })
  })
})
