/**
 * One worker's part in carrying schedules out. Whoever ends the last lab thread of a schedule
 * looks at what it left and begins the next; whoever finds something wrong makes everybody unwind,
 * has the schedule carried out once more for its account, and reports it.
 */
import type { Violation } from '../../../allocators/contract.ts'
import { HeapBufferFull, SegmentationFault } from '../../memory/errors.ts'
import { SpaceWord, spaceWords } from '../../memory/space-layout.ts'
import { type QueueEntry, takeEntry } from '../../sync/run-queue.ts'
import { messageOf } from '../../words/bad-input.ts'
import { CELL_WORDS, ControlWord, RunState, SEAT_ROW_WORDS, SeatWord } from '../../words/control.ts'
import { HeapCorrupted, type LabProcess } from '../process.ts'
import type { SharedRun } from '../shared-run.ts'
import { LabThread } from '../threads/lab-thread.ts'
import type { WorkerContext } from '../threads/worker-context.ts'
import type { Account } from './account.ts'
import { type Baton, endBaton } from './baton.ts'
import { overlaps } from './block-overlap.ts'
import type { Choices } from './choices.ts'
import {
  Doing,
  ExploreFigure,
  ExploreWord,
  type ExploreWords,
  RowState,
  RowWord,
} from './layout.ts'
import type { ExploreMessage, FailureKind } from './messages.ts'
import { Abandoned, NoProgress, type Scheduler } from './scheduler.ts'
import type { Snapshot } from './snapshot.ts'

export interface SchedulesParts {
  readonly run: SharedRun
  readonly explore: ExploreWords
  readonly snapshot: Snapshot
  readonly choices: Choices
  readonly scheduler: Scheduler
  readonly account: Account
  readonly baton: Baton
  readonly context: WorkerContext
  readonly worker: number
  readonly post: (message: ExploreMessage) => void
}

/** Steps between two checks of the whole heap, and more of them for each resident page of it. */
const STEPS_BETWEEN_CHECKS = 1000
const STEPS_A_PAGE = 16

/** What a look at a safepoint found. */
class BrokenInvariant extends Error {
  override name = 'BrokenInvariant'
}

export class Schedules {
  readonly #parts: SchedulesParts
  readonly #words: Int32Array
  /** The process without a scheduler, for looking at safepoints. */
  readonly #plain: LabProcess

  constructor(parts: SchedulesParts) {
    this.#parts = parts
    this.#words = parts.explore.words
    this.#plain = parts.run.processFor(0, 0, () => 0)
    parts.scheduler.onSafepoint = () => this.#lookAtSafepoint()
  }

  /** Returns when the workers are to leave. */
  carryOut(): void {
    const { baton, worker } = this.#parts
    if (!baton.await()) return
    // The main thread gives the baton to worker 0 first.
    if (worker === 0) this.#begin(0)
    do {
      const entry = takeEntry(this.#parts.run.control)
      if (entry !== undefined) this.#carry(entry)
    } while (this.#awaitNext())
  }

  #carry(entry: QueueEntry): void {
    const { scheduler, context, worker, run } = this.#parts
    scheduler.begins(entry.thread, entry.seat)
    run.control.seats[entry.seat * SEAT_ROW_WORDS + SeatWord.WORKER] = worker + 1
    try {
      new LabThread(context, entry).run()
    } catch (error) {
      this.#fail(error)
    }
    scheduler.ended()
  }

  /**
   * This worker carries no lab thread: does what is left to do for the schedule, and returns when
   * there is a lab thread for it. False when it is to leave.
   */
  #awaitNext(): boolean {
    const { scheduler, baton } = this.#parts
    if (this.#words[ExploreWord.FAILED] === 0 && this.#isOver()) {
      this.#attempt(() => this.#check())
      if (this.#words[ExploreWord.FAILED] === 0) return this.#beginNext()
    }
    let going = true
    if (this.#words[ExploreWord.FAILED] === 0) {
      this.#attempt(() => {
        going = scheduler.rest()
      })
    }
    if (this.#words[ExploreWord.FAILED] === 0) return going
    const busy = this.#busyWorker()
    if (busy >= 0) {
      // It throws `Abandoned` where it stands, and passes the baton on when it has unwound.
      baton.handTo(busy)
      return this.#words[ExploreWord.OVER] === 0
    }
    return this.#beginAgain()
  }

  #attempt(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Have all lab threads ended? At an OOM kill they just stop. */
  #isOver(): boolean {
    const { words } = this.#parts.run.control
    if (words[ControlWord.STATE]! >= RunState.KILLED) return this.#busyWorker() < 0
    return words[ControlWord.THREADS_ALIVE] === 0
  }

  /** A worker that stands in the middle of a lab thread; -1 for none. */
  #busyWorker(): number {
    const { explore } = this.#parts
    for (let worker = 0; worker < explore.workers; worker++) {
      if (this.#words[explore.row(worker) + RowWord.STATE] !== RowState.IDLE) return worker
    }
    return -1
  }

  // ── one schedule after the other ───────────────────────────────────────────────────────────

  /** False when this worker is to leave instead. */
  #begin(schedule: number): boolean {
    const { explore, snapshot, run, choices } = this.#parts
    const words = this.#words
    while (Atomics.load(words, ExploreWord.PAUSED) === 1) {
      Atomics.wait(words, ExploreWord.PAUSED, 1)
    }
    snapshot.restore(run)
    words[ExploreWord.SCHEDULE] = schedule
    for (const word of RESET_WORDS) words[word] = 0
    for (let worker = 0; worker < explore.workers; worker++) {
      words[explore.row(worker) + RowWord.STATE] = RowState.IDLE
      words[explore.row(worker) + RowWord.DOING] = Doing.NOTHING
    }
    choices.begin(run.init.plan.seed, schedule)
    // Whoever ended the last schedule, and so begins this one, must make no difference to it.
    this.#parts.baton.handTo(0)
    return words[ExploreWord.OVER] === 0
  }

  /**
   * The schedule has ended well. Returns when there is a lab thread for this worker in a later one;
   * false when it is to leave.
   */
  #beginNext(): boolean {
    const words = this.#words
    const schedule = words[ExploreWord.SCHEDULE]!
    if (schedule === 0) words[ExploreWord.STEPS_WITHOUT_SWITCHES] = words[ExploreWord.STEP]!
    else this.#count()
    const last = schedule !== 0 && schedule >= words[ExploreWord.LAST]!
    if (last || words[ExploreWord.STOP] === 1 || words[ExploreWord.RETOLD] === 1) {
      this.#leave({ kind: 'done' })
      return false
    }
    return this.#begin(schedule === 0 ? words[ExploreWord.FIRST]! : schedule + 1)
  }

  #count(): void {
    const words = this.#words
    const { figures } = this.#parts.explore
    const killed = this.#parts.run.control.words[ControlWord.STATE]! >= RunState.KILLED
    figures[ExploreFigure.SCHEDULES]!++
    figures[ExploreFigure.STEPS]! += words[ExploreWord.STEP]!
    figures[ExploreFigure.SWITCHES]! += words[ExploreWord.SWITCHES]!
    if (killed || words[ExploreWord.CUT] === 1) figures[ExploreFigure.CUT]!++
  }

  /** Everybody has unwound: as `#beginNext`, for the same schedule once more, if it was not yet. */
  #beginAgain(): boolean {
    const words = this.#words
    if (words[ExploreWord.RETOLD] === 1) {
      endBaton(this.#parts.explore)
      return false
    }
    words[ExploreWord.RETOLD] = 1
    return this.#begin(words[ExploreWord.SCHEDULE]!)
  }

  #leave(message: ExploreMessage): void {
    this.#parts.post(message)
    endBaton(this.#parts.explore)
  }

  // ── what is found ──────────────────────────────────────────────────────────────────────────

  /**
   * Between ops of all lab threads. To compare all live blocks, or to check the whole heap, takes
   * longer the more there are, and longer than many ops: so each is done when as many steps have
   * gone by. When a failure is told again both are done everywhere, so that it is found early.
   */
  #lookAtSafepoint(): void {
    const words = this.#words
    const { control } = this.#parts.run
    const step = words[ExploreWord.STEP]!
    const pages = control.int32[spaceWords(control) + SpaceWord.RSS]!
    const between = STEPS_BETWEEN_CHECKS + STEPS_A_PAGE * pages
    const isTold = words[ExploreWord.RETOLD] === 1
    if (isTold || step - words[ExploreWord.CHECKED_AT]! >= between) this.#check()
    else if (step - words[ExploreWord.COMPARED_AT]! >= control.cells.length / CELL_WORDS) {
      this.#compare()
    }
  }

  /** At a safepoint. Throws `BrokenInvariant`. */
  #compare(): void {
    this.#words[ExploreWord.COMPARED_AT] = this.#words[ExploreWord.STEP]!
    refuse(overlaps(this.#parts.run.control))
  }

  /** At a safepoint. Throws `BrokenInvariant`. */
  #check(): void {
    const { run, explore } = this.#parts
    this.#words[ExploreWord.CHECKED_AT] = this.#words[ExploreWord.STEP]!
    explore.figures[ExploreFigure.CHECKS]!++
    this.#compare()
    refuse(run.design.check(this.#plain, run.init.tunables))
  }

  /** The schedule ends here: everybody else unwinds. Only the first failure counts. */
  #fail(error: unknown): void {
    const words = this.#words
    if (error instanceof Abandoned || words[ExploreWord.FAILED] === 1) return
    const { account, worker, post } = this.#parts
    words[ExploreWord.FAILED] = 1
    const thread = words[this.#parts.explore.row(worker) + RowWord.THREAD]!
    const general = error instanceof BrokenInvariant || error instanceof NoProgress
    post({
      kind: 'failed',
      outcome: outcomeOf(error),
      schedule: words[ExploreWord.SCHEDULE]!,
      message: general ? messageOf(error) : `lab thread ${thread}: ${failureText(error)}`,
      account: account.tell(worker, error),
    })
  }
}

function refuse([first]: readonly Violation[]): void {
  if (first === undefined) return
  throw new BrokenInvariant(`broken invariant: ${first.invariant} (${first.where})`)
}

/** Words of a schedule that begin at 0. */
const RESET_WORDS = [
  ExploreWord.STEP,
  ExploreWord.LOOK_AT,
  ExploreWord.LAST_PROGRESS,
  ExploreWord.FAILED,
  ExploreWord.SWITCHES,
  ExploreWord.LOOKS_AT_CLOCK,
  ExploreWord.CUT,
  ExploreWord.CHECKED_AT,
  ExploreWord.COMPARED_AT,
]

function outcomeOf(error: unknown): FailureKind {
  if (error instanceof NoProgress) return 'deadlock'
  if (error instanceof HeapBufferFull) return 'untrustworthy'
  const corrupted =
    error instanceof HeapCorrupted ||
    error instanceof BrokenInvariant ||
    error instanceof SegmentationFault
  return corrupted ? 'corrupted' : 'crashed'
}

/** Errors that are no verdict of the lab's own come with their stack. */
function failureText(error: unknown): string {
  const known = error instanceof Error && outcomeOf(error) !== 'crashed'
  return known || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message)
}
