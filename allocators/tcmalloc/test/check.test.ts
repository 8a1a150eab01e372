/**
 * `check` finds what is broken: each case plants one fault in the words of a busy heap, and names
 * the invariant that must be reported. A fault that goes unseen fails the test.
 */
import { describe, expect, it } from 'vitest'
import { WORD_NULL, type WordIndex } from '../../../lab/words/units.ts'
import { Central, centralOf, Slot } from '../central-layout.ts'
import { libraryOf, tcmalloc } from '../design.ts'
import type { Library } from '../library.ts'
import { Location, Span } from '../span-layout.ts'
import { SetNode } from '../span-set.ts'
import { walkSpans } from '../span-walk.ts'
import { Static } from '../static-layout.ts'
import { threadCachesOf } from '../stats.ts'
import { FREE_LIST_WORDS, FreeList, ThreadCacheWord } from '../thread-cache-layout.ts'
import { randomTrace } from './random-trace.ts'
import { Replayer } from './replay.ts'

function busyHeap(): { replayer: Replayer; library: Library; words: Int32Array } {
  const replayer = new Replayer()
  for (const line of randomTrace({ seed: 21, threads: 4, ops: 5000, large: true })) {
    replayer.line(line)
  }
  // Blocks of one class through two threads: there are used transfer slots then.
  const blocks = Array.from({ length: 3000 }, () => replayer.heap(1).malloc(64))
  for (const block of blocks) replayer.heap(2).free(block)
  const library = libraryOf(replayer.process, replayer.tunables)
  return { replayer, library, words: replayer.process.words }
}

function findSpan(library: Library, fits: (span: WordIndex) => boolean): WordIndex {
  let found: WordIndex | undefined
  walkSpans(library, (span) => {
    if (found === undefined && fits(span)) found = span
  })
  if (found === undefined) throw new Error('the busy heap has no such span')
  return found
}

/** The first non-empty list of the first cache that has one. */
function findList(library: Library): { cache: WordIndex; list: number } {
  const words = library.process.words
  for (const cache of threadCachesOf(library, 100)) {
    for (let sizeClass = 1; sizeClass < library.sizes.classCount; sizeClass++) {
      const list = cache + sizeClass * FREE_LIST_WORDS
      if (words[list + FreeList.LENGTH]! > 2) return { cache, list }
    }
  }
  throw new Error('the busy heap has no cached blocks')
}

const faults: [name: string, invariant: RegExp, plant: (library: Library) => void][] = [
  [
    'a lock left held',
    /no lock is held/,
    ({ process }) => {
      process.words[process.dataStart + Static.PAGE_HEAP_LOCK] = 1
    },
  ],
  [
    'a span that is longer than its memory',
    /spans follow one another|last page/,
    (library) => {
      const span = findSpan(library, () => true)
      library.process.words[span + Span.LENGTH]!++
    },
  ],
  [
    'a free span marked as in use',
    /filed exactly when it is free/,
    (library) => {
      const { words } = library.process
      const span = findSpan(library, (s) => words[s + Span.LOCATION] === Location.NORMAL)
      words[span + Span.LOCATION] = Location.IN_USE
    },
  ],
  [
    'free neighbours that were not joined',
    /free neighbours of one kind are joined/,
    (library) => {
      const { words } = library.process
      const fits = (s: WordIndex): boolean =>
        words[s + Span.LOCATION] === Location.NORMAL && words[s + Span.LENGTH]! > 1
      const span = findSpan(library, fits)
      const rest = library.pageHeap.split(span, 1)
      words[rest + Span.LOCATION] = Location.NORMAL
    },
  ],
  [
    'a stale entry of the page map',
    /from every page of a span with a size class/,
    (library) => {
      const { words } = library.process
      const fits = (s: WordIndex): boolean =>
        words[s + Span.SIZE_CLASS]! > 0 && words[s + Span.LENGTH]! > 2
      const span = findSpan(library, fits)
      library.pageMap.setSpan(words[span + Span.START]! + 1, WORD_NULL)
    },
  ],
  [
    'a wrong class in the page cache',
    /page cache knows the class/,
    (library) => {
      const { words } = library.process
      const span = findSpan(library, (s) => words[s + Span.SIZE_CLASS]! > 1)
      library.pageMap.cacheClass(words[span + Span.START]!, 1)
    },
  ],
  [
    'a miscounted page heap',
    /free pages = pages of normal spans/,
    ({ process }) => {
      process.words[process.dataStart + Static.FREE_PAGES]!++
    },
  ],
  [
    'an ordered set out of order',
    /holds its span's length|left < node < right/,
    ({ process }) => {
      const root = process.words[process.dataStart + Static.LARGE_NORMAL]!
      process.words[root + SetNode.LENGTH]!++
    },
  ],
  [
    'a block lost from its span',
    /refcount \+ blocks on the span/,
    (library) => {
      const { words } = library.process
      const fits = (s: WordIndex): boolean =>
        words[s + Span.SIZE_CLASS]! > 0 && words[s + Span.OBJECTS] !== WORD_NULL
      const span = findSpan(library, fits)
      words[span + Span.OBJECTS] = words[words[span + Span.OBJECTS]!]!
    },
  ],
  [
    'a block in two places',
    /in one place|length its owner says|refcount/,
    (library) => {
      const { words } = library.process
      const { list } = findList(library)
      const head = words[list + FreeList.HEAD]!
      // The third block is the first again.
      words[words[head]!] = head
    },
  ],
  [
    'a chain shorter than its cache says',
    /length its owner says/,
    (library) => {
      const { words } = library.process
      const { list } = findList(library)
      words[words[list + FreeList.HEAD]!] = WORD_NULL
    },
  ],
  [
    'a slot with a wrong tail',
    /slot holds one batch/,
    (library) => {
      const { words, dataStart } = library.process
      for (let sizeClass = 1; sizeClass < library.sizes.classCount; sizeClass++) {
        const central = centralOf(dataStart, sizeClass)
        if (words[central + Central.USED_SLOTS]! === 0) continue
        words[central + Central.SLOTS + Slot.TAIL] = 4
        return
      }
      throw new Error('the busy heap has no used slot')
    },
  ],
  [
    'more slots than allowed',
    /usedSlots <= slots/,
    ({ process }) => {
      const central = centralOf(process.dataStart, 5)
      process.words[central + Central.SLOT_COUNT] = 65
    },
  ],
  [
    'a central counter that is off',
    /counter = free blocks/,
    ({ process }) => {
      process.words[centralOf(process.dataStart, 3) + Central.COUNTER]!--
    },
  ],
  [
    'a cache that does not know its bytes',
    /bytes = sum over the lists/,
    (library) => {
      library.process.words[findList(library).cache + ThreadCacheWord.BYTES]! += 8
    },
  ],
  [
    'budget from nowhere',
    /= overall/,
    (library) => {
      library.process.words[findList(library).cache + ThreadCacheWord.MAX_BYTES]! += 65_536
    },
  ],
  [
    'a low-water mark above the water',
    /lowWater <= length/,
    (library) => {
      const { words } = library.process
      const { list } = findList(library)
      words[list + FreeList.LOW_WATER] = words[list + FreeList.LENGTH]! + 1
    },
  ],
  [
    'a list of spans that is linked one way only',
    /listed once, linked both ways|linked both ways/,
    (library) => {
      const { words } = library.process
      const span = findSpan(library, (s) => words[s + Span.SIZE_CLASS]! > 0)
      words[span + Span.PREV] = 4
    },
  ],
]

describe('check', () => {
  it('finds nothing in a sound heap', () => {
    const { replayer } = busyHeap()
    expect(tcmalloc.check(replayer.process, replayer.tunables)).toEqual([])
  })

  for (const [name, invariant, plant] of faults) {
    it(`reports ${name}`, () => {
      const { replayer, library } = busyHeap()
      plant(library)
      const violations = tcmalloc.check(replayer.process, replayer.tunables)
      expect(violations.map((v) => v.invariant).join('\n')).toMatch(invariant)
      for (const violation of violations) expect(violation.where).toBeTypeOf('string')
    })
  }

  it('stays bounded, and inspect says partial, when a chain runs in a circle', () => {
    const { replayer, library, words } = busyHeap()
    const { list } = findList(library)
    const head = words[list + FreeList.HEAD]!
    words[head] = head
    expect(tcmalloc.check(replayer.process, replayer.tunables)).not.toEqual([])
    const report = tcmalloc.inspect(replayer.process, replayer.tunables, () => {})
    expect(report.partial).toBe(true)
  })
})
