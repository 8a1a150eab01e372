/**
 * Decides who runs. One per worker; whoever holds the baton decides, at every access of the design
 * to its words and at every lock, atomic, system call and end of an op, and hands the baton over.
 * A lab thread that has to wait gives it away until what it waits for has come.
 */

import { setRunState } from '../../sync/pause.ts'
import {
  type Control,
  ControlWord,
  RunState,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../../words/control.ts'
import type { SharedWords } from '../../words/units.ts'
import { NO_OP } from '../threads/worker-context.ts'
import { Access } from './access.ts'
import type { Account } from './account.ts'
import type { Baton } from './baton.ts'
import type { Choices } from './choices.ts'
import { Doing, ExploreWord, type ExploreWords, RowState, RowWord } from './layout.ts'

/** Steps without the end of an op after which it is no longer slow but endless. */
const PATIENCE = 1_000_000
/** Steps of a schedule after which its lab threads are told that their time is up. */
const STEPS_MAX = 100_000
/** Failed tries of one op after which it lets others go first. */
const FAILED_TRIES = 8
/** Steps between two looks at those limits. */
const LOOK_EVERY = 10_000

/** Thrown through a lab thread that is stopped in the middle: another has failed. */
export class Abandoned extends Error {
  override name = 'Abandoned'
}
/** Nobody can go on, or nobody comes to an end. */
export class NoProgress extends Error {
  override name = 'NoProgress'
  readonly kind: 'deadlock' | 'endless'

  constructor(kind: 'deadlock' | 'endless', message: string) {
    super(message)
    this.kind = kind
  }
}

export interface SchedulerParts {
  readonly explore: ExploreWords
  readonly control: Control
  /** The heap itself, not the watched view of it. */
  readonly heap: SharedWords
  readonly worker: number
  readonly baton: Baton
  readonly choices: Choices
  readonly account: Account
}

export class Scheduler {
  readonly #parts: SchedulerParts
  readonly #explore: ExploreWords
  readonly #words: SharedWords
  readonly #control: Control
  readonly #row: number
  readonly #me: number
  readonly #able: Int32Array
  #failedTries = 0
  /** Called when every lab thread is between ops or waits without a lock; throws what it finds. */
  onSafepoint: () => void = () => {}

  constructor(parts: SchedulerParts) {
    this.#parts = parts
    this.#explore = parts.explore
    this.#words = parts.explore.words
    this.#control = parts.control
    this.#me = parts.worker
    this.#row = parts.explore.row(parts.worker)
    this.#able = new Int32Array(parts.explore.workers)
  }

  // ── what a lab thread passes ───────────────────────────────────────────────────────────────

  /** Before each access to the heap. */
  step(access: Access, word: number): void {
    const words = this.#words
    const step = words[ExploreWord.STEP]! + 1
    words[ExploreWord.STEP] = step
    if (step >= words[ExploreWord.LOOK_AT]!) this.#lookUp(access, word)
  }

  /** Before a lock, an atomic or a system call, after an unlock, between ops. */
  sync(access: Access, word: number, lock = -1): void {
    const words = this.#words
    this.step(access, word)
    if (words[ExploreWord.FAILED] === 1) return
    if (this.#parts.choices.switchAtSync()) this.#letRun(access, word, lock, true)
  }

  // A lab thread begins on this worker, its next op does, it has ended.
  begins(thread: number, seat: number): void {
    this.#words[this.#row + RowWord.THREAD] = thread
    this.#words[this.#row + RowWord.SEAT] = seat
    this.#words[this.#row + RowWord.STATE] = RowState.RUNNABLE
    this.#words[this.#row + RowWord.DOING] = Doing.BEGINS
    this.#failedTries = 0
  }
  /** `NO_OP` before the lab thread ends. */
  beforeOp(op: number): void {
    const words = this.#words
    words[this.#row + RowWord.DOING] = Doing.NOTHING
    words[ExploreWord.LAST_PROGRESS] = words[ExploreWord.STEP]!
    if (this.#allAtRest()) this.onSafepoint()
    this.#failedTries = 0
    this.sync(Access.NEXT_OP, 0)
    words[this.#row + RowWord.DOING] = op === NO_OP ? Doing.ENDS : op
  }
  ended(): void {
    this.#words[this.#row + RowWord.STATE] = RowState.IDLE
    this.#words[this.#row + RowWord.DOING] = Doing.NOTHING
    this.#words[ExploreWord.LAST_PROGRESS] = this.#words[ExploreWord.STEP]!
    this.#parts.choices.drawPriority(this.#me)
  }

  // ── waiting ────────────────────────────────────────────────────────────────────────────────

  /** Until the word at `at` of the control buffer is not `seen`, or the run's state changes. */
  waitForControl(at: number, seen: number): void {
    const words = this.#words
    const { control } = this.#parts
    if (control.int32[at] !== seen) return
    words[this.#row + RowWord.AT] = at
    words[this.#row + RowWord.SEEN] = seen
    words[this.#row + RowWord.RUN_STATE] = control.words[ControlWord.STATE]!
    this.#waitAs(RowState.WAITS_FOR_CONTROL, Access.WAITS, at, -1)
  }

  /** Until the lock at `word` is free; another may be faster. */
  waitForLock(word: number, lock: number): void {
    const { seats } = this.#control
    const seat = this.#words[this.#row + RowWord.SEAT]! * SEAT_ROW_WORDS
    const before = seats[seat + SeatWord.STATE]!
    seats[seat + SeatWord.STATE] = SeatState.LOCK
    seats[seat + SeatWord.WAITS_FOR_LOCK] = lock + 1
    this.#words[this.#row + RowWord.AT] = word
    this.#waitAs(RowState.WAITS_FOR_LOCK, Access.WAITS_FOR_LOCK, word, lock)
    seats[seat + SeatWord.STATE] = before
    seats[seat + SeatWord.WAITS_FOR_LOCK] = 0
  }

  /** Others first, if any can: this lab thread looks again and again for what it wants. */
  giveWay(access: Access, word = 0, lock = -1): void {
    if (this.#words[ExploreWord.FAILED] === 1) return
    this.#parts.choices.demote(this.#me)
    this.#letRun(access, word, lock, false)
  }

  /** Whoever tries a lock until it succeeds must let the holder come to its unlock. */
  tryFailed(word: number, lock: number): void {
    if (++this.#failedTries % FAILED_TRIES === 0) this.giveWay(Access.TRY_LOCK, word, lock)
  }

  /** The worker has no lab thread (any more): returns with the baton, false when it is to leave. */
  rest(): boolean {
    const next = this.#choose(true)
    if (next === this.#me) return true
    if (next < 0) return this.#stuck()
    this.#handTo(next, Access.ENDED, 0, -1)
    return this.#words[ExploreWord.OVER] === 0
  }

  #waitAs(state: RowState, access: Access, word: number, lock: number): void {
    const words = this.#words
    // Somebody unwinds: what it waits for will not come.
    if (words[ExploreWord.FAILED] === 1) throw new Abandoned()
    words[this.#row + RowWord.STATE] = state
    const next = this.#choose(true)
    if (next < 0) this.#stuck()
    if (next !== this.#me) this.#handTo(next, access, word, lock)
    words[this.#row + RowWord.STATE] = RowState.RUNNABLE
    this.#leaveIfFailed()
  }

  #stuck(): never {
    throw new NoProgress('deadlock', this.#parts.account.deadlock())
  }

  // ── deciding ───────────────────────────────────────────────────────────────────────────────

  #lookUp(access: Access, word: number): void {
    const words = this.#words
    if (words[ExploreWord.FAILED] === 1) return
    const step = words[ExploreWord.STEP]!
    if (step - words[ExploreWord.LAST_PROGRESS]! > PATIENCE) {
      throw new NoProgress('endless', `no op has ended for ${PATIENCE} accesses`)
    }
    if (step > STEPS_MAX && this.#control.words[ControlWord.STATE] === RunState.RUNNING) {
      words[ExploreWord.CUT] = 1
      this.#control.words[ControlWord.DEADLINE] = 1
      setRunState(this.#control, RunState.ENDING)
    }
    const due = step >= words[ExploreWord.SWITCH_AT]!
    if (due) this.#parts.choices.switchIsDue(this.#me)
    words[ExploreWord.LOOK_AT] = Math.min(words[ExploreWord.SWITCH_AT]!, step + LOOK_EVERY)
    if (due) this.#letRun(access, word, -1, true)
  }

  #letRun(access: Access, word: number, lock: number, orMe: boolean): void {
    const next = this.#choose(orMe)
    if (next < 0 || next === this.#me) return
    this.#handTo(next, access, word, lock)
    this.#leaveIfFailed()
  }

  /** Who runs next; -1 when nobody can. */
  #choose(orMe: boolean): number {
    let count = 0
    let idle = 0
    for (let worker = 0; worker < this.#explore.workers; worker++) {
      const row = this.#explore.row(worker)
      const state = this.#words[row + RowWord.STATE]
      let able = true
      if (state === RowState.IDLE) able = idle++ < this.#queued()
      else if (state !== RowState.RUNNABLE) able = this.#hasCome(row)
      if (able && (orMe || worker !== this.#me)) this.#able[count++] = worker
    }
    return count === 0 ? -1 : this.#parts.choices.pick(this.#able, count, this.#me)
  }

  /** Lab threads that were started and that no worker carries yet. */
  #queued(): number {
    const { words } = this.#control
    return words[ControlWord.QUEUE_PUSHED]! - words[ControlWord.QUEUE_TAKEN]!
  }

  #hasCome(row: number): boolean {
    const words = this.#words
    const at = words[row + RowWord.AT]!
    if (words[row + RowWord.STATE] === RowState.WAITS_FOR_LOCK) return this.#parts.heap[at] === 0
    return (
      this.#control.int32[at] !== words[row + RowWord.SEEN] ||
      this.#control.words[ControlWord.STATE] !== words[row + RowWord.RUN_STATE]
    )
  }

  #handTo(next: number, access: Access, word: number, lock: number): void {
    const words = this.#words
    this.#parts.account.note(this.#me, next, access, word, lock)
    words[ExploreWord.SWITCHES]!++
    this.#parts.baton.handTo(next)
  }

  #leaveIfFailed(): void {
    const words = this.#words
    if (words[ExploreWord.FAILED] === 1 || words[ExploreWord.OVER] === 1) throw new Abandoned()
  }

  /** Is this a safepoint? */
  #allAtRest(): boolean {
    for (let worker = 0; worker < this.#explore.workers; worker++) {
      const row = this.#explore.row(worker)
      if (this.#words[row + RowWord.STATE] === RowState.IDLE) continue
      if (this.#words[row + RowWord.DOING] === Doing.NOTHING) continue
      const seat = this.#words[row + RowWord.SEAT]! * SEAT_ROW_WORDS
      const state = this.#control.seats[seat + SeatWord.STATE]
      if (state === SeatState.RUNNING || state === SeatState.LOCK) return false
    }
    return true
  }
}
