/** Adjusts heap_max to the lab's buffer: hundreds of heaps of 64 MiB would not fit. */
import { MIB } from '../../lab/words/units.ts'
import type { FitRequest, Fitted } from '../contract.ts'

const ARENAS_PER_CORE = 8

/**
 * Lowers heap_max to the largest power of two with which all arenas the run can have
 * (min(8 × cores, threads)) take at most half the buffer. Never below 1 MiB.
 */
export function fitHeapMax<T extends { readonly heap_max: number }>(
  tunables: T,
  run: FitRequest,
): Fitted<T> {
  const asked = tunables.heap_max
  let heapMax = 2 ** Math.floor(Math.log2(asked))
  const arenas = Math.min(ARENAS_PER_CORE * run.cores, run.threads)
  while (heapMax > MIB && arenas * heapMax > run.heapBytes / 2) heapMax /= 2
  if (heapMax === asked) return { tunables, notice: undefined, arenaHeapScale: 1 }
  const fitted = { ...tunables, heap_max: heapMax }
  const why =
    heapMax * 2 > asked
      ? 'it must be a power of two'
      : `${arenas} arenas must fit half of a ${run.heapBytes / MIB} MiB buffer`
  const notice = `heap_max lowered to ${heapMax / MIB} MiB: ${why}`
  return { tunables: fitted, notice, arenaHeapScale: Math.max(1, Math.floor(asked / heapMax)) }
}
