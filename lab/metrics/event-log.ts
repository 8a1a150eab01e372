/**
 * Drains the event log: a ring that designs write rare events into. The reader never stops a
 * writer, so it checks each entry's sequence number and counts what the ring has overwritten.
 */
import { type Control, ControlWord, LOG_ENTRY, LogField } from '../words/control.ts'
import { COUNTER_NAMES } from '../words/events.ts'
import type { LogSample } from './types.ts'

const FIGURE_BYTES = 8

export class EventLogReader {
  readonly #control: Control
  #next = 0
  /** Entries that were overwritten before they were read. */
  lost = 0

  constructor(control: Control) {
    this.#control = control
  }

  /** Every complete entry written since the last call, oldest first. Never blocks. */
  drain(): LogSample[] {
    const { plan, words, float64 } = this.#control
    const written = words[ControlWord.LOG_WRITTEN]!
    const oldest = Math.max(0, written - plan.logEntries)
    if (this.#next < oldest) {
      this.lost += oldest - this.#next
      this.#next = oldest
    }
    const entries: LogSample[] = []
    while (this.#next < written) {
      const at = plan.at.log / FIGURE_BYTES + (this.#next % plan.logEntries) * LOG_ENTRY
      const sequence = float64[at + LogField.SEQUENCE]!
      // A smaller number is an entry still being written: it comes with the next drain.
      if (sequence < this.#next + 1) break
      const entry = this.#entry(at)
      // A larger one, before or after copying, means that the ring went round meanwhile.
      if (sequence > this.#next + 1 || float64[at + LogField.SEQUENCE] !== sequence) this.lost++
      else entries.push(entry)
      this.#next++
    }
    return entries
  }

  #entry(at: number): LogSample {
    const { float64 } = this.#control
    return {
      type: 'event',
      t: float64[at + LogField.TIME]!,
      thread: float64[at + LogField.THREAD]!,
      event: COUNTER_NAMES[float64[at + LogField.EVENT]!] ?? 'unknown',
      a: float64[at + LogField.A]!,
      b: float64[at + LogField.B]!,
    }
  }
}
