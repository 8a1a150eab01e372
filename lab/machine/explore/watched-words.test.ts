/** The watched heap does what an Int32Array does, after it has told of each access. */
import { expect, it } from 'vitest'
import { PageState } from '../../words/page-state.ts'
import { PAGE_WORDS } from '../../words/units.ts'
import { Access } from './access.ts'
import { watchWords } from './watched-words.ts'

function open() {
  const heap = new Int32Array(new SharedArrayBuffer(4 * PAGE_WORDS * 4))
  const pages = new Uint8Array(4).fill(PageState.RESIDENT)
  const dirtied = new Uint8Array(4)
  const told: [number, number][] = []
  const watcher = { step: (access: Access, word: number) => void told.push([access, word]) }
  return { heap, pages, dirtied, told, words: watchWords(heap, pages, dirtied, watcher) }
}

it('reads, writes, fills and copies, and tells of each before it happens', () => {
  const { heap, words, told } = open()
  words[5] = 7
  words[5]! += 1
  words.fill(3, 10, 14)
  words.copyWithin(20, 10, 12)
  expect([...heap.subarray(4, 23)]).toEqual([
    0, 8, 0, 0, 0, 0, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0, 3, 3, 0,
  ])
  expect([...words.subarray(9, 12)]).toEqual([0, 3, 3])
  expect(words.length).toBe(heap.length)
  expect(told).toEqual([
    [Access.WRITE, 5],
    [Access.READ, 5],
    [Access.WRITE, 5],
    [Access.FILL, 10],
    [Access.COPY, 10],
    [Access.COPY, 9],
  ])
})

it('what another has written meanwhile is what a read gives', () => {
  const { heap, pages, dirtied } = open()
  const words = watchWords(heap, pages, dirtied, {
    step: () => {
      heap[100]!++
    },
  })
  expect(words[100]).toBe(1)
  expect(words[100]).toBe(2)
})

it('pages that are not mapped cannot be used, as in hardware', () => {
  const { words, pages, dirtied } = open()
  pages[1] = PageState.UNMAPPED
  pages[2] = PageState.ABSENT
  expect(() => words[PAGE_WORDS]).toThrow('segmentation fault at 0x1000')
  expect(() => words.fill(1, PAGE_WORDS - 2, PAGE_WORDS + 2)).toThrow('segmentation fault')
  expect(() => words[100 * PAGE_WORDS]).toThrow('segmentation fault')
  words[2 * PAGE_WORDS] = 1
  expect([...dirtied]).toEqual([0, 0, 1, 0])
})

it('says what it cannot do instead of doing it unseen', () => {
  const { words } = open()
  expect(() => words.indexOf(3)).toThrow('may not use indexOf')
  expect(() => Atomics.load(words, 0)).toThrow(TypeError)
})
