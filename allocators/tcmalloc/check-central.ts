/** Invariants of the central free lists and the transfer cache, class by class. */
import { WORD_NULL, type WordIndex, wordAt } from '../../lab/words/units.ts'
import { Central, centralOf, SLOT_WORDS, SLOTS_LIMIT, Slot } from './central-layout.ts'
import { describeSpan, type Findings } from './check.ts'
import { Span } from './span-layout.ts'
import { BlockState, blockStates } from './span-walk.ts'

const BLOCKS_PER_SPAN_MAX = 8192

export function checkCentral(findings: Findings): void {
  const { library, spans } = findings
  findings.expect(findings.cached.sound, 'a cached chain has the length its owner says', () => '')
  const words = library.process.words
  const ofClass = new Map<number, WordIndex[]>()
  for (const span of spans) {
    const sizeClass = words[span + Span.SIZE_CLASS]!
    if (sizeClass === 0) continue
    findings.expect(sizeClass < library.sizes.classCount, "a span's size class exists", () =>
      describeSpan(library, span),
    )
    const list = ofClass.get(sizeClass)
    if (list === undefined) ofClass.set(sizeClass, [span])
    else list.push(span)
  }
  let cachedInSpans = 0
  for (let sizeClass = 1; sizeClass < library.sizes.classCount; sizeClass++) {
    const classSpans = ofClass.get(sizeClass) ?? []
    checkSpanLists(findings, sizeClass, classSpans)
    cachedInSpans += checkBlocks(findings, sizeClass, classSpans)
    checkSlots(findings, sizeClass)
  }
  findings.expect(
    cachedInSpans === findings.cached.count,
    'each cached block is one block of one span, in one place',
    () => `${findings.cached.count} cached, ${cachedInSpans} found in spans`,
  )
}

/** Both lists of spans: linked both ways, each span of the class once. */
function checkSpanLists(findings: Findings, sizeClass: number, spans: WordIndex[]): void {
  const { library } = findings
  const words = library.process.words
  const central = centralOf(library.process.dataStart, sizeClass)
  const unlisted = new Set(spans)
  for (const list of [Central.FULL, Central.NONEMPTY]) {
    const head = wordAt(central, list)
    let previous = head
    let span = words[head + Span.NEXT] as WordIndex
    while (span !== head) {
      const listed = unlisted.delete(span)
      const linked = listed && words[span + Span.PREV] === previous
      findings.expect(
        linked,
        "a class's spans are listed once, linked both ways",
        () => `class ${sizeClass}: ${describeSpan(library, span)}`,
      )
      if (!linked) return
      findings.expect(
        (words[span + Span.OBJECTS] === WORD_NULL) === (list === Central.FULL),
        'a span is in `full` exactly when objects = NULL',
        () => `class ${sizeClass}: ${describeSpan(library, span)}`,
      )
      previous = span
      span = words[span + Span.NEXT] as WordIndex
    }
  }
  findings.expect(
    unlisted.size === 0 && words[central + Central.SPANS] === spans.length,
    'spans = spans in `full` and `nonempty`',
    () => `class ${sizeClass}: ${unlisted.size} not listed`,
  )
}

/** The blocks of each span; how many of them are cached. */
function checkBlocks(findings: Findings, sizeClass: number, spans: WordIndex[]): number {
  const { library, cached } = findings
  const words = library.process.words
  const states = new Uint8Array(BLOCKS_PER_SPAN_MAX)
  let free = 0
  let cachedBlocks = 0
  for (const span of spans) {
    const blocks = blockStates(library, span, cached, states)
    const where = (): string => `class ${sizeClass}: ${describeSpan(library, span)}`
    findings.expect(blocks !== undefined, 'a free block is a block of its span', where)
    if (blocks === undefined) continue
    const count = [0, 0, 0, 0]
    for (let i = 0; i < blocks; i++) count[states[i]!]!++
    const inSpan = count[BlockState.IN_SPAN]!
    const elsewhere = count[BlockState.IN_TRANSFER]! + count[BlockState.IN_THREAD]!
    findings.expect(
      words[span + Span.REFCOUNT]! + inSpan === blocks,
      'refcount + blocks on the span = blocks of the span',
      where,
    )
    findings.expect(
      words[span + Span.REFCOUNT]! > 0,
      'a span whose blocks are all back is not in a central list',
      where,
    )
    free += inSpan
    cachedBlocks += elsewhere
  }
  const central = centralOf(library.process.dataStart, sizeClass)
  findings.expect(
    words[central + Central.COUNTER] === free,
    'counter = free blocks in the spans of `nonempty`',
    () => `class ${sizeClass}: ${words[central + Central.COUNTER]} stated, ${free} found`,
  )
  return cachedBlocks
}

function checkSlots(findings: Findings, sizeClass: number): void {
  const { library } = findings
  const words = library.process.words
  const central = centralOf(library.process.dataStart, sizeClass)
  const used = words[central + Central.USED_SLOTS]!
  const slots = words[central + Central.SLOT_COUNT]!
  const max = words[central + Central.SLOTS_MAX]!
  findings.expect(
    0 <= used && used <= slots && slots <= max && max <= SLOTS_LIMIT,
    'usedSlots <= slots <= slotsMax <= 64',
    () => `class ${sizeClass}: ${used}, ${slots}, ${max}`,
  )
  for (let i = 0; i < Math.min(used, SLOTS_LIMIT); i++) {
    const slot = central + Central.SLOTS + i * SLOT_WORDS
    let block = words[slot + Slot.HEAD] as WordIndex
    for (let step = 1; step < library.sizes.batchSize[sizeClass]!; step++) {
      block = words[block] as WordIndex
    }
    findings.expect(
      block === words[slot + Slot.TAIL],
      'a slot holds one batch: its tail is as far from its head',
      () => `class ${sizeClass}, slot ${i}`,
    )
  }
}
