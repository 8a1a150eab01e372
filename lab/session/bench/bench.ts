/** The whole of `arena-lab bench`: every cell that was asked for, one after the other. */
import { cpus } from 'node:os'
import type { BenchReport, BenchResult } from '../../report/bench/types.ts'
import { resolveCells } from './cell.ts'
import { measureCell } from './measure.ts'
import type { BenchRequest } from './types.ts'

export interface BenchHooks {
  /** A cell is about to be measured: `number` of `of`, from 1. */
  onCell?(text: string, number: number, of: number): void
  onResult?(result: BenchResult): void
}

/** `BadInput` before anything has started; aborting `signal` leaves the rest out. */
export async function runBench(
  request: BenchRequest,
  hooks: BenchHooks,
  signal: AbortSignal,
): Promise<BenchReport> {
  const { cells, notes } = await resolveCells(request)
  const results: BenchResult[] = []
  for (const [place, cell] of cells.entries()) {
    if (signal.aborted) break
    const threads = `${cell.threads} thread${cell.threads === 1 ? '' : 's'}`
    hooks.onCell?.(`${cell.workload} ${cell.variant}, ${threads}`, place + 1, cells.length)
    const result = await measureCell(cell, request, signal)
    if (result === undefined) break
    results.push(result)
    hooks.onResult?.(result)
  }
  const left = cells.length - results.length
  const interrupted = left > 0 ? [`interrupted: ${left} of ${cells.length} rows are missing`] : []
  const host = {
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model ?? 'unknown',
    node: process.version,
  }
  return { results, floors: [], host, notes: [...notes, ...interrupted] }
}
