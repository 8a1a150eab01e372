/** Random system calls and accesses, carried out on the address space and on its model alike. */
import * as fc from 'fast-check'
import { HeapBufferFull, SegmentationFault } from '../../lab/memory/errors.ts'
import { ControlWord, RunState } from '../../lab/words/control.ts'
import { Counter } from '../../lab/words/events.ts'
import { MappingKind, Protection } from '../../lab/words/mapping.ts'
import { PAGE_WORDS, type PageNumber, type WordIndex, wordOfPage } from '../../lab/words/units.ts'
import { ModelFault, ModelFull } from './model.ts'
import { PAGE, type World } from './world.ts'

const KINDS = [MappingKind.ARENA_HEAP, MappingKind.BLOCK, MappingKind.SPAN]
/** Places within a page at which steps write: both ends and one in between. */
const OFFSETS = [0, 517, PAGE_WORDS - 1]

const OPS = [
  'mmap',
  'mmapHint',
  'mmapFixed',
  'munmap',
  'mremap',
  'mprotect',
  'dontNeed',
  'free',
  'sbrk',
  'write',
  'read',
  'mapStack',
  'unmapStack',
] as const
type OpName = (typeof OPS)[number]

export interface Step {
  readonly op: OpName
  /** Which mapping it is about, and how far into it. */
  readonly where: number
  readonly skip: number
  readonly pages: number
  readonly more: number
  readonly noAccess: boolean
}

export const steps = (without: readonly OpName[] = [], most = 60): fc.Arbitrary<Step[]> => {
  const ops = [...OPS, 'write', 'write', 'read', 'mmap'] as OpName[]
  const step = fc.record({
    op: fc.constantFrom(...ops.filter((op) => !without.includes(op))),
    where: fc.nat(40),
    skip: fc.nat(40),
    pages: fc.integer({ min: 1, max: 30 }),
    more: fc.integer({ min: 0, max: 100_000 }),
    noAccess: fc.boolean(),
  })
  return fc.array(step, { minLength: 1, maxLength: most, size: 'max' })
}

/** What a call came to: its result, or how it failed. */
const outcomeOf = (call: () => unknown): unknown => {
  try {
    return call()
  } catch (error) {
    if (error instanceof HeapBufferFull || error instanceof ModelFull) return 'buffer full'
    if (error instanceof SegmentationFault || error instanceof ModelFault) return 'segfault'
    throw error
  }
}

function expectSame(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: found ${a}, the model says ${b}`)
}

const wordOf = (page: number): WordIndex => wordOfPage(page as PageNumber)

/** Carries steps out on a world and compares after each. Throws at the first difference. */
export class Runner {
  readonly #world: World
  readonly #systemCalls = new Map<Counter, number>()
  readonly #stackIds: number[] = []
  #value = 1

  constructor(world: World) {
    this.#world = world
  }

  run(list: readonly Step[]): void {
    for (const step of list) {
      this.#carryOut(step)
      this.#compareFigures(step.op)
      this.#compareRows(step.op)
    }
    this.#compareEveryPage()
  }

  #called(counter: Counter): void {
    this.#systemCalls.set(counter, (this.#systemCalls.get(counter) ?? 0) + 1)
  }

  /** Where the step acts: near some mapping, so that ranges cross its ends now and then. */
  #range(step: Step): { first: number; end: number } {
    const rows = this.#world.model.rows()
    const row = rows[step.where % rows.length] ?? { start: 1, pages: 1 }
    const { heapPages } = this.#world.model.setup
    const at = row.start - 1 + (step.skip % (row.pages + 2))
    const first = Math.min(Math.max(1, at), heapPages - 1)
    return { first, end: Math.min(first + step.pages, heapPages) }
  }

  #carryOut(step: Step): void {
    const { space, model } = this.#world
    const { first, end } = this.#range(step)
    const pages = end - first
    const bytes = pages * PAGE - (step.more % PAGE)
    const kind = KINDS[step.more % KINDS.length]!
    const protection = step.noAccess ? Protection.NONE : Protection.READ_WRITE
    const same = (real: () => unknown, expected: () => unknown): void =>
      expectSame(step.op, outcomeOf(real), outcomeOf(expected))
    switch (step.op) {
      case 'mmap':
      case 'mmapHint': {
        this.#called(Counter.SYS_MMAP)
        const hint = step.op === 'mmap' ? 0 : 1 + ((step.more * 7) % (model.setup.heapPages + 9))
        same(
          () => space.mmap(wordOf(hint), step.pages * PAGE - 1, protection, kind),
          () => wordOf(model.mmap(hint, step.pages, protection, kind)),
        )
        break
      }
      case 'mmapFixed':
        this.#called(Counter.SYS_MMAP)
        same(
          () => space.mmapFixed(wordOf(first), bytes, protection, kind),
          () => model.mmapFixed(first, pages, protection, kind),
        )
        break
      case 'munmap':
        this.#called(Counter.SYS_MUNMAP)
        same(
          () => space.munmap(wordOf(first), bytes),
          () => model.munmap(first, end),
        )
        break
      case 'mremap': {
        this.#called(Counter.SYS_MREMAP)
        const to = 1 + (step.more % 40)
        same(
          () => space.mremap(wordOf(first), bytes, to * PAGE),
          () => wordOf(model.mremap(first, pages, to)),
        )
        break
      }
      default:
        this.#carryOutOther(step, first, end, bytes, protection, same)
    }
  }

  #carryOutOther(
    step: Step,
    first: number,
    end: number,
    bytes: number,
    protection: Protection,
    same: (real: () => unknown, expected: () => unknown) => void,
  ): void {
    const { space, model } = this.#world
    switch (step.op) {
      case 'mprotect':
        this.#called(Counter.SYS_MPROTECT)
        same(
          () => space.mprotect(wordOf(first), bytes, protection),
          () => model.mprotect(first, end, protection),
        )
        break
      case 'dontNeed':
        this.#called(Counter.SYS_MADVISE)
        same(
          () => space.madviseDontNeed(wordOf(first), bytes),
          () => model.madvise(first, end, 'dont-need'),
        )
        break
      case 'free':
        this.#called(Counter.SYS_MADVISE)
        same(
          () => space.madviseFree(wordOf(first), bytes),
          () => model.madvise(first, end, 'free'),
        )
        break
      case 'sbrk': {
        const delta = step.noAccess ? -step.more : step.more
        if (delta !== 0) this.#called(Counter.SYS_BRK)
        const before = Math.floor(model.breakBytes / 4)
        same(
          () => space.sbrk(delta),
          () => (model.sbrk(delta) ? before : 0),
        )
        break
      }
      case 'write':
        for (let page = first; page < end; page++) this.#write(page, step.more)
        break
      case 'read':
        for (let page = first; page < end; page++) this.#read(page)
        break
      case 'mapStack': {
        this.#called(Counter.SYS_MMAP)
        this.#called(Counter.SYS_MPROTECT)
        const id = space.mapStack(step.pages * PAGE)
        if (id !== 0) this.#stackIds.push(id)
        same(
          () => id !== 0,
          () => model.mapStack(step.pages),
        )
        break
      }
      default: {
        this.#called(Counter.SYS_MUNMAP)
        const which = step.where % (this.#stackIds.length + 1)
        const [id] = this.#stackIds.splice(which, 1)
        const live = model.stacks.splice(which, 1).length === 1
        expectSame('unmapStack', space.unmapStack(id ?? 12_345), live)
      }
    }
  }

  #write(page: number, offsetChoice: number): void {
    const { heap, space, model, control } = this.#world
    const offset = OFFSETS[offsetChoice % OFFSETS.length]!
    const value = ++this.#value
    const real = outcomeOf(() => {
      const word = (wordOf(page) + offset) as WordIndex
      space.touchRange(word, 1)
      heap[word] = value
    })
    const expected = outcomeOf(() => model.write(page, offset, value))
    expectSame(`write to page ${page}`, real, expected)
    const killed = control.words[ControlWord.STATE] === RunState.KILLED
    expectSame('killed for memory', killed, model.killed)
  }

  #read(page: number): void {
    const { heap, space, model } = this.#world
    const real = outcomeOf(() => {
      space.touchReadRange(wordOf(page), 1)
    })
    const expected = outcomeOf(() => {
      model.read(page, 0)
    })
    expectSame(`read of page ${page}`, real, expected)
    if (real !== undefined) return
    for (let offset = 0; offset < PAGE_WORDS; offset++) {
      const found = heap[wordOf(page) + offset]
      const wanted = model.read(page, offset)
      if (found !== wanted) expectSame(`word ${offset} of page ${page}`, found, wanted)
    }
  }

  #compareFigures(op: string): void {
    const { space, model, control } = this.#world
    const found = space.figures()
    expectSame(
      `figures after ${op}`,
      [
        found.rssBytes,
        found.vmHwmBytes,
        found.vmSizeBytes,
        found.lazyFreeBytes,
        found.committedBytes,
        found.minorFaults,
        found.mappings,
        found.brkBytes,
      ],
      [
        model.rss * PAGE,
        model.rssMax * PAGE,
        model.vmSizeBytes,
        model.lazy * PAGE,
        model.committedBytes,
        model.faults,
        model.rowCount(),
        model.breakBytes - model.setup.breakPage * PAGE,
      ],
    )
    for (const [counter, times] of this.#systemCalls) {
      expectSame(`system call ${counter}`, control.counters[counter], times)
    }
  }

  #compareRows(op: string): void {
    const { space, model } = this.#world
    const found = space
      .mappings()
      .filter((row) => row.kind !== MappingKind.STACK)
      .map((row) => [row.start, row.bytes, row.permissions, row.kind, row.rssBytes])
    const expected = model
      .rows()
      .map((row) => [
        row.start * PAGE,
        row.pages * PAGE,
        row.protection === Protection.NONE ? '-----' : 'rw---',
        row.kind,
        space.residentPages(wordOf(row.start), row.pages * PAGE_WORDS) * PAGE,
      ])
    expectSame(`mappings after ${op}`, found, expected)
    const resident = found.reduce((sum, row) => sum + Number(row[4]), 0)
    expectSame(`RSS of all mappings after ${op}`, resident, model.rss * PAGE)
  }

  #compareEveryPage(): void {
    for (let page = 0; page < this.#world.model.setup.heapPages; page++) this.#read(page)
  }
}
