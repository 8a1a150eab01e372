/**
 * The choices of a schedule: when to switch, and to whom. They come from the run's seed and the
 * schedule's number alone, so that a schedule can be carried out again by itself. All state lies in
 * the shared words, because whoever holds the baton chooses.
 *
 * Three strategies take turns, each with figures of its own from schedule to schedule:
 *
 * - **random**: a switch every so many accesses, to anybody. Finds races whose window is long, or
 *   that need several switches.
 * - **priorities** (PCT: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with
 *   Probabilistic Guarantees of Finding Bugs", ASPLOS 2010): the highest of the lab threads that
 *   can go on runs, until one of a few points, spread evenly over the run, where it becomes the
 *   lowest. Finds races that need one lab thread to stand still for long at the wrong place.
 * - **locks**: switches at locks, atomics and ends of ops, and rarely elsewhere. Finds what is
 *   wrong in the order of critical sections: missing re-checks, deadlocks.
 *
 * Schedule 0 switches only where a lab thread has to wait. Its length is what change points are
 * spread over.
 */
import { CHANGE_POINTS_MAX, ExploreWord, type ExploreWords, RowWord } from './layout.ts'

export const Strategy = { NONE: 0, RANDOM: 1, PRIORITIES: 2, LOCKS: 3 } as const
export type Strategy = (typeof Strategy)[keyof typeof Strategy]
const TAKING_TURNS = [Strategy.PRIORITIES, Strategy.RANDOM, Strategy.LOCKS] as const
export const STRATEGY_NAMES: readonly string[] = [
  'no switches',
  'random switches',
  'priority change points',
  'switches at locks',
]

/** Accesses between two random switches, on average. */
const GAPS = [30, 100, 300, 1000] as const
/** One switch in so many locks, atomics and ends of ops. */
const SYNC_ODDS = [4, 10, 25] as const
/** Accesses between two switches elsewhere, where locks are what counts. */
const GAP_BESIDE_LOCKS = 400
const NEVER = 0x7fffffff
const TWO_32 = 0x1_0000_0000

export class Choices {
  readonly #words: Int32Array
  readonly #explore: ExploreWords

  constructor(explore: ExploreWords) {
    this.#explore = explore
    this.#words = explore.words
  }

  /** A schedule begins. Same seed and number: same choices. */
  begin(seed: number, schedule: number): void {
    const words = this.#words
    words[ExploreWord.RANDOM] = scramble(scramble(seed | 0) ^ Math.imul(schedule, 0x9e3779b1))
    words[ExploreWord.CHANGES] = 0
    words[ExploreWord.LOWEST] = 0
    words[ExploreWord.SWITCH_AT] = NEVER
    const strategy = schedule === 0 ? Strategy.NONE : TAKING_TURNS[schedule % TAKING_TURNS.length]!
    words[ExploreWord.STRATEGY] = strategy
    if (strategy === Strategy.RANDOM) words[ExploreWord.FIGURE] = this.#oneOf(GAPS)
    if (strategy === Strategy.LOCKS) words[ExploreWord.FIGURE] = this.#oneOf(SYNC_ODDS)
    if (strategy === Strategy.PRIORITIES) this.#drawChangePoints()
    for (let worker = 0; worker < this.#explore.workers; worker++) this.drawPriority(worker)
    this.#planSwitch()
  }

  /** For the lab thread that `worker` carries next. */
  drawPriority(worker: number): void {
    this.#words[this.#explore.row(worker) + RowWord.PRIORITY] = 1 + this.#below(NEVER - 1)
  }

  /** It waits for others without saying so (a failed try, a sleep): they go first from now on. */
  demote(worker: number): void {
    this.#words[ExploreWord.LOWEST]!--
    this.#words[this.#explore.row(worker) + RowWord.PRIORITY] = this.#words[ExploreWord.LOWEST]!
  }

  /** The planned switch is due: plans the next one. */
  switchIsDue(worker: number): void {
    const words = this.#words
    if (words[ExploreWord.STRATEGY] === Strategy.PRIORITIES) {
      words[ExploreWord.CHANGES]!++
      this.demote(worker)
    }
    this.#planSwitch()
  }

  /** At a lock, an atomic or the end of an op: look for another to run? */
  switchAtSync(): boolean {
    const strategy = this.#words[ExploreWord.STRATEGY]
    // Somebody with a higher priority may be able to go on again.
    if (strategy === Strategy.PRIORITIES) return true
    return strategy === Strategy.LOCKS && this.#below(this.#words[ExploreWord.FIGURE]!) === 0
  }

  /** One of the first `count` of `workers`; `me` only where it has the highest priority. */
  pick(workers: Int32Array, count: number, me: number): number {
    const strategy = this.#words[ExploreWord.STRATEGY]
    if (strategy === Strategy.NONE) return workers[0]!
    if (strategy === Strategy.PRIORITIES) return this.#highest(workers, count)
    const others = count - (workers.subarray(0, count).includes(me) ? 1 : 0)
    if (others === 0) return me
    let drawn = this.#below(others)
    for (let i = 0; i < count; i++) {
      if (workers[i] === me) continue
      if (drawn === 0) return workers[i]!
      drawn--
    }
    return me
  }

  #highest(workers: Int32Array, count: number): number {
    let best = workers[0]!
    for (let i = 1; i < count; i++) {
      if (this.#priority(workers[i]!) > this.#priority(best)) best = workers[i]!
    }
    return best
  }
  #priority(worker: number): number {
    return this.#words[this.#explore.row(worker) + RowWord.PRIORITY]!
  }

  /** In order, over a little more than the steps of schedule 0. */
  #drawChangePoints(): void {
    const words = this.#words
    const count = 1 + this.#below(CHANGE_POINTS_MAX - 2)
    const steps = Math.max(1, words[ExploreWord.STEPS_WITHOUT_SWITCHES]!)
    const points = words.subarray(
      ExploreWord.CHANGE_POINTS,
      ExploreWord.CHANGE_POINTS + CHANGE_POINTS_MAX,
    )
    points.fill(NEVER)
    for (let i = 0; i < count; i++) points[i] = 1 + this.#below(steps)
    points.sort()
    words[ExploreWord.FIGURE] = count
  }

  #planSwitch(): void {
    const words = this.#words
    const step = words[ExploreWord.STEP]!
    switch (words[ExploreWord.STRATEGY]) {
      case Strategy.PRIORITIES: {
        const next = ExploreWord.CHANGE_POINTS + words[ExploreWord.CHANGES]!
        words[ExploreWord.SWITCH_AT] = words[next]!
        break
      }
      case Strategy.RANDOM:
        words[ExploreWord.SWITCH_AT] = step + this.#gap(words[ExploreWord.FIGURE]!)
        break
      case Strategy.LOCKS:
        words[ExploreWord.SWITCH_AT] = step + this.#gap(GAP_BESIDE_LOCKS)
        break
    }
  }

  /** At least 1, `mean` on average. */
  #gap(mean: number): number {
    return 1 + this.#below(2 * mean - 1)
  }
  #oneOf(figures: readonly number[]): number {
    return figures[this.#below(figures.length)]!
  }
  /** Uniform in [0, count). */
  #below(count: number): number {
    const state = (this.#words[ExploreWord.RANDOM]! + 0x9e3779b9) | 0
    this.#words[ExploreWord.RANDOM] = state
    return Math.floor(((scramble(state) >>> 0) * count) / TWO_32)
  }
}

/** splitmix32: a bijection of 32-bit words in which every bit depends on every bit. */
function scramble(word: number): number {
  let x = word | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return x ^ (x >>> 15)
}
