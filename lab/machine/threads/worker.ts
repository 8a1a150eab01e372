/** Worker entry (run from dist/): carries lab threads, one at a time, until the run is over. */
import { HeapBufferFull } from '../../memory/errors.ts'
import { Barriers, readyAndWait, waitUntilPrepared } from '../../sync/barrier.ts'
import { Channels } from '../../sync/channel.ts'
import { RunEnded } from '../../sync/locks.ts'
import { Parking } from '../../sync/pause.ts'
import { type QueueEntry, takeEntry, takeEntryBlocking } from '../../sync/run-queue.ts'
import { messageOf } from '../../words/bad-input.ts'
import { SEAT_ROW_WORDS, SeatWord } from '../../words/control.ts'
import { loadScenario } from '../../workload/load.ts'
import { OpBatch } from '../../workload/op-batch.ts'
import { planScenario } from '../../workload/plan.ts'
import { buildId } from '../build-id.ts'
import { CompiledLoop } from '../compiled/compiled-loop.ts'
import { loadDesign } from '../designs.ts'
import { HeapCorrupted } from '../process.ts'
import { runnableScenarios } from '../scenarios.ts'
import { openSharedRun } from '../shared-run.ts'
import { realClock } from './clock.ts'
import { LabThread } from './lab-thread.ts'
import type { WorkerMessage, WorkerTask } from './messages.ts'
import type { Script } from './script.ts'
import { ThreadStarter } from './thread-starter.ts'
import { warmUp } from './warm-up.ts'
import { warmUpScripts } from './warm-up-scripts.ts'
import type { WorkerContext } from './worker-context.ts'

/** Piscina calls it once per worker. Resolves when the run is over for this worker. */
export default async function work(task: WorkerTask): Promise<void> {
  if (task.buildId !== buildId) {
    throw new Error(`worker build ${buildId} is not the main thread's ${task.buildId}: rebuild`)
  }
  const context = await openContext(task)
  const { control } = context.run
  // Whoever has a lab thread before the start records its first batch before the start, too.
  if (!waitUntilPrepared(control)) return
  let entry = takeEntry(control)
  try {
    const first = entry === undefined ? undefined : labThread(context, task, entry)
    first?.prepare()
    if (!readyAndWait(control)) return
    first?.run()
    for (;;) {
      entry = takeEntryBlocking(control)
      if (entry === undefined) return
      labThread(context, task, entry).run()
    }
  } catch (error) {
    if (error instanceof RunEnded) return
    task.port.postMessage(failure(error, entry?.thread ?? -1))
  }
}

async function openContext(task: WorkerTask): Promise<WorkerContext> {
  const { init, port } = task
  const { plan } = init
  const design = await loadDesign(plan.variant.design)
  const scenario = await loadScenario(plan.scenario, runnableScenarios)
  const scenarioPlan = planScenario(scenario, plan.params)
  const run = openSharedRun(init, design)
  const clock = realClock(init.clockOriginMs)
  const { cellsPerSeat: privateCells } = run.control.plan
  const batch = new OpBatch()
  const script: Script = { plan, scenario, scenarioPlan, privateCells, loopOps: undefined, batch }
  const compiled = task.code && (await CompiledLoop.link(run, task.code))
  if (compiled === undefined) warmUp(plan, design, clock)
  warmUpScripts(script)
  const process = run.processFor(0, 0, clock)
  const parking = new Parking(run.control, process.self)
  const post = (message: WorkerMessage): void => port.postMessage(message)
  return {
    run,
    scenario,
    script,
    process,
    clock,
    compiled,
    parking,
    channels: new Channels(run.control, parking),
    barriers: new Barriers(run.control, parking),
    starter: new ThreadStarter({
      run,
      process,
      parking,
      roles: scenario.roles.length,
      stackBytes: scenarioPlan.stackBytes,
      announceIdle: () => post({ kind: 'idle' }),
    }),
    announcePhase: (seat, label) => post({ kind: 'phase', seat, label }),
  }
}

function labThread(context: WorkerContext, task: WorkerTask, entry: QueueEntry): LabThread {
  const { seats } = context.run.control
  seats[entry.seat * SEAT_ROW_WORDS + SeatWord.WORKER] = task.worker + 1
  return new LabThread(context, entry)
}

function failure(error: unknown, thread: number): WorkerMessage {
  const message = messageOf(error)
  if (error instanceof HeapCorrupted)
    return { kind: 'failed', outcome: 'corrupted', thread, message }
  if (error instanceof HeapBufferFull) {
    return { kind: 'failed', outcome: 'untrustworthy', thread, message }
  }
  const stack = error instanceof Error && error.name !== 'BadInput' ? error.stack : undefined
  return { kind: 'failed', outcome: 'crashed', thread, message: stack ?? message }
}
