/** Every structural invariant of a heap of this folder, checked at a safepoint. */
import type { WordIndex } from '../../lab/words/units.ts'
import type { Violation } from '../contract.ts'
import { ArenaWord } from './arena-layout.ts'
import { checkBins } from './check-bins.ts'
import { checkCaches } from './check-caches.ts'
import { checkChunks } from './check-chunks.ts'
import { checkLists } from './check-lists.ts'
import { Findings } from './findings.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { arenasOf, segmentsOf } from './segments.ts'

/** The violations there are; none for a sound heap. Takes no locks. */
export function check(m: Ptmalloc): Violation[] {
  const findings = new Findings(m)
  const arenas = arenasOf(m)
  checkLists(m, arenas, findings)
  const cached = checkCaches(m, arenas, findings)
  const binned = new Set<number>()
  for (const [index, av] of arenas.entries()) {
    if (m.words[(av + ArenaWord.MUTEX) as WordIndex] !== 0) {
      findings.add('no arena is locked at a safepoint', index, av, 'held')
    }
    checkBins(m, av, index, binned, findings)
  }
  for (const segment of segmentsOf(m)) checkChunks(m, segment, binned, cached, findings)
  if (binned.size > 0) {
    const [p = 0] = binned
    findings.add('every chunk in a bin is a free chunk of a segment', -1, p, 'not reached')
  }
  return findings.list
}
