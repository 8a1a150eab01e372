/**
 * Every structural invariant of tcmalloc's lists, spans, page map and budgets, at a safepoint.
 * Each is stated once, as a sentence or an equation; a violation names the place.
 */
import { type WordIndex, wordAt } from '../../lab/words/units.ts'
import type { Violation } from '../contract.ts'
import { Central, centralOf } from './central-layout.ts'
import { checkCaches } from './check-caches.ts'
import { checkCentral } from './check-central.ts'
import { checkPageHeap } from './check-page-heap.ts'
import type { Library } from './library.ts'
import { Span } from './span-layout.ts'
import { CachedBlocks, walkSpans } from './span-walk.ts'
import { Static } from './static-layout.ts'

/** More violations than this say nothing new. */
const VIOLATIONS_MAX = 50

/** Collects violations; what the checks share. */
export class Findings {
  readonly library: Library
  readonly violations: Violation[] = []
  /** Every span, in address order. */
  readonly spans: WordIndex[] = []
  readonly cached: CachedBlocks

  constructor(library: Library) {
    this.library = library
    this.cached = new CachedBlocks(library)
  }

  /** Reports `invariant` as broken unless `holds`; `where` is only built when it is. */
  expect(holds: boolean, invariant: string, where: () => string): void {
    if (holds || this.violations.length >= VIOLATIONS_MAX) return
    this.violations.push({ invariant, where: where() })
  }
}

export function checkLibrary(library: Library): Violation[] {
  const findings = new Findings(library)
  const walked = walkSpans(library, (span) => findings.spans.push(span))
  findings.expect(
    walked,
    'spans follow one another: the page map leads from a first page to a span that starts there',
    () => `after span ${describeSpan(library, findings.spans.at(-1))}`,
  )
  checkLocks(findings)
  checkPageHeap(findings)
  checkCentral(findings)
  checkCaches(findings)
  return findings.violations
}

/** `[pages 1024..1031] at word 0x1f0040`, for messages. */
export function describeSpan(library: Library, span: WordIndex | undefined): string {
  if (span === undefined) return 'none'
  const words = library.process.words
  const start = words[span + Span.START]!
  const end = start + words[span + Span.LENGTH]! - 1
  return `[pages ${start}..${end}] at word 0x${span.toString(16)}`
}

function checkLocks(findings: Findings): void {
  const { process, sizes } = findings.library
  const free = (word: WordIndex, name: string): void => {
    findings.expect(process.words[word] === 0, 'no lock is held at a safepoint', () => name)
  }
  free(wordAt(process.dataStart, Static.PAGE_HEAP_LOCK), 'page heap')
  free(wordAt(process.dataStart, Static.METADATA_LOCK), 'metadata')
  free(wordAt(process.dataStart, Static.SYSTEM_LOCK), 'system')
  for (let sizeClass = 0; sizeClass < sizes.classCount; sizeClass++) {
    const central = centralOf(process.dataStart, sizeClass)
    free(wordAt(central, Central.LOCK), `class ${sizeClass}`)
  }
}
