/** Invariants of the threads' caches and of the budget they share. */
import { WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import type { Findings } from './check.ts'
import type { Library } from './library.ts'
import { CarverWord } from './metadata.ts'
import { Span, tcPageOfWord } from './span-layout.ts'
import { Static } from './static-layout.ts'
import { CACHES_LIMIT, threadCachesOf } from './stats.ts'
import { FREE_LIST_WORDS, FreeList, ThreadCacheWord } from './thread-cache-layout.ts'

export function checkCaches(findings: Findings): void {
  const { library } = findings
  const { words, dataStart } = library.process
  const figure = (place: number): number => words[dataStart + place]!
  const caches = threadCachesOf(library, CACHES_LIMIT)
  let claimed = 0
  let previous: number = WORD_NULL
  for (const cache of caches) {
    const thread = words[cache + ThreadCacheWord.THREAD]!
    findings.expect(
      words[cache + ThreadCacheWord.PREV] === previous,
      'the list of caches is linked both ways',
      () => `cache of thread ${thread}`,
    )
    claimed += words[cache + ThreadCacheWord.MAX_BYTES]!
    checkLists(findings, cache)
    previous = cache
  }
  const count = figure(Static.THREAD_CACHE_COUNT)
  const structs = figure(Static.THREAD_CACHE_CARVER + CarverWord.IN_USE)
  findings.expect(
    caches.length === count && count === structs,
    'caches listed = caches counted = cache structs in use',
    () => `${caches.length}, ${count}, ${structs}`,
  )
  const unclaimed = figure(Static.UNCLAIMED_CACHE_BYTES)
  const overall = figure(Static.OVERALL_CACHE_BYTES)
  findings.expect(
    claimed + unclaimed === overall,
    "unclaimed + the caches' maxBytes = overall",
    () => `${unclaimed} + ${claimed}, ${overall}`,
  )
  const steal = figure(Static.NEXT_STEAL) as WordIndex
  findings.expect(
    steal === WORD_NULL || caches.includes(steal),
    'the next cache to take budget from is one of the caches',
    () => `word 0x${steal.toString(16)}`,
  )
}

function checkLists(findings: Findings, cache: WordIndex): void {
  const { library } = findings
  const words = library.process.words
  const thread = words[cache + ThreadCacheWord.THREAD]!
  let bytes = 0
  for (let sizeClass = 0; sizeClass < library.sizes.classCount; sizeClass++) {
    const list = cache + sizeClass * FREE_LIST_WORDS
    const where = (): string => `cache of thread ${thread}, class ${sizeClass}`
    const length = words[list + FreeList.LENGTH]!
    bytes += length * words[list + FreeList.BLOCK_BYTES]!
    const maxLength = words[list + FreeList.MAX_LENGTH]!
    findings.expect(maxLength >= 1, 'maxLength >= 1', where)
    const lowWater = words[list + FreeList.LOW_WATER]!
    findings.expect(0 <= lowWater && lowWater <= length, '0 <= lowWater <= length', where)
    findings.expect(
      (words[list + FreeList.HEAD] === WORD_NULL) === (length === 0),
      'length = blocks on the list',
      where,
    )
    checkBlockClasses(findings, library, list, sizeClass, where)
  }
  findings.expect(
    words[cache + ThreadCacheWord.BYTES] === bytes,
    'bytes = sum over the lists of length * blockBytes',
    () => `cache of thread ${thread}: ${words[cache + ThreadCacheWord.BYTES]}, found ${bytes}`,
  )
}

function checkBlockClasses(
  findings: Findings,
  library: Library,
  list: number,
  sizeClass: number,
  where: () => string,
): void {
  const words = library.process.words
  let block = words[list + FreeList.HEAD] as WordIndex
  for (let i = 0; i < words[list + FreeList.LENGTH]! && block !== WORD_NULL; i++) {
    const span = library.pageMap.span(tcPageOfWord(block))
    const isOfClass = span !== WORD_NULL && words[span + Span.SIZE_CLASS] === sizeClass
    findings.expect(isOfClass, 'a block is cached under the class of its span', where)
    if (!isOfClass) return
    block = words[block] as WordIndex
  }
}
