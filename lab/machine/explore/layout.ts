/**
 * The shared words of the explore machine: who may run, what everybody waits for, the choices that
 * the schedule under way still has to make, and the last switches. Only the holder of the baton
 * writes them, so plain accesses do, but for the words that workers sleep on.
 */
import type { SharedWords } from '../../words/units.ts'

/** Single words, at the head. */
export const ExploreWord = {
  /** 1 when workers are to leave. */
  OVER: 0,
  /** Schedule under way; 0 is the one without switches. */
  SCHEDULE: 1,
  /** First and last numbered schedule of this run. */
  FIRST: 2,
  LAST: 3,
  /** 1 while a schedule that has failed is carried out once more, with its account. */
  RETOLD: 4,
  /** Accesses, locks and atomics of the schedule so far: its clock. */
  STEP: 5,
  /** Step at which the scheduler looks up: for a planned switch, or to see that ops still end. */
  LOOK_AT: 6,
  /** Step of the last end of an op. */
  LAST_PROGRESS: 7,
  /** State of the schedule's random numbers. */
  RANDOM: 8,
  /** A `Strategy`, and its figure: one step in so many, or change points. */
  STRATEGY: 9,
  FIGURE: 10,
  /** Steps of schedule 0: over which change points are spread. */
  STEPS_WITHOUT_SWITCHES: 11,
  /** Change points passed. */
  CHANGES: 12,
  /** 1 once the schedule has failed: everybody unwinds. */
  FAILED: 13,
  SWITCHES: 14,
  /** 1 when the user wants the run to end, or to stand still between two schedules. */
  STOP: 15,
  PAUSED: 16,
  /** Readings of the schedule's clock. */
  LOOKS_AT_CLOCK: 17,
  /** 1 once this schedule's lab threads have been told that their time is up. */
  CUT: 18,
  /** PCT: the lowest priority given so far. */
  LOWEST: 19,
  /** Step of the next planned switch. */
  SWITCH_AT: 20,
  /** Step of the last check of the whole heap. */
  CHECKED_AT: 21,
  /** Step at which live blocks were last compared with one another. */
  COMPARED_AT: 22,
  CHANGE_POINTS: 23,
} as const
/** Words kept for change points. */
export const CHANGE_POINTS_MAX = 8

/** Figures over all schedules that ended well, schedule 0 apart, in float64. */
export const ExploreFigure = { SCHEDULES: 0, STEPS: 1, SWITCHES: 2, CHECKS: 3, CUT: 4 } as const

/** One row per worker, on cache lines of its own. */
export const RowWord = {
  /** 1 when the baton is this worker's: what it sleeps on. */
  TURN: 0,
  /** A `RowState`. */
  STATE: 1,
  /** Word waited for, what it was, and the run's state when the wait began. */
  AT: 2,
  SEEN: 3,
  RUN_STATE: 4,
  /** PCT: the highest of those who can runs. */
  PRIORITY: 5,
  /** An `Op`, or a `Doing`; 0 between ops. */
  DOING: 6,
  /** Lab thread number. */
  THREAD: 7,
  SEAT: 8,
} as const
const ROW_WORDS = 16

export const RowState = {
  /** Carries no lab thread. */
  IDLE: 0,
  RUNNABLE: 1,
  /** Until a word of the control buffer is no longer what it was. */
  WAITS_FOR_CONTROL: 2,
  /** Until a lock's word in the heap is free. */
  WAITS_FOR_LOCK: 3,
} as const
export type RowState = (typeof RowState)[keyof typeof RowState]

/** What a lab thread does beside ops. Op codes are positive. */
export const Doing = { NOTHING: 0, BEGINS: -1, ENDS: -2 } as const

/** One switch, as the account tells it. */
export const SwitchWord = {
  STEP: 0,
  FROM: 1,
  TO: 2,
  DOING: 3,
  /** An `Access`. */
  ACCESS: 4,
  WORD: 5,
  LOCK: 6,
  TEXT_BYTES: 7,
} as const
const SWITCH_HEAD_WORDS = 8
const SWITCH_TEXT_WORDS = 24
const SWITCH_WORDS = SWITCH_HEAD_WORDS + SWITCH_TEXT_WORDS
export const SWITCH_TEXT_BYTES = SWITCH_TEXT_WORDS * 4
/** Switches kept. */
const SWITCHES_KEPT = 256

const HEAD_WORDS = 64
const FIGURES_AT = 32
const BYTES_PER_WORD = 4

/** The shared words, as one isolate sees them. */
export class ExploreWords {
  readonly buffer: SharedArrayBuffer
  readonly words: SharedWords
  readonly figures: Float64Array<SharedArrayBuffer>
  readonly workers: number
  readonly #rowsAt: number = HEAD_WORDS
  readonly #switchesAt: number

  constructor(workers: number, buffer = new SharedArrayBuffer(bytesFor(workers))) {
    this.workers = workers
    this.buffer = buffer
    this.words = new Int32Array(buffer)
    this.figures = new Float64Array(buffer, FIGURES_AT * BYTES_PER_WORD, 8)
    this.#switchesAt = HEAD_WORDS + workers * ROW_WORDS
  }

  /** Index of a worker's row. */
  row(worker: number): number {
    return this.#rowsAt + worker * ROW_WORDS
  }

  /** Index of the `number`-th switch of the schedule; older ones are overwritten. */
  switchAt(number: number): number {
    return this.#switchesAt + (number % SWITCHES_KEPT) * SWITCH_WORDS
  }
  /** The text of a switch, as bytes. */
  textOf(switchAt: number): Uint8Array<SharedArrayBuffer> {
    const at = (switchAt + SWITCH_HEAD_WORDS) * BYTES_PER_WORD
    return new Uint8Array(this.buffer, at, SWITCH_TEXT_BYTES)
  }
}

const bytesFor = (workers: number): number =>
  (HEAD_WORDS + workers * ROW_WORDS + SWITCHES_KEPT * SWITCH_WORDS) * BYTES_PER_WORD
