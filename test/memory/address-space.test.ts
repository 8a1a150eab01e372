/**
 * Goal: what the property test cannot say well: the OOM kill, MADV_FREE under pressure, limits at
 * their exact edge, the buffer's own end, stacks, malformed calls, and figures from the field.
 */
import { describe, expect, test } from 'vitest'
import { HeapBufferFull, SegmentationFault } from '../../lab/memory/errors.ts'
import { SPARE_ROWS } from '../../lab/memory/mapping-table.ts'
import { PageTable } from '../../lab/memory/page-table.ts'
import { SpaceFigure, SpaceWord } from '../../lab/memory/space-layout.ts'
import { ControlWord, RunState } from '../../lab/words/control.ts'
import { COUNTER_ROW, Counter } from '../../lab/words/events.ts'
import { MappingKind, Protection } from '../../lab/words/mapping.ts'
import { PageState } from '../../lab/words/page-state.ts'
import { PAGE_WORDS, pageOfWord, WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import { createWorld, PAGE, type World } from './world.ts'

const KIB = 1024
const MIB = 1024 * 1024
const GIB = 1024 * MIB
const { READ_WRITE, NONE } = Protection
const { BLOCK, SPAN, ARENA_HEAP } = MappingKind

const mapBlock = ({ space }: World, pages: number): WordIndex =>
  space.mmap(WORD_NULL, pages * PAGE, READ_WRITE, BLOCK)
const pageAt = (word: WordIndex, page: number): WordIndex => (word + page * PAGE_WORDS) as WordIndex
const touchPages = ({ space }: World, word: WordIndex, pages: number): void =>
  space.touchRange(word, pages * PAGE_WORDS)
const state = ({ control }: World): number => control.words[ControlWord.STATE]!

describe('layout', () => {
  test('words and figures of the space area: distinct, apart, and inside it', () => {
    const words = Object.values(SpaceWord)
    const figures = Object.values(SpaceFigure)
    expect(new Set(words).size).toBe(words.length)
    expect(new Set(figures).size).toBe(figures.length)
    expect(Math.max(...words)).toBeLessThan(64)
    expect(Math.max(...figures)).toBeLessThan((1024 - 256) / 8)
    // What faults count stands on a cache line apart from what system calls write.
    expect(SpaceWord.RSS % 16).toBe(0)
    expect(words.filter((word) => word < 16)).not.toContain(SpaceWord.RSS_MAX)
  })

  test('page 0 is NULL, data follows, the break is on the next 1 MiB boundary', () => {
    const { space } = createWorld({ dataBytes: MIB })
    expect(() => space.fault(WORD_NULL)).toThrow(SegmentationFault)
    expect(space.brkStart()).toBe((2 * MIB) / 4)
    expect(space.currentBrk()).toBe(space.brkStart())
    expect(space.mappings()).toMatchObject([
      { start: PAGE, bytes: MIB, permissions: 'rw---', kind: MappingKind.DATA },
    ])
  })
})

describe('memory limit', () => {
  test('reaching the limit is allowed; the fault that crosses it kills, and completes', () => {
    const world = createWorld({ limits: { memoryLimit: 8 * PAGE } })
    const block = mapBlock(world, 10)
    world.self.thread = 6
    touchPages(world, block, 8)
    expect(state(world)).toBe(RunState.RUNNING)
    const wakes = world.control.words[ControlWord.WAKE]!
    touchPages(world, block, 9)
    expect(state(world)).toBe(RunState.KILLED)
    expect(world.control.words[ControlWord.OOM_THREAD]).toBe(7)
    expect(world.control.words[ControlWord.WAKE]).toBe(wakes + 1)
    expect(world.control.pages[pageOfWord(pageAt(block, 8))]).toBe(PageState.RESIDENT)
    expect(world.space.figures()).toMatchObject({ rssBytes: 9 * PAGE, minorFaults: 9 })
  })

  test('the first to cross it is named, later ones are not', () => {
    const world = createWorld({ limits: { memoryLimit: PAGE } })
    const block = mapBlock(world, 4)
    world.self.thread = 1
    touchPages(world, block, 2)
    world.self.thread = 2
    touchPages(world, block, 4)
    expect(world.control.words[ControlWord.OOM_THREAD]).toBe(2)
  })

  test.each([
    ['ending', RunState.ENDING, RunState.KILLED],
    ['starting', RunState.STARTING, RunState.STARTING],
    ['stopped', RunState.STOPPED, RunState.STOPPED],
    ['failed', RunState.FAILED, RunState.FAILED],
  ])('crossed while %s', (_name, before, after) => {
    const world = createWorld({ limits: { memoryLimit: PAGE } })
    world.control.words[ControlWord.STATE] = before
    touchPages(world, mapBlock(world, 2), 2)
    expect(state(world)).toBe(after)
  })

  test('lazily freed pages are given back before anybody is killed', () => {
    const world = createWorld({ limits: { memoryLimit: 100 * PAGE } })
    const freed = mapBlock(world, 70)
    touchPages(world, freed, 70)
    world.heap[freed] = 7
    world.space.madviseFree(freed, 70 * PAGE)
    const block = mapBlock(world, 100)
    touchPages(world, block, 100)
    expect(state(world)).toBe(RunState.RUNNING)
    expect(world.space.figures()).toMatchObject({
      rssBytes: 100 * PAGE,
      vmHwmBytes: 100 * PAGE,
      lazyFreeBytes: 0,
    })
    // What was taken reads as zero, and costs a fault again; now somebody is killed.
    world.space.faultRead(freed)
    expect(world.heap[freed]).toBe(0)
    world.space.fault(freed)
    expect(state(world)).toBe(RunState.KILLED)
  })

  test('only as many lazily freed pages go as are needed, in steps of 32', () => {
    const world = createWorld({ limits: { memoryLimit: 100 * PAGE } })
    const freed = mapBlock(world, 70)
    touchPages(world, freed, 70)
    world.space.madviseFree(freed, 70 * PAGE)
    touchPages(world, mapBlock(world, 31), 31)
    expect(world.space.figures().lazyFreeBytes).toBe((70 - 32) * PAGE)
  })

  test('a lazily freed page that is written again keeps its words, without a fault', () => {
    const world = createWorld({ limits: { memoryLimit: 20 * PAGE } })
    const block = mapBlock(world, 8)
    touchPages(world, block, 8)
    world.heap.fill(5, block, block + 8 * PAGE_WORDS)
    world.space.madviseFree(block, 8 * PAGE)
    world.space.fault(block)
    expect(world.space.figures()).toMatchObject({ minorFaults: 8, lazyFreeBytes: 7 * PAGE })
    touchPages(world, mapBlock(world, 19), 19)
    expect(state(world)).toBe(RunState.RUNNING)
    expect(world.heap[block]).toBe(5)
    expect(world.space.residentPages(block, 8 * PAGE_WORDS)).toBe(1)
  })

  test('stacks count against it when the machine charges them', () => {
    const world = createWorld({ limits: { memoryLimit: 4 * PAGE } })
    world.space.residentOutside(4 * PAGE)
    expect(state(world)).toBe(RunState.RUNNING)
    world.space.residentOutside(-2 * PAGE)
    expect(world.space.figures()).toMatchObject({ rssBytes: 2 * PAGE, vmHwmBytes: 4 * PAGE })
    world.space.residentOutside(3 * PAGE - 1)
    expect(state(world)).toBe(RunState.KILLED)
  })
})

describe('limits of the address space', () => {
  test('ulimit -v: the last byte fits, one page more is NULL', () => {
    const world = createWorld({ dataBytes: 0, limits: { addressSpaceLimit: 10 * PAGE } })
    expect(mapBlock(world, 11)).toBe(WORD_NULL)
    expect(mapBlock(world, 10)).not.toBe(WORD_NULL)
    expect(world.space.sbrk(1)).toBe(WORD_NULL)
    expect(world.space.currentBrk()).toBe(world.space.brkStart())
  })

  test('what no machine has is ENOMEM, not a full buffer', () => {
    const { space } = createWorld()
    expect(space.mmap(WORD_NULL, 2 ** 48, READ_WRITE, BLOCK)).toBe(WORD_NULL)
    expect(space.mmap(WORD_NULL, Number.POSITIVE_INFINITY, READ_WRITE, BLOCK)).toBe(WORD_NULL)
    expect(space.sbrk(2 ** 48)).toBe(WORD_NULL)
  })

  test('overcommit 0 refuses what is larger than the machine, but not a reserve', () => {
    const world = createWorld({ limits: { overcommitMemory: 0, ramBytes: 30 * PAGE } })
    expect(mapBlock(world, 31)).toBe(WORD_NULL)
    expect(mapBlock(world, 30)).not.toBe(WORD_NULL)
    expect(mapBlock(world, 30)).not.toBe(WORD_NULL)
    const reserve = world.space.mmap(WORD_NULL, 40 * PAGE, NONE, ARENA_HEAP)
    expect(reserve).not.toBe(WORD_NULL)
    expect(world.space.mprotect(reserve, 40 * PAGE, READ_WRITE)).toBe(false)
    expect(world.space.mprotect(reserve, 4 * PAGE, READ_WRITE)).toBe(true)
  })

  test('overcommit 2: protecting gives no charge back, mapping afresh does', () => {
    const limits = { overcommitMemory: 2, ramBytes: 20 * PAGE, overcommitRatio: 50 } as const
    const world = createWorld({ dataBytes: 0, limits })
    const heap = world.space.mmap(WORD_NULL, 64 * PAGE, NONE, ARENA_HEAP)
    expect(world.space.figures().committedBytes).toBe(0)
    expect(world.space.mprotect(heap, 10 * PAGE, READ_WRITE)).toBe(true)
    expect(mapBlock(world, 1)).toBe(WORD_NULL)
    world.space.mprotect(heap, 10 * PAGE, NONE)
    expect(mapBlock(world, 1)).toBe(WORD_NULL)
    world.space.mmapFixed(heap, 10 * PAGE, NONE, ARENA_HEAP)
    expect(world.space.figures().committedBytes).toBe(0)
    expect(mapBlock(world, 1)).not.toBe(WORD_NULL)
  })

  test('vm.max_map_count: mappings that do not merge run out', () => {
    const world = createWorld({ rowsMax: 20 })
    let mapped = 0
    while (world.space.mmap(WORD_NULL, PAGE, READ_WRITE, mapped % 2 === 0 ? BLOCK : SPAN) !== 0) {
      mapped += 1
    }
    // One above the limit, as Linux's `map_count > sysctl_max_map_count` lets happen.
    expect(world.space.figures().mappings).toBe(21)
    expect(world.control.plan.mappingsMax).toBe(20 + SPARE_ROWS)
  })
})

describe('the heap buffer', () => {
  test('a mapping that no limit forbids ends the run, and names the heap that would do', () => {
    const world = createWorld({ heapBytes: 4 * MIB })
    mapBlock(world, 512)
    const ask = (): WordIndex => mapBlock(world, 512)
    expect(ask).toThrow(HeapBufferFull)
    expect(ask).toThrow('--heap 1GiB would do')
    expect(() => world.space.sbrk(GIB)).toThrow('--heap 2GiB would do')
    expect(() => world.space.mmap(WORD_NULL, 9 * GIB, NONE, BLOCK)).toThrow('--heap 8GiB')
    // The mmap_lock was given back, and nothing has changed.
    expect(world.space.figures().vmSizeBytes).toBe((3 + 512) * PAGE)
    expect(mapBlock(world, 1)).not.toBe(WORD_NULL)
  })

  test('the break and the mappings keep a page between them', () => {
    const world = createWorld({ heapBytes: 2 * MIB })
    const lowest = mapBlock(world, 200)
    const room = (lowest - world.space.currentBrk()) * 4
    expect(() => world.space.sbrk(room)).toThrow(HeapBufferFull)
    expect(world.space.sbrk(room - PAGE)).toBe(world.space.brkStart())
  })
})

describe('mremap', () => {
  test('a zero page that moves onto dirty pages is still zero', () => {
    const world = createWorld()
    const dirty = mapBlock(world, 4)
    touchPages(world, dirty, 4)
    world.heap.fill(9, dirty, dirty + 4 * PAGE_WORDS)
    const fence = world.space.mmap(WORD_NULL, PAGE, NONE, SPAN)
    const block = mapBlock(world, 2)
    world.space.faultRead(block)
    world.space.munmap(dirty, 4 * PAGE)
    expect(world.space.mremap(block, 2 * PAGE, 4 * PAGE)).toBe(dirty)
    expect(fence).toBe(pageAt(dirty, -1))
    expect(world.control.pages[pageOfWord(dirty)]).toBe(PageState.ZERO)
    expect(world.heap.slice(dirty, dirty + PAGE_WORDS).every((word) => word === 0)).toBe(true)
    // The page behind it arrives untouched, over old words: zeroed when it is touched.
    world.space.fault(pageAt(dirty, 1))
    expect(world.heap[pageAt(dirty, 1)]).toBe(0)
  })

  test('grows in place as long as the pages above are free, then moves', () => {
    const world = createWorld()
    const above = mapBlock(world, 4)
    const block = world.space.mmap(WORD_NULL, PAGE, READ_WRITE, SPAN)
    world.space.munmap(pageAt(above, 0), 2 * PAGE)
    expect(world.space.mremap(block, PAGE, 3 * PAGE)).toBe(block)
    touchPages(world, block, 3)
    const faults = world.space.figures().minorFaults
    const moved = world.space.mremap(block, 3 * PAGE, 4 * PAGE)
    expect(moved).toBeLessThan(block)
    expect(world.space.figures()).toMatchObject({ minorFaults: faults, rssBytes: 3 * PAGE })
  })
})

describe('calls', () => {
  test('malformed ones fail, count, and change nothing', () => {
    const { space, control } = createWorld()
    const block = space.mmap(WORD_NULL, 2 * PAGE, READ_WRITE, BLOCK)
    const before = space.mappings()
    const odd = (block + 1) as WordIndex
    const beyond = (control.pages.length * PAGE_WORDS) as WordIndex
    expect(space.mmap(WORD_NULL, 0, READ_WRITE, BLOCK)).toBe(WORD_NULL)
    expect(space.mmap(WORD_NULL, Number.NaN, READ_WRITE, BLOCK)).toBe(WORD_NULL)
    expect(space.munmap(odd, PAGE)).toBe(false)
    expect(space.munmap(block, 0)).toBe(false)
    expect(space.munmap(beyond, PAGE)).toBe(false)
    expect(space.mprotect(odd, PAGE, NONE)).toBe(false)
    expect(space.mremap(block, PAGE, 0)).toBe(WORD_NULL)
    expect(space.mmapFixed(WORD_NULL, PAGE, NONE, BLOCK)).toBe(false)
    expect(space.madviseDontNeed(odd, PAGE)).toBe(false)
    expect(space.madviseDontNeed(block, 0)).toBe(true)
    expect(space.sbrk(-1)).toBe(WORD_NULL)
    expect(space.unmapStack(block)).toBe(false)
    expect(space.mappings()).toEqual(before)
    expect(control.counters[Counter.SYS_MUNMAP]).toBe(4)
    expect(() => space.fault(beyond)).toThrow(SegmentationFault)
  })

  test('count for the lab thread that is spoken for', () => {
    const world = createWorld({ seats: 3 })
    world.self.counterBase = 2 * COUNTER_ROW
    touchPages(world, mapBlock(world, 5), 5)
    expect(world.control.counters[2 * COUNTER_ROW + Counter.SYS_MMAP]).toBe(1)
    expect(world.control.counters[2 * COUNTER_ROW + Counter.MINOR_FAULTS]).toBe(5)
    expect(world.control.counters[Counter.SYS_MMAP]).toBe(0)
    expect(world.space.figures().minorFaults).toBe(5)
  })

  test('sbrk(0) and currentBrk are no system calls; the break is exact to the byte', () => {
    const { space, control } = createWorld()
    const start = space.sbrk(0)
    expect(space.sbrk(10)).toBe(start)
    expect(space.currentBrk()).toBe(start + 2)
    expect(space.sbrk(6)).toBe(start + 2)
    expect(space.currentBrk()).toBe(start + 4)
    expect(control.counters[Counter.SYS_BRK]).toBe(2)
    expect(space.figures().brkBytes).toBe(16)
  })

  test('segmentation faults name their address', () => {
    const { space } = createWorld()
    const reserve = space.mmap(WORD_NULL, PAGE, NONE, ARENA_HEAP)
    const address = (reserve * 4 + 8).toString(16)
    expect(() => space.fault((reserve + 2) as WordIndex)).toThrow(`0x${address}`)
    expect(() => space.faultRead(reserve)).toThrow('access not permitted')
    space.munmap(reserve, PAGE)
    expect(() => space.touchReadRange(reserve, 1)).toThrow('not mapped')
  })
})

describe('figures from the field', () => {
  test('C3: 64 stacks of 64 KiB add 4 352 KiB of VmSize, and go again', () => {
    const { space } = createWorld({ dataBytes: 0 })
    const ids = Array.from({ length: 64 }, () => space.mapStack(64 * KIB))
    expect(space.figures()).toMatchObject({ vmSizeBytes: 4352 * KIB, mappings: 128, rssBytes: 0 })
    expect(new Set(ids).size).toBe(64)
    expect(space.mappings().at(-1)).toMatchObject({ bytes: 64 * KIB, permissions: 'rw---' })
    for (const id of ids) expect(space.unmapStack(id)).toBe(true)
    expect(space.figures()).toMatchObject({ vmSizeBytes: 0, mappings: 0 })
  })

  test('C3: an arena heap lowered to 4 MiB counts as the 64 MiB it stands for', () => {
    const { space } = createWorld({ heapBytes: 32 * MIB, dataBytes: 0, arenaHeapScale: 16 })
    // As glibc's new_heap: twice the size, then the ends are cut off for alignment.
    const twice = space.mmap(WORD_NULL, 8 * MIB, NONE, ARENA_HEAP)
    const heap = (Math.ceil(twice / MIB) * MIB) as WordIndex
    space.munmap(twice, (heap - twice) * 4)
    space.munmap((heap + MIB) as WordIndex, 4 * MIB - (heap - twice) * 4)
    space.mprotect(heap, 132 * KIB, READ_WRITE)
    expect(space.figures().vmSizeBytes).toBe(64 * MIB)
    expect(space.mappings()).toMatchObject([
      { bytes: 132 * KIB, nominalBytes: 16 * 132 * KIB, permissions: 'rw---' },
      { bytes: 4 * MIB - 132 * KIB, permissions: '-----' },
    ])
  })

  test('C4: a mapped 2 MiB block of which 6 pages are touched costs 6 faults each time', () => {
    const world = createWorld({ heapBytes: 8 * MIB })
    for (let request = 0; request < 100; request++) {
      const block = mapBlock(world, 514)
      touchPages(world, block, 6)
      world.space.munmap(block, 514 * PAGE)
    }
    expect(world.space.figures()).toMatchObject({ minorFaults: 600, rssBytes: 0 })
  })

  test('60 000 mappings: placed top-down, holes found again, and the highest first', () => {
    const world = createWorld({ heapBytes: 256 * MIB, rowsMax: 65_530 })
    const blocks: WordIndex[] = []
    for (let i = 0; i < 60_000; i++) {
      blocks.push(world.space.mmap(WORD_NULL, PAGE, READ_WRITE, i % 2 === 0 ? BLOCK : SPAN))
    }
    expect(blocks.every((word, i) => i === 0 || word === pageAt(blocks[i - 1]!, -1))).toBe(true)
    for (let i = 1; i < 60_000; i += 2) world.space.munmap(blocks[i]!, PAGE)
    // Every hole is too small for two pages, so they go below; one page takes the highest hole.
    for (let i = 0; i < 1000; i++) {
      expect(mapBlock(world, 2)).toBe(pageAt(blocks[59_999]!, -2 * i - 1))
    }
    expect(mapBlock(world, 1)).toBe(blocks[1])
    expect(mapBlock(world, 1)).toBe(blocks[3])
  })
})

describe('a thread that meets a busy page', () => {
  test('gives up when the run has failed: the thread that filled it is gone', () => {
    const { heap, control, self, space } = createWorld()
    const block = space.mmap(WORD_NULL, PAGE, READ_WRITE, BLOCK)
    control.pages[pageOfWord(block)] = PageState.BUSY
    control.words[ControlWord.STATE] = RunState.FAILED
    expect(() => new PageTable(heap, control, self).fault(block)).toThrow('the run failed')
  })
})
