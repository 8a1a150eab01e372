/**
 * One lab thread that hammers the address space, beside others on the same buffers. Throws when
 * what it sees is wrong. Compiled on its own by the concurrency test.
 */
import { workerData } from 'node:worker_threads'
import { AddressSpace } from '../../lab/memory/address-space.ts'
import { SegmentationFault } from '../../lab/memory/errors.ts'
import { PageTable } from '../../lab/memory/page-table.ts'
import { SpaceWord, spaceWords } from '../../lab/memory/space-layout.ts'
import { KernelMutex, Locks } from '../../lab/sync/locks.ts'
import { viewControl } from '../../lab/words/control.ts'
import { COUNTER_ROW, Counter } from '../../lab/words/events.ts'
import { MappingKind, Protection } from '../../lab/words/mapping.ts'
import { PageState } from '../../lab/words/page-state.ts'
import {
  bytesOfPages,
  PAGE_WORDS,
  pageOfWord,
  WORD_NULL,
  type WordIndex,
  wordAt,
} from '../../lab/words/units.ts'
import type { HammerData } from './hammer-data.ts'

const data = workerData as HammerData
const { seat, crew, rounds, shared, sharedPages } = data
const control = viewControl({ buffer: data.control, start: 0 }, data.plan)
const heap = new Int32Array(data.heap)
const self = { seat, thread: seat, counterBase: seat * COUNTER_ROW }

/** A word of the gate that nobody writes or notifies. */
const SLEEP = 2
const SLOW_EVERY = 64
const SPINS = 5000
const CHANGES = 12

/** The planted bug: two threads may both find a page absent, and both make it resident. */
class UncheckedFaults extends PageTable {
  override fault(word: WordIndex): void {
    const page = pageOfWord(word)
    if (control.pages[page] === PageState.RESIDENT) return
    this.zeroPages(page, page + 1)
    // Now and then it is held up at the worst moment, as a preempted thread would be.
    if (page % SLOW_EVERY === 0) Atomics.wait(data.gate, SLEEP, 0, 0.05)
    control.pages[page] = PageState.RESIDENT
    Atomics.add(control.int32, spaceWords(control) + SpaceWord.RSS, 1)
    const place = self.counterBase + Counter.MINOR_FAULTS
    control.counters[place] = control.counters[place]! + 1
  }
}

const locks = new Locks(control, self, () => 0)
const Pages = data.faulty ? UncheckedFaults : PageTable
const pages = new Pages(heap, control, self)
const space = new AddressSpace(heap, control, self, new KernelMutex(control, locks), pages)

/** Waits until all workers have come so far. */
function meet(): void {
  const generation = Atomics.load(data.gate, 1)
  if (Atomics.add(data.gate, 0, 1) === crew - 1) {
    Atomics.store(data.gate, 0, 0)
    Atomics.add(data.gate, 1, 1)
    Atomics.notify(data.gate, 1)
    return
  }
  // All should leave at the same moment: waking a sleeper takes as long as touching 100 pages.
  for (let looks = 0; Atomics.load(data.gate, 1) === generation; looks++) {
    if (looks > SPINS) Atomics.wait(data.gate, 1, generation)
  }
}

const sharedPage = (page: number): WordIndex => wordAt(shared, page * PAGE_WORDS)

/** All touch the same pages at once; each leaves a word of its own in every page. */
function touchTogether(): void {
  for (let round = 1; round <= rounds; round++) {
    meet()
    for (let page = 0; page < sharedPages; page++) {
      if (round % 2 === 0) space.touchReadRange(sharedPage(page), 1)
      space.touchRange(sharedPage(page), 1)
      heap[sharedPage(page) + seat] = round
    }
    meet()
    // A page zeroed once too often has lost some worker's word.
    for (let page = 0; page < sharedPages; page++) {
      for (let other = 0; other < crew; other++) {
        const found = heap[sharedPage(page) + other]
        if (found !== round) throw new Error(`page ${page}: worker ${other}'s word is ${found}`)
      }
    }
    meet()
    if (seat === 0) space.madviseDontNeed(shared, bytesOfPages(sharedPages))
  }
}

let randomState = seat + 1
/** An integer in [0, below). */
function random(below: number): number {
  randomState = (Math.imul(randomState, 1_664_525) + 1_013_904_223) | 0
  return (randomState >>> 8) % below
}

/** A mapping of this worker, with its stamp at the start of every page up to `stamped`. */
interface Own {
  at: WordIndex
  pages: number
  stamped: number
}

/** Maps, touches, resizes and unmaps what is its own, and finds only what it wrote itself. */
function mapApart(): void {
  const own: Own[] = []
  for (let round = 0; round < rounds; round++) {
    const mapping = own[random(own.length + 1)]
    if (mapping === undefined) mapOwn(own)
    else useOwn(own, mapping, random(6))
    if (round % 16 === 0) space.sbrk(round % 32 === 0 ? 4096 : -4096)
  }
  for (const mapping of own) space.munmap(mapping.at, bytesOfPages(mapping.pages))
}

function mapOwn(own: Own[]): void {
  const count = 1 + random(40)
  const at = space.mmap(WORD_NULL, bytesOfPages(count), Protection.READ_WRITE, MappingKind.BLOCK)
  own.push({ at, pages: count, stamped: 0 })
}

function useOwn(own: Own[], mapping: Own, what: number): void {
  checkOwn(mapping)
  if (what === 0) {
    space.munmap(mapping.at, bytesOfPages(mapping.pages))
    own.splice(own.indexOf(mapping), 1)
    return
  }
  if (what === 1) {
    const count = 1 + random(60)
    mapping.at = space.mremap(mapping.at, bytesOfPages(mapping.pages), bytesOfPages(count))
    mapping.pages = count
    mapping.stamped = Math.min(mapping.stamped, count)
  } else if (what === 2) {
    space.madviseDontNeed(mapping.at, bytesOfPages(mapping.pages))
    mapping.stamped = 0
  } else if (what === 3) {
    space.mprotect(mapping.at, bytesOfPages(mapping.pages), Protection.NONE)
    space.mprotect(mapping.at, bytesOfPages(mapping.pages), Protection.READ_WRITE)
  } else {
    for (; mapping.stamped < mapping.pages; mapping.stamped++) {
      const word = wordAt(mapping.at, mapping.stamped * PAGE_WORDS)
      space.touchRange(word, 1)
      if (heap[word] !== 0) throw new Error(`fresh page at word ${word} holds ${heap[word]}`)
      heap[word] = stampOf(mapping.stamped)
    }
  }
  checkOwn(mapping)
}

const stampOf = (page: number): number => 1_000_000 * (seat + 1) + page

function checkOwn(mapping: Own): void {
  if (mapping.at === WORD_NULL) throw new Error('a mapping without limits failed')
  for (let page = 0; page < mapping.stamped; page++) {
    const found = heap[mapping.at + page * PAGE_WORDS]
    if (found !== stampOf(page)) throw new Error(`page ${page} of its own mapping holds ${found}`)
  }
}

/** Worker 0 changes the shared range while the others use it: faults may fail, figures may not. */
function unmapUnderOthers(): void {
  const bytes = bytesOfPages(sharedPages)
  for (let round = 0; round < rounds; round++) {
    if (seat === 0) changeShared(round % CHANGES, bytes)
    else {
      for (let page = 0; page < sharedPages; page++) {
        try {
          if (random(3) === 0) space.touchReadRange(sharedPage(page), 1)
          else space.touchRange(sharedPage(page), 1)
        } catch (error) {
          if (!(error instanceof SegmentationFault)) throw error
        }
      }
    }
  }
}

function changeShared(what: number, bytes: number): void {
  if (what === 0) space.munmap(shared, bytes)
  else if (what === 1) space.mmapFixed(shared, bytes, Protection.READ_WRITE, MappingKind.BLOCK)
  else if (what === 2) space.mprotect(shared, bytes, Protection.NONE)
  else if (what === 3) space.mprotect(shared, bytes, Protection.READ_WRITE)
  else if (what % 2 === 0) space.madviseFree(shared, bytes)
  else space.madviseDontNeed(shared, bytes)
}

if (data.task === 'touch together') touchTogether()
else if (data.task === 'map apart') mapApart()
else unmapUnderOthers()
