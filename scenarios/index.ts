/** The scenarios that come with the lab, by name: the registry `loadScenario` looks into first. */
import type { Scenario } from '../lab/workload/scenario.ts'
import cacheScratch from './cache-scratch.ts'
import cacheThrash from './cache-thrash.ts'
import larson from './larson.ts'
import passAround from './pass-around.ts'
import pinnedTop from './pinned-top.ts'
import roundRobin from './round-robin.ts'
import rtspSessions from './rtsp-sessions.ts'
import seedservice from './seedservice.ts'
import strandedArena from './stranded-arena.ts'
import threadCacheHoard from './thread-cache-hoard.ts'
import threadtest from './threadtest.ts'
import twoMegabyteRequests from './two-megabyte-requests.ts'
import xmalloc from './xmalloc.ts'

const scenarios: readonly Scenario[] = [
  seedservice,
  strandedArena,
  pinnedTop,
  twoMegabyteRequests,
  rtspSessions,
  threadCacheHoard,
  larson,
  xmalloc,
  threadtest,
  cacheScratch,
  cacheThrash,
  roundRobin,
  passAround,
]

export const builtInScenarios: ReadonlyMap<string, Scenario> = new Map(
  scenarios.map((scenario) => [scenario.name, scenario]),
)
