/** Lists of a survey that may be long: the largest entries, and what the rest comes to. */
import type { MappingRow } from '../memory/address-space.ts'
import type { Control } from '../words/control.ts'
import type { FreedPairs, MappingGroup, MappingList } from './survey-types.ts'

/** Pairs of threads in a survey, at most. */
const PAIRS_MAX = 512
/** Mappings in a survey, at most. */
const ROWS_MAX = 512

/** Who freed whose blocks so far. At a safepoint. */
export function freedPairs(control: Control): FreedPairs {
  const { matrixBlocks, matrixBytes } = control
  const { seats } = control.plan
  const pairs: number[] = []
  for (let pair = 0; pair < matrixBlocks.length; pair++) {
    if (matrixBlocks[pair]! > 0) pairs.push(pair)
  }
  if (pairs.length > PAIRS_MAX) pairs.sort((a, b) => matrixBytes[b]! - matrixBytes[a]!)
  const sum = (of: Float64Array): number =>
    pairs.slice(PAIRS_MAX).reduce((total, pair) => total + of[pair]!, 0)
  return {
    pairs: pairs
      .slice(0, PAIRS_MAX)
      .flatMap((pair) => [
        Math.floor(pair / seats),
        pair % seats,
        matrixBlocks[pair]!,
        matrixBytes[pair]!,
      ]),
    otherBlocks: sum(matrixBlocks),
    otherBytes: sum(matrixBytes),
  }
}

/** The address space in groups and rows. */
export function mappingList(mappings: readonly MappingRow[]): MappingList {
  const groups = new Map<string, MappingGroup>()
  for (const { kind, permissions, bytes, rssBytes, dirtyBytes } of mappings) {
    const key = `${kind} ${permissions}`
    const writable = permissions !== '-----'
    const known = groups.get(key) ?? { kind, writable, count: 0, bytes: 0, rss: 0, dirty: 0 }
    groups.set(key, {
      kind,
      writable,
      count: known.count + 1,
      bytes: known.bytes + bytes,
      rss: known.rss + rssBytes,
      dirty: known.dirty + dirtyBytes,
    })
  }
  const shown =
    mappings.length > ROWS_MAX
      ? [...mappings]
          .sort((a, b) => b.bytes - a.bytes)
          .slice(0, ROWS_MAX)
          .sort((a, b) => a.start - b.start)
      : mappings
  return {
    groups: [...groups.values()],
    rows: shown.flatMap(({ start, bytes, rssBytes, dirtyBytes, kind, permissions }) => [
      start,
      bytes,
      rssBytes,
      dirtyBytes,
      kind,
      permissions === '-----' ? 0 : 1,
    ]),
    left: mappings.length - shown.length,
  }
}
