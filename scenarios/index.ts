/** The scenarios that come with the lab, by name: the registry `loadScenario` looks into first. */
import type { Scenario } from '../lab/workload/scenario.ts'
import passAround from './pass-around.ts'
import pinnedTop from './pinned-top.ts'
import rtspSessions from './rtsp-sessions.ts'
import seedservice from './seedservice.ts'
import strandedArena from './stranded-arena.ts'
import threadCacheHoard from './thread-cache-hoard.ts'
import twoMegabyteRequests from './two-megabyte-requests.ts'

export const builtInScenarios: ReadonlyMap<string, Scenario> = new Map(
  [
    seedservice,
    strandedArena,
    pinnedTop,
    twoMegabyteRequests,
    rtspSessions,
    threadCacheHoard,
    passAround,
  ].map((scenario) => [scenario.name, scenario]),
)
