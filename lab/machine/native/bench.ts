/** Runs a benchmark's loops under a real malloc (bench.c). */
import { type NativeOptions, runReplayer } from './replay.ts'

/** What one working thread measured of itself. */
interface NativeWorkerFigures {
  readonly ns: number
  readonly pairs: number
  /** Nanoseconds a pair of its median lap. */
  readonly lapNs: number
  /** FNV-1a of the ops it carries out in one turn: for tests. */
  readonly opsHash: number
}

export interface NativeBenchOptions extends NativeOptions {
  /** Files of `writeScenarioFiles`, of the benchmark's scenario. */
  readonly folder: string
  readonly warmMs: number
  readonly measuredMs: number
  /** Empty functions in place of malloc and free: what the loop itself costs. */
  readonly stubs?: boolean
}

/**
 * One record per working thread. `BadInput` when compiler or library will not do, NativeFailure
 * when the replayer dies; aborting `signal` ends it.
 */
export async function runNativeBench(
  options: NativeBenchOptions,
  signal: AbortSignal,
): Promise<NativeWorkerFigures[]> {
  const { folder, warmMs, measuredMs, stubs } = options
  const command = ['bench', folder, String(warmMs), String(measuredMs)]
  if (stubs === true) command.push('--stubs')
  const workers: NativeWorkerFigures[] = []
  for await (const { checks } of runReplayer(command, [], { ...options, signal })) {
    for (const [ns, pairs, lapNs, opsHash] of checks) {
      workers.push({ ns: ns!, pairs: pairs!, lapNs: lapNs!, opsHash: opsHash! })
    }
  }
  return workers
}
