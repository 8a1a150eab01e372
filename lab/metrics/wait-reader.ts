/**
 * Drains the log of lock waits, as event-log.ts does the log of rare events: no writer is ever
 * stopped, and what the ring has overwritten is counted.
 */
import { lockFigures } from '../sync/lock-table.ts'
import { type Control, ControlWord, WAIT_ENTRY, WaitField } from '../words/control.ts'

/** Waits of one run that are kept; later ones are counted. */
const WAITS_MAX = 500_000
/** Figures of a wait in `WaitLine.waits`. */
export const WAIT_FIGURES = 5

/**
 * One line of waits.ndjson: what was found in the log at one moment. Times are nanoseconds of the
 * run's clock, as in samples.ndjson.
 */
export interface WaitLine {
  readonly type: 'waits'
  readonly t: number
  /** Names of locks that no earlier line named, by id. */
  readonly locks: Readonly<Record<string, string>>
  /**
   * Five figures each: when it began, the lab thread, the lock's id, how long it took, and the lab
   * thread that held the lock when it began (-1: not known). A length of -1 is no wait: the lab
   * thread let go of the lock at that time, while others waited.
   */
  readonly waits: readonly number[]
  /** Entries lost since the line before. */
  readonly dropped: number
}

export class WaitReader {
  readonly #control: Control
  readonly #named = new Set<number>()
  #next = 0
  #kept = 0

  constructor(control: Control) {
    this.#control = control
  }

  /**
   * What was written since the last call; undefined for nothing. Never blocks. `startNs` is what
   * the locks' clock showed when the run's began.
   */
  drain(t: number, startNs: number): WaitLine | undefined {
    const { plan, words, float64 } = this.#control
    const entries = plan.waitEntries ?? 0
    const written = words[ControlWord.WAITS_WRITTEN]!
    if (entries === 0 || written === this.#next) return undefined
    const oldest = Math.max(0, written - entries)
    let dropped = Math.max(0, oldest - this.#next)
    this.#next = Math.max(this.#next, oldest)
    const waits: number[] = []
    const locks: Record<string, string> = {}
    while (this.#next < written) {
      const at = plan.at.waits / 8 + (this.#next % entries) * WAIT_ENTRY
      const sequence = float64[at + WaitField.SEQUENCE]!
      // A smaller number is an entry still being written: it comes with the next drain.
      if (sequence < this.#next + 1) break
      const entry = [
        float64[at + WaitField.TIME]! - startNs,
        float64[at + WaitField.THREAD]!,
        float64[at + WaitField.LOCK]!,
        float64[at + WaitField.NS]!,
        float64[at + WaitField.HOLDER]!,
      ]
      const whole = sequence === this.#next + 1 && float64[at + WaitField.SEQUENCE] === sequence
      if (whole && this.#kept < WAITS_MAX) this.#keep(entry, waits, locks)
      else dropped++
      this.#next++
    }
    return { type: 'waits', t, locks, waits, dropped }
  }

  #keep(entry: readonly number[], waits: number[], locks: Record<string, string>): void {
    this.#kept++
    waits.push(...entry)
    const lock = entry[2]!
    if (this.#named.has(lock)) return
    this.#named.add(lock)
    locks[lock] = lockFigures(this.#control, lock).name
  }
}
