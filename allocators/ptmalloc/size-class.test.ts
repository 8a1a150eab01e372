/** Size classes against their formulas in bytes, exhaustively where that is possible. */
import { describe, expect, it } from 'vitest'
import { GLIBC_ARENA_WORDS, PTMALLOC2_ARENA_WORDS } from './arena-layout.ts'
import { GLIBC_HEAP_INFO_WORDS, PTMALLOC2_HEAP_INFO_WORDS } from './heap-layout.ts'
import {
  fastbinIndex,
  glibcBin,
  NB_HUGE,
  NB_REFUSED,
  ptmalloc2Bin,
  ptmalloc2RequestToSize,
  requestToSize,
  tcacheIndex,
} from './size-class.ts'

const words = (bytes: number): number => bytes / 4

/** A large bin in bytes: the width of the bins, the last of them, and what is added. */
function largeBin(bytes: number, first: readonly [number, number]): number {
  const [base, last] = first
  const steps = [
    [64, last, base],
    [512, 20, 91],
    [4096, 10, 110],
    [32768, 4, 119],
    [262144, 2, 124],
  ] as const
  for (const [width, max, add] of steps) {
    const index = Math.floor(bytes / width)
    if (index <= max) return add + index
  }
  return 126
}

describe('ptmalloc: size classes', () => {
  it('a request becomes 8 bytes more, rounded up to 16, at least 32', () => {
    for (let bytes = 0; bytes < 100_000; bytes++) {
      const size = Math.max(32, Math.ceil((bytes + 8) / 16) * 16)
      expect(requestToSize(bytes)).toBe(words(size))
    }
  })
  it('requests beyond 2 GiB are still exact, and then refused', () => {
    expect(requestToSize(0x7fffffff)).toBe(words(0x80000010))
    expect(requestToSize(0x80000000)).toBe(words(0x80000010))
    expect(requestToSize(5_000_000_000)).toBe(words(5_000_000_016))
    expect(requestToSize(2 ** 48)).toBe(NB_HUGE)
    expect(requestToSize(2 ** 63 - 1024)).toBe(NB_HUGE)
    expect(requestToSize(2 ** 63)).toBe(NB_REFUSED)
    expect(requestToSize(2 ** 64)).toBe(NB_REFUSED)
    expect(ptmalloc2RequestToSize(2 ** 63 + 2 ** 20)).toBe(NB_HUGE)
    expect(ptmalloc2RequestToSize(2 ** 64)).toBe(NB_REFUSED)
  })
  it('glibc: bins of every size up to 1 MiB', () => {
    for (let bytes = 32; bytes < 2 ** 20; bytes += 16) {
      const bin = bytes < 1024 ? bytes / 16 : largeBin(bytes, [48, 48])
      expect(glibcBin(words(bytes))).toBe(bin)
    }
    expect(glibcBin(words(2 ** 30))).toBe(126)
  })
  it('ptmalloc2: bins of every size up to 1 MiB', () => {
    for (let bytes = 32; bytes < 2 ** 20; bytes += 16) {
      const bin = bytes < 512 ? bytes / 8 : largeBin(bytes, [56, 32])
      expect(ptmalloc2Bin(words(bytes))).toBe(bin)
    }
  })
  it('fastbins and tcache bins are 16 bytes apart from 32 on', () => {
    for (let index = 0; index < 64; index++) {
      expect(fastbinIndex(words(32 + 16 * index))).toBe(index)
      expect(tcacheIndex(words(32 + 16 * index))).toBe(index)
    }
  })
  it('structs have their real sizes', () => {
    expect([GLIBC_ARENA_WORDS, PTMALLOC2_ARENA_WORDS].map((w) => w * 4)).toEqual([2200, 2240])
    expect([GLIBC_HEAP_INFO_WORDS, PTMALLOC2_HEAP_INFO_WORDS].map((w) => w * 4)).toEqual([48, 32])
  })
})
