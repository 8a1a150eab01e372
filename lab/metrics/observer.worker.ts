/** Worker entry (run from dist/): walks the heap at safepoints; the main thread stays free. */
import { parentPort, workerData } from 'node:worker_threads'
import { loadDesign } from '../machine/designs.ts'
import { openSharedRun, type SharedRunInit } from '../machine/shared-run.ts'
import { realClock } from '../machine/threads/clock.ts'
import type { Safepoint } from '../machine/types.ts'
import { type LookWishes, Observatory } from './observe.ts'

/** What the main thread asks for; answered by one `Observation` each, in order. */
export interface LookRequest {
  readonly safepoint: Safepoint
  readonly wishes: LookWishes
}

const init = workerData as SharedRunInit
const run = openSharedRun(init, await loadDesign(init.plan.variant.design))
// Seat 0's rows are written to by nobody else while all are parked, and only by lock statistics.
const observatory = new Observatory(run, run.processFor(0, 0, realClock(init.clockOriginMs)))

parentPort?.on('message', ({ safepoint, wishes }: LookRequest) => {
  parentPort?.postMessage(observatory.look(safepoint, wishes))
})
parentPort?.postMessage('ready')
