/** The figures of a sample that are of the run as a whole: CSV columns, and fields of a frame. */
import type { Sample } from './types.ts'

export const SAMPLE_TOTALS = [
  'rss',
  'vmSize',
  'live',
  'liveBlocks',
  'usable',
  'threadCaches',
  'ops',
  'mallocs',
  'frees',
  'remoteFrees',
  'minorFaults',
  'systemCalls',
  'lockWaitNs',
  'lockWaits',
  'failedAllocations',
] as const satisfies readonly (keyof Sample)[]
