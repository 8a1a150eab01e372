/** The whole of `arena-lab bench`: every cell that was asked for, one after the other. */
import { cpus } from 'node:os'
import type { BenchReport, BenchResult, LoopFloor } from '../../report/bench/types.ts'
import { type BenchCell, resolveCells } from './cell.ts'
import { measureFloor } from './floor.ts'
import { measureCell } from './measure.ts'
import { loadPeer, measurePeer, peerFits } from './peer.ts'
import { benchScenarioWhole } from './scenario-bench.ts'
import type { BenchRequest } from './types.ts'

export interface BenchHooks {
  /** What is about to be measured: `number` of `of` of its kind, from 1. */
  onStep?(text: string, number: number, of: number): void
}

/** `BadInput` before anything has started; aborting `signal` leaves the rest out. */
export async function runBench(
  request: BenchRequest,
  hooks: BenchHooks,
  signal: AbortSignal,
): Promise<BenchReport> {
  const host = {
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model ?? 'unknown',
    node: process.version,
  }
  if (request.scenario !== undefined) {
    const onStep = (text: string, round: number): void =>
      hooks.onStep?.(text, round, request.rounds)
    const whole = await benchScenarioWhole(request.scenario, request, onStep, signal)
    return { results: [], floors: [], scenarios: whole.results, host, notes: whole.notes }
  }
  const { cells, notes } = await resolveCells(request)
  const floors = await measureFloors(request, hooks, signal)
  const results = await measureCells(cells, request, hooks, signal)
  const left = cells.length - results.length
  const interrupted = left > 0 ? [`interrupted: ${left} of ${cells.length} rows are missing`] : []
  const peers = await measurePeers(request, hooks, signal)
  return {
    results: [...results, ...peers.results],
    floors,
    scenarios: [],
    host,
    notes: [...notes, ...peers.notes, ...interrupted],
  }
}

async function measureCells(
  cells: readonly BenchCell[],
  request: BenchRequest,
  hooks: BenchHooks,
  signal: AbortSignal,
): Promise<BenchResult[]> {
  const results: BenchResult[] = []
  for (const [place, cell] of cells.entries()) {
    if (signal.aborted) break
    const threads = `${cell.threads} thread${cell.threads === 1 ? '' : 's'}`
    const spins = cell.spin > 0 ? `, ${cell.spin} spins` : ''
    const text = `${cell.workload} ${cell.variant}, ${threads}${spins}`
    hooks.onStep?.(text, place + 1, cells.length)
    const result = await measureCell(cell, request, signal)
    if (result !== undefined) results.push(result)
  }
  return results
}

async function measureFloors(
  request: BenchRequest,
  hooks: BenchHooks,
  signal: AbortSignal,
): Promise<LoopFloor[]> {
  const floors: LoopFloor[] = []
  for (const [place, workload] of (request.floors ? request.workloads : []).entries()) {
    hooks.onStep?.(`the loop of ${workload} alone`, place + 1, request.workloads.length)
    const floor = await measureFloor(workload, request, signal)
    if (floor === undefined) break
    floors.push(floor)
  }
  return floors
}

async function measurePeers(
  request: BenchRequest,
  hooks: BenchHooks,
  signal: AbortSignal,
): Promise<{ results: BenchResult[]; notes: string[] }> {
  const workloads = request.workloads.filter((workload) => peerFits(workload, request))
  const results: BenchResult[] = []
  for (const [place, workload] of (request.peers ? workloads : []).entries()) {
    if (signal.aborted) break
    const pool = await loadPeer()
    if (pool === undefined) {
      return { results, notes: ['@thi.ng/malloc is left out: it is not installed'] }
    }
    hooks.onStep?.(`${workload} @thi.ng/malloc`, place + 1, workloads.length)
    const result = await measurePeer(pool, workload, request, signal)
    if (result !== undefined) results.push(result)
  }
  return { results, notes: [] }
}
