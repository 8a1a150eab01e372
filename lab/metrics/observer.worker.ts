/** Worker entry (run from dist/): walks the heap at safepoints; the main thread stays free. */
import { parentPort, workerData } from 'node:worker_threads'
import { loadDesign } from '../machine/designs.ts'
import { openSharedRun, type SharedRunInit } from '../machine/shared-run.ts'
import { realClock } from '../machine/threads/clock.ts'
import type { Safepoint } from '../machine/types.ts'
import { fullCollection } from './collection.ts'
import { checkHeap, type LookWishes, Observatory } from './observe.ts'

/** Which of the two walks a worker does. */
export interface ObserverData {
  readonly init: SharedRunInit
  readonly walk: 'look' | 'check'
}

/** Answered by one `Observation` each, in order, or by a `CheckResult`, which needs no wishes. */
export interface LookRequest {
  readonly safepoint: Safepoint
  readonly wishes: LookWishes
}

/** What a look allocated is of no use for the next: it would be memory of the lab's for seconds. */
const collect = fullCollection()

const { init, walk } = workerData as ObserverData
const run = openSharedRun(init, await loadDesign(init.plan.variant.design))
// Seat 0's rows are written to by nobody else while all are parked, and only by lock statistics.
const process = run.processFor(0, 0, realClock(init.clockOriginMs))
const observatory = new Observatory(run, process)

parentPort?.on('message', ({ safepoint, wishes }: LookRequest) => {
  const found = walk === 'check' ? checkHeap(run, process) : observatory.look(safepoint, wishes)
  parentPort?.postMessage(found)
  collect()
})
parentPort?.postMessage('ready')
