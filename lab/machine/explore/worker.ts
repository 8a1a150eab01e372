/** Worker entry (run from dist/): carries lab threads whenever it holds the baton. */
import { builtInScenarios } from '../../../scenarios/index.ts'
import { Barriers, readyAndWait } from '../../sync/barrier.ts'
import { Channels } from '../../sync/channel.ts'
import { replaceFutexWait } from '../../sync/futex.ts'
import { Parking, passPhase } from '../../sync/pause.ts'
import { ControlWord } from '../../words/control.ts'
import { loadScenario } from '../../workload/load.ts'
import { planScenario } from '../../workload/plan.ts'
import { buildId } from '../build-id.ts'
import { loadDesign } from '../designs.ts'
import { openSharedRun, type SharedRun } from '../shared-run.ts'
import { ThreadStarter } from '../threads/thread-starter.ts'
import type { WorkerContext } from '../threads/worker-context.ts'
import { Access } from './access.ts'
import { Account } from './account.ts'
import { Baton } from './baton.ts'
import { Choices } from './choices.ts'
import { ExploreProcess } from './explore-process.ts'
import { ExploreWord, ExploreWords } from './layout.ts'
import type { ExploreMessage, ExploreTask } from './messages.ts'
import { Scheduler } from './scheduler.ts'
import { Schedules } from './schedules.ts'
import { Snapshot } from './snapshot.ts'
import { watchWords } from './watched-words.ts'

/** Nanoseconds from one look at the clock of a schedule to the next. */
const CLOCK_STEP_NS = 1000
/** Ops of a loop role, which a schedule repeats until its time is up. */
const LOOP_OPS = 256

/** Piscina calls it once per worker. Resolves when the run is over. */
export default async function work(task: ExploreTask): Promise<void> {
  if (task.buildId !== buildId) {
    throw new Error(`worker build ${buildId} is not the main thread's ${task.buildId}: rebuild`)
  }
  const { init, worker } = task
  const { plan } = init
  const design = await loadDesign(plan.variant.design)
  const scenario = await loadScenario(plan.scenario, builtInScenarios)
  const scenarioPlan = planScenario(scenario, plan.params)
  const run = openSharedRun(init, design)
  const { control, heap } = run
  const explore = new ExploreWords(plan.threads, task.explore)
  const snapshot = new Snapshot(task.snapshot)
  const baton = new Baton(explore, worker)
  const choices = new Choices(explore)
  const account = new Account(explore, control)
  const scheduler = new Scheduler({ explore, control, heap, worker, baton, choices, account })
  const clock = scheduleClock(explore)
  letOthersRunInWaits(run, explore, scheduler)

  const words = watchWords(heap, control.pages, snapshot.dirtied, scheduler)
  const process = ExploreProcess.open(run, words, scheduler, clock)
  const parking = new Parking(control, process.self)
  const context: WorkerContext = {
    run,
    scenario,
    script: {
      plan,
      scenario,
      scenarioPlan,
      privateCells: run.control.plan.cellsPerSeat,
      loopOps: LOOP_OPS,
    },
    process,
    clock,
    parking,
    channels: new Channels(control, parking),
    barriers: new Barriers(control, parking),
    starter: new ThreadStarter({
      run,
      process,
      parking,
      roles: scenario.roles.length,
      stackBytes: scenarioPlan.stackBytes,
      // The worker sees it by itself when it looks for its next lab thread.
      announceIdle: () => {},
    }),
    // Nobody is stopped for a phase mark: every safepoint is looked at anyway.
    announcePhase: (seat) => passPhase(control, seat),
    beforeOp: (code) => scheduler.beforeOp(code),
  }
  const schedules = new Schedules({
    run,
    explore,
    snapshot,
    choices,
    scheduler,
    account,
    baton,
    context,
    worker,
    post: (message: ExploreMessage) => task.port.postMessage(message),
  })
  if (!readyAndWait(control)) return
  schedules.carryOut()
}

/** Time is counted in looks at it, so that it is the same whenever a schedule is repeated. */
function scheduleClock(explore: ExploreWords): () => number {
  const { words } = explore
  return () => {
    words[ExploreWord.LOOKS_AT_CLOCK]!++
    return words[ExploreWord.LOOKS_AT_CLOCK]! * CLOCK_STEP_NS
  }
}

/**
 * Waits of the lab's own structures: for a word of the control buffer until it changes; for a
 * sleep's end, of which time is all it needs; for a claimed cell, by looking again.
 */
function letOthersRunInWaits(run: SharedRun, explore: ExploreWords, scheduler: Scheduler): void {
  const { control } = run
  replaceFutexWait((words, at, seen, ms) => {
    const word = words.byteOffset / Int32Array.BYTES_PER_ELEMENT + at
    if (words.buffer !== control.bytes.buffer) scheduler.giveWay(Access.GIVES_WAY)
    else if (word === ControlWord.STATE) {
      explore.words[ExploreWord.LOOKS_AT_CLOCK]! += Math.ceil((ms * 1e6) / CLOCK_STEP_NS)
      scheduler.giveWay(Access.GIVES_WAY)
    } else scheduler.waitForControl(word, seen)
  })
}
