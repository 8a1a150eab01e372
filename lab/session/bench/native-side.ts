/** Runs of one cell under the real allocator, on ops recorded once for all its rounds. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runNativeBench } from '../../machine/native/bench.ts'
import { writeScenarioFiles } from '../../machine/native/scenario-files.ts'
import type { RunPlan } from '../../machine/types.ts'
import { benchScenario } from '../../workload/bench/scenario.ts'
import type { NativeCounterpart } from './cell.ts'
import { type BenchRequest, type RoundFigures, roundOf } from './types.ts'

export class NativeSide {
  readonly #counterpart: NativeCounterpart
  readonly #request: BenchRequest
  readonly #folder: string

  private constructor(counterpart: NativeCounterpart, request: BenchRequest, folder: string) {
    this.#counterpart = counterpart
    this.#request = request
    this.#folder = folder
  }

  /** Records the ops of every lab thread of `plan` into a folder of its own. */
  static async prepare(
    plan: RunPlan,
    counterpart: NativeCounterpart,
    request: BenchRequest,
  ): Promise<NativeSide> {
    const folder = await mkdtemp(join(tmpdir(), 'arena-lab-bench-'))
    const { params, seed } = plan
    const wanted = { scenario: benchScenario, params, seed, seconds: undefined, fill: false }
    const side = new NativeSide(counterpart, request, folder)
    try {
      await writeScenarioFiles(folder, wanted)
      return side
    } catch (error) {
      await side.close()
      throw error
    }
  }

  /** With `stubs`, malloc and free do nothing: what the loop costs. Undefined when aborted. */
  async round(signal: AbortSignal, stubs = false): Promise<RoundFigures | undefined> {
    if (signal.aborted) return undefined
    const { warmMs, measuredMs } = this.#request
    const options = { ...this.#counterpart, folder: this.#folder, warmMs, measuredMs, stubs }
    const workers = await runNativeBench(options, signal)
    return signal.aborted ? undefined : roundOf(workers)
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
