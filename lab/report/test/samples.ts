/** A sample for tests: zeros but for what is given. */
import type { Sample } from '../../metrics/types.ts'

export const sampleOf = (parts: Partial<Sample>): Sample => ({
  type: 'sample',
  t: 0,
  rss: 0,
  vmSize: 0,
  live: 0,
  liveBlocks: 0,
  usable: 0,
  threadCaches: 0,
  ops: 0,
  mallocs: 0,
  frees: 0,
  remoteFrees: 0,
  minorFaults: 0,
  systemCalls: 0,
  lockWaitNs: 0,
  lockWaits: 0,
  failedAllocations: 0,
  phase: '',
  arenas: [],
  locks: [],
  threads: [],
  ...parts,
})
