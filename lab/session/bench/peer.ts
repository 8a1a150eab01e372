/**
 * A peer from npm beside the models: `@thi.ng/malloc`, the same ops on one thread. It is a
 * development dependency only, so it is measured where it is installed. Its free lists are searched
 * from the start, so that a pair costs more with every live block: all its time is bounded.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { BenchResult } from '../../report/bench/types.ts'
import { MIB } from '../../words/units.ts'
import { benchScenario } from '../../workload/bench/scenario.ts'
import { BENCH_WORKLOADS } from '../../workload/bench/workloads.ts'
import { OP_OPERANDS, Op } from '../../workload/ops.ts'
import { RoleRecorder } from '../../workload/recorder.ts'
import { workloadNumber } from './cell.ts'
import { spreadOfValues } from './statistics.ts'
import type { BenchRequest } from './types.ts'

const PEER = '@thi.ng/malloc'
const POOL_BYTES = 1024 * MIB
/** The first turn fills the cells: so long it may take, and then it counts as warm. */
const FILL_MS_MAX = 10_000
/** Between two looks at the clock. A pair may take a millisecond. */
const OPS_AT_ONCE = 96

/** The part of the peer that is used. */
interface Pool {
  readonly buf: ArrayBufferLike
  malloc(bytes: number): number
  free(address: number): boolean
}

/** Workloads of one thread only; for threads it has no meaning. */
const MEASURED: readonly string[] = ['lifo-64', 'replace-small', 'replace-wide', 'cached']

/** True where the peer can be measured beside what is asked for. */
export const peerFits = (workload: string, request: BenchRequest): boolean =>
  MEASURED.includes(workload) && (request.threads?.includes(1) ?? true)

/** Undefined when it is not installed; the pool is made anew. */
export async function loadPeer(): Promise<Pool | undefined> {
  try {
    const { MemPool } = await import('@thi.ng/malloc')
    return new MemPool({ size: POOL_BYTES })
  } catch {
    return undefined
  }
}

/** Undefined when `signal` was aborted. Its rounds are stretches of one run. */
export async function measurePeer(
  pool: Pool,
  workload: string,
  request: BenchRequest,
  signal: AbortSignal,
): Promise<BenchResult | undefined> {
  const loop = new PeerLoop(pool, workload, request.seed)
  await loop.runFor(Math.min(FILL_MS_MAX, request.warmMs), signal)
  while (!loop.isWarm && !signal.aborted && loop.totalMs < FILL_MS_MAX) {
    await loop.runFor(request.warmMs, signal)
  }
  const rounds: number[] = []
  let pairs = 0
  for (let round = 0; round < request.rounds && !signal.aborted; round++) {
    const stretch = await loop.runFor(request.measuredMs, signal)
    rounds.push((stretch.ms * 1e6) / stretch.pairs)
    pairs += stretch.pairs
  }
  if (signal.aborted) return undefined
  return peerResult(workload, rounds, pairs)
}

class PeerLoop {
  readonly #pool: Pool
  readonly #words: Uint32Array
  readonly #ops: Int32Array
  readonly #length: number
  readonly #cells: Int32Array
  #at = 0
  #turns = 0
  totalMs = 0

  constructor(pool: Pool, workload: string, seed: number) {
    const number = workloadNumber(workload)
    const { cells } = BENCH_WORKLOADS[number]!
    const recorder = new RoleRecorder({
      scenario: benchScenario,
      params: { workload: number, threads: 1 },
      role: benchScenario.main,
      index: 0,
      seed,
      args: {},
      handed: 0,
      tables: {},
      privateCells: cells,
    })
    const { ops, length } = recorder.nextBatch()
    this.#pool = pool
    this.#words = new Uint32Array(pool.buf)
    this.#ops = ops
    this.#length = length
    this.#cells = new Int32Array(cells)
  }

  /** Every cell was filled once. */
  get isWarm(): boolean {
    return this.#turns > 0
  }

  /** At least one piece; the event loop gets a turn after each 50 ms or so, for Ctrl-C. */
  async runFor(ms: number, signal: AbortSignal): Promise<{ ms: number; pairs: number }> {
    let [spent, pairs] = [0, 0]
    do {
      const start = performance.now()
      const until = start + Math.min(50, ms - spent)
      let now = start
      do {
        pairs += this.#piece()
        now = performance.now()
      } while (now < until)
      spent += now - start
      await nextTurn()
    } while (spent < ms && !signal.aborted)
    this.totalMs += spent
    return { ms: spent, pairs }
  }

  /** Some ops on; gives the mallocs among them. */
  #piece(): number {
    let pairs = 0
    for (let i = 0; i < OPS_AT_ONCE; i++) {
      if (this.#at === this.#length) {
        this.#at = 0
        this.#turns++
      }
      const code = this.#ops[this.#at]!
      const cell = this.#ops[this.#at + 1]!
      if (code === Op.MALLOC) {
        this.#cells[cell] = this.#pool.malloc(this.#ops[this.#at + 2]!)
        pairs++
      } else if (code === Op.FREE) {
        if (this.#cells[cell] !== 0) this.#pool.free(this.#cells[cell]!)
        this.#cells[cell] = 0
      } else if (code === Op.WRITE_PAGES) {
        this.#words[this.#cells[cell]! / Uint32Array.BYTES_PER_ELEMENT] = cell
      }
      this.#at += 1 + OP_OPERANDS[code]!
    }
    return pairs
  }
}

function peerResult(workload: string, rounds: readonly number[], pairs: number): BenchResult {
  const nsPerPair = spreadOfValues(rounds)
  const pairsPerSecond = 1e9 / nsPerPair.median
  return {
    workload,
    variant: PEER,
    threads: 1,
    spin: 0,
    nsPerPair,
    native: null,
    ratio: null,
    lapNsPerPair: nsPerPair,
    nativeLapNsPerPair: null,
    lapRatio: null,
    ratioOfRounds: null,
    spread: (nsPerPair.max - nsPerPair.min) / nsPerPair.median,
    nativeSpread: null,
    pairsPerSecond,
    nativePairsPerSecond: null,
    opsPerSecond: 2 * pairsPerSecond,
    lockWaitShare: 0,
    latencyNs: null,
    remoteShare: 0,
    wasmMimalloc: null,
    pairs,
    nativePairs: null,
    setByWorkload: '',
    rounds: rounds.length,
  }
}
