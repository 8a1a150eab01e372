/**
 * Misuse and corruption end the run with glibc's own words, at the op where glibc would say them.
 */
import { describe, expect, it } from 'vitest'
import type { Block } from '../../lab/words/units.ts'
import { type Bench, glibcBench, many } from './test/bench.ts'

const NO_CACHE = { tcache_count: 0 } as const
/** Words of a chunk seen from its block. */
const SIZE = -2
const FD = 0
const BK = 2

/** Sets a word of a chunk, as an overrun of its user would. */
function spoil(bench: Bench, block: Block, word: number, value: number): void {
  bench.process.words[block + word] = value
}
const wordOf = (bench: Bench, block: Block, word: number): number =>
  bench.process.words[block + word]!

describe('glibc: integrity errors of free', () => {
  it('a block in the cache is freed again', () => {
    const { main } = glibcBench()
    const block = main.malloc(24)
    main.free(block)
    expect(() => main.free(block)).toThrow('free(): double free detected in tcache 2')
  })
  it('the newest block of a fastbin is freed again', () => {
    const { main } = glibcBench(NO_CACHE)
    const block = main.malloc(24)
    main.free(block)
    expect(() => main.free(block)).toThrow('double free or corruption (fasttop)')
  })
  it('a block in a bin is freed again', () => {
    const { main } = glibcBench(NO_CACHE)
    const [block, , fence] = [main.malloc(2000), main.malloc(24), main.malloc(24)]
    main.free(block)
    expect(fence).not.toBe(0)
    expect(() => main.free(block)).toThrow('double free or corruption (!prev)')
  })
  it('the top is freed', () => {
    const bench = glibcBench(NO_CACHE)
    const block = bench.main.malloc(2000)
    bench.main.free(block)
    expect(() => bench.main.free(block)).toThrow('double free or corruption (top)')
  })
  it('a pointer into a block', () => {
    const { main } = glibcBench()
    const block = main.malloc(100)
    expect(() => main.free((block + 2) as Block)).toThrow('free(): invalid pointer')
  })
  it('a size below MINSIZE', () => {
    const bench = glibcBench()
    const block = bench.main.malloc(100)
    spoil(bench, block, SIZE, (4 << 1) | 1)
    expect(() => bench.main.free(block)).toThrow('free(): invalid size')
  })
  it('a size that wraps around the address space', () => {
    const bench = glibcBench()
    const block = bench.main.malloc(100)
    spoil(bench, block, SIZE, -8 | 1)
    expect(() => bench.main.free(block)).toThrow('free(): invalid pointer')
  })
  it('the size of the chunk above was overwritten: fastbin', () => {
    const bench = glibcBench(NO_CACHE)
    const [block, above] = many(bench.main, 2, 24)
    spoil(bench, above!, SIZE, 0)
    expect(() => bench.main.free(block!)).toThrow('free(): invalid next size (fast)')
  })
  it('the size of the chunk above was overwritten: larger', () => {
    const bench = glibcBench(NO_CACHE)
    const [block, above] = many(bench.main, 3, 2000)
    spoil(bench, above!, SIZE, (0x1000000 << 1) | 1)
    expect(() => bench.main.free(block!)).toThrow('free(): invalid next size (normal)')
  })
  it('a size that reaches beyond the heap', () => {
    const bench = glibcBench(NO_CACHE)
    const block = bench.main.malloc(2000)
    spoil(bench, block, SIZE, (0x100000 << 1) | 1)
    expect(() => bench.main.free(block)).toThrow('double free or corruption (out)')
  })
  it('a link of a chunk that is merged was overwritten', () => {
    const bench = glibcBench(NO_CACHE)
    const [a, b, c] = many(bench.main, 4, 2000)
    bench.main.free(a!)
    bench.main.free(c!)
    spoil(bench, a!, FD, a! - 4)
    expect(() => bench.main.free(b!)).toThrow('corrupted double-linked list')
  })
  it('prev_size does not lead to a chunk of that size', () => {
    const bench = glibcBench(NO_CACHE)
    const [a, b] = many(bench.main, 3, 2000)
    bench.main.free(a!)
    spoil(bench, b!, -4, 16)
    expect(() => bench.main.free(b!)).toThrow('corrupted size vs. prev_size while consolidating')
  })
  it('the unsorted list was overwritten', () => {
    const bench = glibcBench(NO_CACHE)
    const [a, , c] = many(bench.main, 5, 2000)
    bench.main.free(a!)
    spoil(bench, a!, BK, a! - 4)
    expect(() => bench.main.free(c!)).toThrow('free(): corrupted unsorted chunks')
  })
  it('a mapped chunk that does not fill its pages', () => {
    const bench = glibcBench()
    const block = bench.main.malloc(200_000)
    spoil(bench, block, SIZE, wordOf(bench, block, SIZE) + 64)
    expect(() => bench.main.free(block)).toThrow('munmap_chunk(): invalid pointer')
  })
})

describe('glibc: integrity errors of malloc', () => {
  it('a cached chunk was written to after its free', () => {
    const bench = glibcBench()
    const [a, b] = many(bench.main, 2, 24)
    bench.main.free(a!)
    bench.main.free(b!)
    spoil(bench, b!, FD, a! + 1)
    bench.main.malloc(24)
    expect(() => bench.main.malloc(24)).toThrow('malloc(): unaligned tcache chunk detected')
  })
  it('a fastbin chunk was written to after its free', () => {
    const bench = glibcBench(NO_CACHE)
    const [a, b] = many(bench.main, 2, 24)
    bench.main.free(a!)
    bench.main.free(b!)
    spoil(bench, b!, FD, a! - 3)
    bench.main.malloc(24)
    expect(() => bench.main.malloc(24)).toThrow('malloc(): unaligned fastbin chunk detected 2')
  })
  it('a fastbin chunk has another size', () => {
    const bench = glibcBench(NO_CACHE)
    const [a] = many(bench.main, 2, 24)
    bench.main.free(a!)
    spoil(bench, a!, SIZE, (16 << 1) | 1)
    expect(() => bench.main.malloc(24)).toThrow('malloc(): memory corruption (fast)')
  })
  it('the top was overrun', () => {
    const bench = glibcBench()
    const block = bench.main.malloc(24)
    spoil(bench, block, SIZE + 8, 0x7ffffff1)
    expect(() => bench.main.malloc(2000)).toThrow('malloc(): corrupted top size')
  })
  it('an unsorted chunk has a size of its own making', () => {
    const bench = glibcBench(NO_CACHE)
    const [a] = many(bench.main, 2, 2000)
    bench.main.free(a!)
    spoil(bench, a!, SIZE, 0x40000001)
    expect(() => bench.main.malloc(24)).toThrow('malloc(): invalid size (unsorted)')
  })
  it('the chunk above an unsorted one disagrees about its size', () => {
    const bench = glibcBench(NO_CACHE)
    const [a, b] = many(bench.main, 2, 2000)
    bench.main.free(a!)
    spoil(bench, b!, -4, 12)
    expect(() => bench.main.malloc(24)).toThrow('malloc(): mismatching next->prev_size (unsorted)')
  })
  it('the chunk above an unsorted one says that it is in use', () => {
    const bench = glibcBench(NO_CACHE)
    const [a, b] = many(bench.main, 2, 2000)
    bench.main.free(a!)
    spoil(bench, b!, SIZE, wordOf(bench, b!, SIZE) | 1)
    expect(() => bench.main.malloc(24)).toThrow('malloc(): invalid next->prev_inuse (unsorted)')
  })
  it('the unsorted list does not lead back', () => {
    const bench = glibcBench(NO_CACHE)
    const [a] = many(bench.main, 2, 2000)
    bench.main.free(a!)
    spoil(bench, a!, FD, a! - 4)
    expect(() => bench.main.malloc(24)).toThrow('malloc(): unsorted double linked list corrupted')
  })
  it('a small bin does not lead back', () => {
    const bench = glibcBench({ tcache_count: 0, mxfast: 0 })
    const [a, , c] = many(bench.main, 4, 200)
    bench.main.free(a!)
    bench.main.free(c!)
    bench.main.malloc(3000)
    spoil(bench, c!, FD, 4096)
    expect(() => bench.main.malloc(200)).toThrow('malloc(): smallbin double linked list corrupted')
  })
})

describe('glibc: integrity errors of realloc and consolidation', () => {
  it('a pointer into a block', () => {
    const { main } = glibcBench()
    const block = main.malloc(100)
    expect(() => main.realloc((block + 2) as Block, 200)).toThrow('realloc(): invalid pointer')
  })
  it('an impossible old size', () => {
    const bench = glibcBench()
    const block = bench.main.malloc(100)
    spoil(bench, block, SIZE, (0x100000 << 1) | 1)
    expect(() => bench.main.realloc(block, 200)).toThrow('realloc(): invalid old size')
  })
  it('an impossible next size', () => {
    const bench = glibcBench()
    const [block, above] = many(bench.main, 2, 100)
    spoil(bench, above!, SIZE, (0x100000 << 1) | 1)
    expect(() => bench.main.realloc(block!, 200)).toThrow('realloc(): invalid next size')
  })
  it('a mapped chunk that does not fill its pages', () => {
    const bench = glibcBench()
    const [, block] = many(bench.main, 2, 200_000) as [Block, Block]
    spoil(bench, block, SIZE, wordOf(bench, block, SIZE) + 64)
    expect(() => bench.main.realloc(block, 300_000)).toThrow('mremap_chunk(): invalid pointer')
  })
  it('a fastbin chunk of another size is consolidated', () => {
    const bench = glibcBench(NO_CACHE)
    const [a] = many(bench.main, 2, 24)
    bench.main.free(a!)
    spoil(bench, a!, SIZE, (16 << 1) | 1)
    expect(() => bench.main.malloc(3000)).toThrow('malloc_consolidate(): invalid chunk size')
  })
  it('somebody lowered the break below the top', () => {
    const bench = glibcBench()
    bench.main.malloc(60_000)
    bench.process.sbrk(-65536)
    expect(() => bench.main.malloc(100_000)).toThrow('break adjusted to free malloc space')
  })
})
