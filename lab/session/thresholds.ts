/** `--threshold 'rss.max<768MiB'`: reading them, and holding a summary against them. */
import type { VariantSummary } from '../metrics/types.ts'
import { BadInput, quoted } from '../words/bad-input.ts'
import { unknownName } from '../words/nearest.ts'
import { parseDuration, parseSize } from '../words/sizes.ts'
import { OPERATORS, type Threshold } from './types.ts'

type Unit = 'bytes' | 'ns' | 'plain'

/** What a threshold may be about, and the unit its limit is read in. */
const FIGURES: Readonly<Record<string, Unit>> = {
  'rss.max': 'bytes',
  'rss.end': 'bytes',
  rssPerLive: 'plain',
  'vmSize.max': 'bytes',
  'vmSize.end': 'bytes',
  'live.max': 'bytes',
  'live.end': 'bytes',
  minorFaults: 'plain',
  'systemCalls.brk': 'plain',
  'systemCalls.mmap': 'plain',
  'systemCalls.munmap': 'plain',
  'systemCalls.mremap': 'plain',
  'systemCalls.mprotect': 'plain',
  'systemCalls.madvise': 'plain',
  arenas: 'plain',
  ops: 'plain',
  opsPerSecond: 'plain',
  seconds: 'plain',
  frees: 'plain',
  remoteFrees: 'plain',
  failedAllocations: 'plain',
  failedTries: 'plain',
  lockWaitNs: 'ns',
  'latencyNs.malloc.p50': 'ns',
  'latencyNs.malloc.p99': 'ns',
  'latencyNs.malloc.p999': 'ns',
  'latencyNs.free.p50': 'ns',
  'latencyNs.free.p99': 'ns',
  'latencyNs.free.p999': 'ns',
  'anatomy.live': 'bytes',
  'anatomy.blockOverhead': 'bytes',
  'anatomy.threadCaches': 'bytes',
  'anatomy.pinnedFree': 'bytes',
  'anatomy.freeTop': 'bytes',
  'anatomy.freeInBins': 'bytes',
  'anatomy.allocatorState': 'bytes',
  'anatomy.other': 'bytes',
}

/** Throws `BadInput` for an unknown figure, a missing comparison or a limit of the wrong kind. */
export function parseThreshold(text: string): Threshold {
  const operator = OPERATORS.find((candidate) => text.includes(candidate))
  if (operator === undefined) {
    throw new BadInput(`threshold ${quoted(text)}: expected figure<limit, such as rss.max<768MiB`)
  }
  const at = text.indexOf(operator)
  const path = text.slice(0, at).trim()
  const unit = Object.hasOwn(FIGURES, path) ? FIGURES[path] : undefined
  if (unit === undefined) throw unknownName('figure of a threshold', path, Object.keys(FIGURES))
  const limit = text.slice(at + operator.length).trim()
  const value = parseLimit(limit, unit)
  if (value === undefined) {
    throw new BadInput(`threshold ${quoted(text)}: expected ${EXPECTED[unit]} after ${operator}`)
  }
  return { text, path, operator, value }
}

const EXPECTED: Readonly<Record<Unit, string>> = {
  bytes: 'a size such as 768MiB',
  ns: 'a duration such as 10ms',
  plain: 'a number',
}

function parseLimit(text: string, unit: Unit): number | undefined {
  if (unit === 'bytes') return parseSize(text)
  if (unit === 'ns') return parseDuration(text, 'ns')
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** One line per variant and threshold that does not hold. */
export function failedThresholds(
  thresholds: readonly Threshold[],
  variants: readonly VariantSummary[],
): string[] {
  return variants.flatMap((variant) =>
    thresholds.flatMap((threshold) => {
      const found = figureAt(variant, threshold.path)
      if (holds(found, threshold)) return []
      return [
        `threshold ${threshold.text} failed by ${variant.variant}: ${threshold.path} ${found}`,
      ]
    }),
  )
}

/** The figure at a path that `FIGURES` lists. */
function figureAt(variant: VariantSummary, path: string): number {
  let value: unknown = variant
  for (const key of path.split('.')) value = (value as Record<string, unknown>)[key]
  return Number(value)
}

function holds(found: number, { operator, value }: Threshold): boolean {
  switch (operator) {
    case '<':
      return found < value
    case '<=':
      return found <= value
    case '>':
      return found > value
    default:
      return found >= value
  }
}
