/**
 * Says when lab threads can no longer make progress. It only reads shared words, so a verdict needs
 * the same picture several times in a row: a lab thread between two states looks blocked for a
 * moment.
 */
import { lockFigures } from '../../sync/lock-table.ts'
import {
  type Control,
  ControlWord,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../../words/control.ts'
import { OP_NAMES } from '../../workload/ops.ts'
import { deadlockMessage } from '../waiters.ts'

/** Looks in a row that must agree before it is a deadlock: others may keep the cores that long. */
const LOOKS = 10
/** An op that takes longer than this is stuck. */
const STUCK_NS = 30e9

const BLOCKED: ReadonlySet<number> = new Set([
  SeatState.LOCK,
  SeatState.CHANNEL,
  SeatState.BARRIER,
  SeatState.JOIN,
])
/** What is left in the middle of an op when everybody else stands still for a safepoint. */
const IN_AN_OP: ReadonlySet<number> = new Set([SeatState.RUNNING, SeatState.LOCK])

export type Verdict =
  | { readonly kind: 'deadlock'; readonly message: string }
  | { readonly kind: 'stuck'; readonly message: string }

export class Watchdog {
  readonly #control: Control
  #picture = ''
  #same = 0
  readonly #progress: Int32Array
  readonly #since: Float64Array

  constructor(control: Control) {
    this.#control = control
    this.#progress = new Int32Array(control.plan.seats).fill(-1)
    this.#since = new Float64Array(control.plan.seats)
  }

  /** Forgets what it saw: after a safepoint, which stops progress for a good reason. */
  reset(nowNs: number): void {
    this.#picture = ''
    this.#same = 0
    this.#since.fill(nowNs)
  }

  /**
   * One look, every 100 ms or so; also while a safepoint waits for who waits for a lock.
   */
  look(nowNs: number): Verdict | undefined {
    const { seats, plan } = this.#control
    const stopping = this.#control.words[ControlWord.PAUSE] !== 0
    let picture = ''
    let alive = 0
    let blocked = 0
    for (let seat = 0; seat < plan.seats; seat++) {
      const row = seat * SEAT_ROW_WORDS
      const state = Atomics.load(seats, row + SeatWord.STATE)
      if (state === SeatState.FREE || state === SeatState.ENDED) continue
      alive++
      const stays = stopping ? !IN_AN_OP.has(state) : false
      if (stays || (BLOCKED.has(state) && !this.#maySoonGoOn(row, state))) blocked++
      const progress = seats[row + SeatWord.PROGRESS]!
      picture += `${seat}:${state}:${progress};`
      if (progress !== this.#progress[seat] || state !== SeatState.RUNNING) {
        this.#progress[seat] = progress
        this.#since[seat] = nowNs
      } else if (nowNs - this.#since[seat]! > STUCK_NS) {
        return { kind: 'stuck', message: this.#stuckMessage(seat) }
      }
    }
    this.#same = picture === this.#picture ? this.#same + 1 : 0
    this.#picture = picture
    if (alive === 0 || blocked < alive || this.#same < LOOKS) return undefined
    return { kind: 'deadlock', message: deadlockMessage(this.#control) }
  }

  /** What it waits for has come: it only has not had a core since. */
  #maySoonGoOn(row: number, state: number): boolean {
    const { seats } = this.#control
    if (state === SeatState.LOCK) {
      const id = seats[row + SeatWord.WAITS_FOR_LOCK]! - 1
      return id >= 0 && lockFigures(this.#control, id).holderThread < 0
    }
    if (state !== SeatState.JOIN) return false
    const seat = seats[row + SeatWord.WAITS_FOR]! - 1
    // Nobody joins seat 0: who names it waits for any seat at all.
    if (seat > 0) return this.#hasEnded(seat)
    return Array.from({ length: this.#control.plan.seats }, (_, at) => at).some((at) =>
      this.#hasEnded(at),
    )
  }

  #hasEnded(seat: number): boolean {
    const state = Atomics.load(this.#control.seats, seat * SEAT_ROW_WORDS + SeatWord.STATE)
    return state === SeatState.ENDED || state === SeatState.FREE
  }

  #stuckMessage(seat: number): string {
    const { seats } = this.#control
    const row = seat * SEAT_ROW_WORDS
    const op = OP_NAMES[seats[row + SeatWord.OP]!] ?? 'op'
    const thread = seats[row + SeatWord.THREAD]! - 1
    return `lab thread ${thread} is stuck: one ${op} has run for more than 30 s`
  }
}
