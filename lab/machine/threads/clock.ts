/** The real clock: the only place that reads it. */
import type { Clock } from '../process.ts'

/** Milliseconds since the epoch, now, as finely as the host tells. */
export const epochMs = (): number => performance.timeOrigin + performance.now()

/**
 * Whole nanoseconds since `originMs`. Isolates that are given one origin read one clock, to about a
 * microsecond: their time origins are only known that well.
 */
export function realClock(originMs: number): Clock {
  const offsetMs = performance.timeOrigin - originMs
  return () => Math.floor((offsetMs + performance.now()) * 1e6)
}
