/** Invariants of the page heap: spans, page map, free lists, ordered sets, page counts. */
import { WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import { describeSpan, type Findings } from './check.ts'
import type { Library } from './library.ts'
import { CarverWord } from './metadata.ts'
import { CLASS_UNKNOWN } from './page-map.ts'
import { Location, SPAN_WORDS, Span } from './span-layout.ts'
import { SetNode } from './span-set.ts'
import { LISTED_PAGES_MAX, Static, StaticArray } from './static-layout.ts'

/** Spans carved before main and never used, "to reduce cache conflicts". */
const SPANS_SPARE = 2

export function checkPageHeap(findings: Findings): void {
  const { library, spans } = findings
  for (const [index, span] of spans.entries()) checkSpan(findings, span, spans[index + 1])
  const filed = new Map<WordIndex, string>()
  checkLists(findings, filed)
  const normal = checkSet(findings, filed, Static.LARGE_NORMAL, Location.NORMAL)
  const returned = checkSet(findings, filed, Static.LARGE_RETURNED, Location.RETURNED)
  checkCounts(findings, filed)
  const nodes = figure(library, Static.SET_NODE_CARVER + CarverWord.IN_USE)
  findings.expect(
    nodes === normal + returned,
    'set nodes in use = spans in both sets',
    () => `${nodes} nodes, ${normal} + ${returned} spans`,
  )
}

const figure = (library: Library, place: number): number =>
  library.process.words[library.process.dataStart + place]!

function checkSpan(findings: Findings, span: WordIndex, next: WordIndex | undefined): void {
  const { library } = findings
  const words = library.process.words
  const { pageMap } = library
  const where = (): string => describeSpan(library, span)
  const start = words[span + Span.START]!
  const length = words[span + Span.LENGTH]!
  const location = words[span + Span.LOCATION]!
  const sizeClass = words[span + Span.SIZE_CLASS]!
  findings.expect(
    pageMap.span(start + length - 1) === span,
    "the page map leads from a span's last page to the span",
    where,
  )
  findings.expect(
    location >= Location.IN_USE && location <= Location.RETURNED,
    'a span is in use, normal or returned',
    where,
  )
  findings.expect(
    location === Location.IN_USE || sizeClass === 0,
    'a free span has no size class',
    where,
  )
  const touches = next !== undefined && words[next + Span.START] === start + length
  findings.expect(
    location === Location.IN_USE || !touches || words[next + Span.LOCATION] !== location,
    'free neighbours of one kind are joined',
    where,
  )
  if (location !== Location.IN_USE) return
  for (let page = start; page < start + length; page++) {
    const cached = pageMap.cachedClass(page)
    const isBlockStart = sizeClass !== 0 || page === start
    findings.expect(
      cached === CLASS_UNKNOWN || !isBlockStart || (cached === sizeClass && sizeClass !== 0),
      'the page cache knows the class of a page, or nothing',
      where,
    )
    findings.expect(
      sizeClass === 0 || pageMap.span(page) === span,
      'the page map leads from every page of a span with a size class to the span',
      where,
    )
  }
}

function checkLists(findings: Findings, filed: Map<WordIndex, string>): void {
  const { process } = findings.library
  const words = process.words
  for (let place = 0; place < LISTED_PAGES_MAX * 2; place++) {
    const length = Math.floor(place / 2) + 1
    const location = place % 2 === 0 ? Location.NORMAL : Location.RETURNED
    const name = `list of ${length} pages, ${place % 2 === 0 ? 'normal' : 'returned'}`
    const head = (process.dataStart + StaticArray.FREE_LISTS + place * SPAN_WORDS) as WordIndex
    let previous = head
    let span = words[head + Span.NEXT] as WordIndex
    for (let steps = 0; span !== head; steps++) {
      const sound =
        span > 0 &&
        span < words.length &&
        steps <= findings.spans.length &&
        words[span + Span.PREV] === previous
      findings.expect(sound, 'a list of free spans is linked both ways', () => name)
      if (!sound) break
      findings.expect(
        words[span + Span.LENGTH] === length && words[span + Span.LOCATION] === location,
        'a free span is on the list of its length and kind',
        () => `${name}: ${describeSpan(findings.library, span)}`,
      )
      filed.set(span, name)
      previous = span
      span = words[span + Span.NEXT] as WordIndex
    }
  }
}

/** Walks an ordered set; the spans in it. */
function checkSet(
  findings: Findings,
  filed: Map<WordIndex, string>,
  root: number,
  location: Location,
): number {
  const { library } = findings
  const words = library.process.words
  const name = location === Location.NORMAL ? 'set of normal spans' : 'set of returned spans'
  const stack: number[] = []
  let node = figure(library, root)
  let count = 0
  let last: WordIndex | undefined
  while (node !== WORD_NULL || stack.length > 0) {
    for (; node !== WORD_NULL; node = words[node + SetNode.LEFT]!) {
      if (stack.length > findings.spans.length) {
        findings.expect(false, 'a set of free spans has no cycles', () => name)
        return count
      }
      stack.push(node)
    }
    node = stack.pop()!
    const span = words[node + SetNode.SPAN] as WordIndex
    checkNode(findings, node, last, location, name)
    filed.set(span, name)
    last = span
    count++
    if (count > findings.spans.length) return count
    node = words[node + SetNode.RIGHT]!
  }
  return count
}

function checkNode(
  findings: Findings,
  node: number,
  last: WordIndex | undefined,
  location: Location,
  name: string,
): void {
  const { library } = findings
  const words = library.process.words
  const span = words[node + SetNode.SPAN] as WordIndex
  const where = (): string => `${name}: ${describeSpan(library, span)}`
  const length = words[span + Span.LENGTH]!
  findings.expect(
    length === words[node + SetNode.LENGTH] && length > LISTED_PAGES_MAX,
    "a set node holds its span's length, more than 128 pages",
    where,
  )
  findings.expect(words[span + Span.LOCATION] === location, 'a set holds spans of one kind', where)
  const lastLength = last === undefined ? 0 : words[last + Span.LENGTH]!
  const lastStart = last === undefined ? 0 : words[last + Span.START]!
  findings.expect(
    lastLength < length || (lastLength === length && lastStart < words[span + Span.START]!),
    'left < node < right in (length, start)',
    where,
  )
  for (const side of [SetNode.LEFT, SetNode.RIGHT]) {
    const child = words[node + side]!
    findings.expect(
      child === WORD_NULL || words[child + SetNode.PRIORITY]! <= words[node + SetNode.PRIORITY]!,
      "a parent's priority is at least its child's",
      where,
    )
  }
}

function checkCounts(findings: Findings, filed: Map<WordIndex, string>): void {
  const { library } = findings
  const words = library.process.words
  const pages = [0, 0, 0]
  for (const span of findings.spans) {
    const location = words[span + Span.LOCATION]!
    pages[location] = (pages[location] ?? 0) + words[span + Span.LENGTH]!
    findings.expect(
      filed.has(span) === (location !== Location.IN_USE),
      'a span is filed exactly when it is free',
      () => describeSpan(library, span),
    )
    filed.delete(span)
  }
  findings.expect(filed.size === 0, 'what is filed as free is a span of the page map', () =>
    [...filed.values()].slice(0, 3).join(', '),
  )
  const [inUse = 0, normal = 0, returned = 0] = pages
  const counted: readonly (readonly [string, number, number])[] = [
    ['free pages = pages of normal spans', Static.FREE_PAGES, normal],
    ['unmapped pages = pages of returned spans', Static.UNMAPPED_PAGES, returned],
    ['system pages = pages of all spans', Static.SYSTEM_PAGES, inUse + normal + returned],
    ['committed pages = system pages - unmapped pages', Static.COMMITTED_PAGES, inUse + normal],
    [
      'span structs in use = spans + 2 spare ones',
      Static.SPAN_CARVER + CarverWord.IN_USE,
      findings.spans.length + SPANS_SPARE,
    ],
  ]
  for (const [invariant, place, found] of counted) {
    const stated = figure(library, place)
    findings.expect(stated === found, invariant, () => `${stated} stated, ${found} found`)
  }
}
