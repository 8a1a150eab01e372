/**
 * What a loop role measures of itself, for benchmarks: its loop is cut into laps of a few thousand
 * ops, and each lap that began while `ControlWord.MEASURING` was set is counted, whole, by its own
 * thread's clock. Everything before is warm-up; the lap that a pause or the deadline cuts is
 * dropped.
 *
 * The mean over all laps is what a pair costs. On a busy machine some laps hold the time other
 * programs ran instead: the median lap then tells what a pair would have cost without them.
 */
import { type Control, ControlWord } from '../../words/control.ts'
import { Counter } from '../../words/events.ts'
import type { Clock } from '../process.ts'

/** Batch words of a lap: about 2000 mallocs and frees, so that two looks at the clock vanish. */
export const LAP_WORDS = 16_384
/** Laps the median is taken of: the latest ones. */
const LAPS_KEPT = 8192
/** A turn's last lap may be short: too few mallocs to say anything. */
const MALLOCS_MIN = 512

export class LapMeter {
  readonly #control: Control
  readonly #counterBase: number
  readonly #clock: Clock
  readonly #kept: number[] = []
  #laps = 0
  #startNs = -1
  #mallocs = 0

  constructor(control: Control, counterBase: number, clock: Clock) {
    this.#control = control
    this.#counterBase = counterBase
    this.#clock = clock
  }

  /** Between two laps. */
  lap(): void {
    if (this.#control.words[ControlWord.MEASURING] === 0) return
    const now = this.#clock()
    const mallocs = this.#control.counters[this.#counterBase + Counter.MALLOCS]!
    if (this.#startNs >= 0) this.#keep(now - this.#startNs, mallocs - this.#mallocs)
    this.#startNs = now
    this.#mallocs = mallocs
  }

  /** The lap under way does not count. */
  drop(): void {
    this.#startNs = -1
  }

  /** After the last lap: writes down what the median lap was. */
  end(): void {
    if (this.#kept.length === 0) return
    const sorted = Float64Array.from(this.#kept).sort()
    const median = sorted[sorted.length >>> 1]!
    this.#control.counters[this.#counterBase + Counter.MEASURED_LAP_NS] = median
  }

  #keep(ns: number, mallocs: number): void {
    const { counters } = this.#control
    const nsAt = this.#counterBase + Counter.MEASURED_NS
    const mallocsAt = this.#counterBase + Counter.MEASURED_MALLOCS
    counters[nsAt] = counters[nsAt]! + ns
    counters[mallocsAt] = counters[mallocsAt]! + mallocs
    if (mallocs >= MALLOCS_MIN) this.#kept[this.#laps++ % LAPS_KEPT] = ns / mallocs
  }
}
