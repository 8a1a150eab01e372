/** Plays a run to a dashboard as if it went on now, or at once. */
import type { Dashboard } from '../../dashboard/server/dashboard.ts'
import type { FakeRun } from './fake-run.ts'

/** Everything at once, ends included. */
export function publishAll(dashboard: Dashboard, run: FakeRun): void {
  dashboard.describe(run.description)
  for (const [variant, lines] of run.lines.entries()) {
    for (const line of lines) dashboard.publish(variant, line)
    dashboard.finish(variant, run.ends[variant]!)
  }
}

/**
 * Plays all variants one after the other, `speed` times as fast as they ran. Resolves at the end;
 * aborting the signal ends it early. Lines are published 50 times a second, as many as are due.
 */
export async function replay(
  dashboard: Dashboard,
  run: FakeRun,
  speed: number,
  signal?: AbortSignal,
): Promise<void> {
  dashboard.describe(run.description)
  for (const [variant, lines] of run.lines.entries()) {
    const start = performance.now()
    let next = 0
    while (next < lines.length) {
      if (signal?.aborted) return
      const t = (performance.now() - start) * 1e6 * speed
      while (next < lines.length && lines[next]!.t <= t) dashboard.publish(variant, lines[next++]!)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    dashboard.finish(variant, run.ends[variant]!)
  }
}
