/** What the measuring loops cost by themselves: the same ops, without an allocator. */
import { fileURLToPath } from 'node:url'
import type { LoopFloor } from '../../report/bench/types.ts'
import { loopPlan, workloadNumber } from './cell.ts'
import floorDesign from './floor-design.ts'
import { modelRound } from './model-side.ts'
import { NativeSide } from './native-side.ts'
import type { BenchRequest } from './types.ts'

/** Beside this module, in the sources as in dist/; workers load it by its path. */
const floorFile = fileURLToPath(
  new URL(`./floor-design.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
)

/** One thread, ns a pair of the median lap. Undefined when `signal` was aborted. */
export async function measureFloor(
  workload: string,
  request: BenchRequest,
  signal: AbortSignal,
): Promise<LoopFloor | undefined> {
  const params = { workload: workloadNumber(workload), threads: 1 }
  const variant = { label: 'floor', design: floorFile, tunables: {} }
  const plan = loopPlan(request, variant, params, 0)
  const model = await modelRound({ plan, design: floorDesign }, request, signal)
  if (model === undefined) return undefined
  if (!request.native) return { workload, model: model.lapNs, native: null }
  const side = await NativeSide.prepare(plan, { allocator: 'glibc', settings: {} }, request)
  try {
    const native = await side.round(signal, true)
    return native && { workload, model: model.lapNs, native: native.lapNs }
  } finally {
    await side.close()
  }
}
