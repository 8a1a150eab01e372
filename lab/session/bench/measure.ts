/**
 * Measures one cell: model and native in turn, so that whatever else the machine does hits both;
 * the first pair is discarded. Threads measure themselves inside their workers; tinybench gets
 * their figures as overridden durations and makes the statistics.
 */
import { Bench, type Statistics } from 'tinybench'
import type { LatencySummary } from '../../metrics/types.ts'
import { wasmMimalloc } from '../../report/bench/references.ts'
import type { BenchResult, Spread } from '../../report/bench/types.ts'
import type { BenchCell } from './cell.ts'
import { modelRound } from './model-side.ts'
import { NativeSide } from './native-side.ts'
import { medianOf, spreadOfValues } from './statistics.ts'
import type { BenchRequest, ModelFigures, RoundFigures } from './types.ts'

interface Pair {
  readonly model: ModelFigures
  readonly native: RoundFigures | undefined
}

const NS_PER_MS = 1e6
const MODEL = 'model'
const NATIVE = 'native'

/** Undefined when `signal` was aborted before all rounds were done. */
export async function measureCell(
  cell: BenchCell,
  request: BenchRequest,
  signal: AbortSignal,
): Promise<BenchResult | undefined> {
  const { native, plan } = cell
  const side = native && (await NativeSide.prepare(plan, native, request))
  try {
    const pairs: Pair[] = []
    const round = async (): Promise<Pair | undefined> => {
      const model = await modelRound(cell, request, signal)
      const native = await side?.round(signal)
      return model === undefined || signal.aborted ? undefined : { model, native }
    }
    if ((await round()) === undefined) return undefined
    const bench = new Bench({
      iterations: request.rounds,
      time: 0,
      warmup: false,
      throws: true,
      retainSamples: true,
    })
    bench.add(
      MODEL,
      async () => {
        const pair = signal.aborted ? undefined : await round()
        if (pair !== undefined) pairs.push(pair)
        return { overriddenDuration: pair === undefined ? 0 : nsPerPair(pair.model) / NS_PER_MS }
      },
      { async: true },
    )
    let replayed = 0
    if (side !== undefined) {
      bench.add(
        NATIVE,
        () => {
          const native = pairs[replayed++]?.native
          return { overriddenDuration: native === undefined ? 0 : nsPerPair(native) / NS_PER_MS }
        },
        { async: false },
      )
    }
    await bench.run()
    return pairs.length < request.rounds ? undefined : resultOf(cell, pairs, bench)
  } finally {
    await side?.close()
  }
}

const nsPerPair = ({ ns, pairs }: RoundFigures): number => (pairs === 0 ? 0 : ns / pairs)

function resultOf(cell: BenchCell, pairs: readonly Pair[], bench: Bench): BenchResult {
  const model = spreadOf(statisticsOf(bench, MODEL))
  const native = cell.native === undefined ? null : spreadOf(statisticsOf(bench, NATIVE))
  const natives = pairs.flatMap((pair) => (pair.native === undefined ? [] : [pair.native]))
  const ratios = pairs.flatMap((pair) =>
    pair.native === undefined ? [] : [nsPerPair(pair.model) / nsPerPair(pair.native)],
  )
  const models = pairs.map((pair) => pair.model)
  const pairsPerSecond = medianRate(models)
  const laps = spreadOfValues(models.map(({ lapNs }) => lapNs))
  const nativeLaps = native === null ? null : spreadOfValues(natives.map(({ lapNs }) => lapNs))
  return {
    workload: cell.workload,
    variant: cell.variant,
    threads: cell.threads,
    spin: cell.spin,
    nsPerPair: model,
    native,
    ratio: native === null ? null : model.median / native.median,
    lapNsPerPair: laps,
    nativeLapNsPerPair: nativeLaps,
    lapRatio: nativeLaps === null ? null : laps.median / nativeLaps.median,
    ratioOfRounds: native === null ? null : spreadOfValues(ratios),
    spread: relative(model),
    nativeSpread: native === null ? null : relative(native),
    pairsPerSecond,
    nativePairsPerSecond: native === null ? null : medianRate(natives),
    opsPerSecond: 2 * pairsPerSecond,
    lockWaitShare: medianOf(models.map(({ lockWaitShare }) => lockWaitShare)),
    latencyNs: {
      malloc: medianLatency(models.map(({ mallocLatency }) => mallocLatency)),
      free: medianLatency(models.map(({ freeLatency }) => freeLatency)),
    },
    remoteShare: medianOf(models.map((model) => model.remoteFrees / Math.max(1, model.frees))),
    wasmMimalloc: wasmMimalloc({ ...cell, native }),
    pairs: total(models),
    nativePairs: native === null ? null : total(natives),
    setByWorkload: cell.setByWorkload,
    rounds: pairs.length,
  }
}

function statisticsOf(bench: Bench, task: string): Statistics {
  const result = bench.getTask(task)?.result
  if (result?.state !== 'completed') throw new Error(`tinybench: ${task} is ${result?.state}`)
  return result.latency
}

const spreadOf = ({ p50, min, max }: Statistics): Spread => ({
  median: p50 * NS_PER_MS,
  min: min * NS_PER_MS,
  max: max * NS_PER_MS,
})

const relative = ({ median, min, max }: Spread): number => (max - min) / median
const medianRate = (rounds: readonly RoundFigures[]): number =>
  medianOf(rounds.map((round) => round.pairsPerSecond))
const medianLatency = (rounds: readonly LatencySummary[]): LatencySummary => ({
  p50: medianOf(rounds.map(({ p50 }) => p50)),
  p99: medianOf(rounds.map(({ p99 }) => p99)),
  p999: medianOf(rounds.map(({ p999 }) => p999)),
  timed: rounds.reduce((sum, { timed }) => sum + timed, 0),
})
const total = (rounds: readonly RoundFigures[]): number =>
  rounds.reduce((sum, { pairs }) => sum + pairs, 0)
