/** How much CPU the lab's own main thread takes: what sampling costs. */
import { readFileSync } from 'node:fs'

/** Clock ticks per second of Linux's /proc: sysconf(_SC_CLK_TCK), 100 everywhere that matters. */
const TICKS_PER_SECOND = 100

export interface CpuTime {
  /** User and system seconds of all threads. */
  readonly seconds: number
  /** Of the main thread alone, to 10 ms; null where the host does not tell. */
  readonly mainSeconds: number | null
}

export function cpuTime(): CpuTime {
  const { user, system } = process.cpuUsage()
  return { seconds: (user + system) / 1e6, mainSeconds: mainThreadSeconds() }
}

export function cpuTimeSince(start: CpuTime): CpuTime {
  const now = cpuTime()
  const mainKnown = now.mainSeconds !== null && start.mainSeconds !== null
  return {
    seconds: now.seconds - start.seconds,
    mainSeconds: mainKnown ? now.mainSeconds - start.mainSeconds : null,
  }
}

/** The main thread's id is the process's: proc(5), fields 14 (utime) and 15 (stime). */
function mainThreadSeconds(): number | null {
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8')
    // The second field is a name in parentheses that may hold spaces: count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return null
  }
}
