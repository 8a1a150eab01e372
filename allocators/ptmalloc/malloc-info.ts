/** malloc_info(3): the XML text that glibc writes, figure for figure (malloc.c: __malloc_info). */
import { bytesOfWords } from '../../lab/words/units.ts'
import {
  type Arena,
  ArenaWord,
  BINS,
  binAt,
  FASTBINS,
  fastbinAt,
  UNSORTED_BIN,
} from './arena-layout.ts'
import { CHUNK_NONE, type Chunk, SIZE_BITS, sizeOfHead } from './chunk-layout.ts'
import { HeapWord } from './heap-layout.ts'
import { fastbinFigures } from './mallinfo.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { heapsOf } from './segments.ts'
import { StaticWord } from './static-layout.ts'

interface Totals {
  fastCount: number
  fastBytes: number
  restCount: number
  restBytes: number
  system: number
  maxSystem: number
  aspace: number
  aspaceMprotect: number
}

/** The text of malloc_info(0): arenas in ring order, the newest after the main one. */
export function mallocInfoXml(m: Ptmalloc): string {
  const total: Totals = {
    fastCount: 0,
    fastBytes: 0,
    restCount: 0,
    restBytes: 0,
    system: 0,
    maxSystem: 0,
    aspace: 0,
    aspaceMprotect: 0,
  }
  const lines = ['<malloc version="1">']
  let number = 0
  let av = m.main
  do {
    lines.push(...heapLines(m, av, number++, total))
    av = m.nextArena(av)
  } while (av !== m.main)
  const mmaps = m.static(StaticWord.N_MMAPS)
  lines.push(
    totalLine('fast', total.fastCount, total.fastBytes),
    totalLine('rest', total.restCount, total.restBytes),
    totalLine('mmap', mmaps, bytesOfWords(m.static(StaticWord.MMAPPED_MEM))),
    `<system type="current" size="${total.system}"/>`,
    `<system type="max" size="${total.maxSystem}"/>`,
    `<aspace type="total" size="${total.aspace}"/>`,
    `<aspace type="mprotect" size="${total.aspaceMprotect}"/>`,
    '</malloc>',
  )
  return `${lines.join('\n')}\n`
}

const totalLine = (type: string, count: number, size: number): string =>
  `<total type="${type}" count="${count}" size="${size}"/>`

const sizeLine = (tag: string, from: number, to: number, total: number, count: number): string =>
  `  <${tag} from="${from}" to="${to}" total="${total}" count="${count}"/>`

function heapLines(m: Ptmalloc, av: Arena, number: number, total: Totals): string[] {
  const lines = [`<heap nr="${number}">`, '<sizes>']
  let fastCount = 0
  let fastBytes = 0
  for (let index = 0; index < FASTBINS; index++) {
    const first = m.words[fastbinAt(av, index)]! as Chunk
    if (first === CHUNK_NONE) continue
    const { chunks } = fastbinFigures(m, av, index)
    const size = bytesOfWords(m.size(first))
    fastCount += chunks
    fastBytes += chunks * size
    lines.push(sizeLine('size', size - 15, size, chunks * size, chunks))
  }
  let restCount = 1
  let restBytes = bytesOfWords(m.size(m.top(av)))
  const unsorted: string[] = []
  for (let index = 1; index < BINS; index++) {
    const bin = binSizes(m, av, index)
    if (bin.count === 0) continue
    restCount += bin.count
    restBytes += bin.total
    const isUnsorted = index === UNSORTED_BIN
    const into = isUnsorted ? unsorted : lines
    const tag = isUnsorted ? 'unsorted' : 'size'
    into.push(sizeLine(tag, bin.from, bin.to, bin.total, bin.count))
  }
  const system = bytesOfWords(m.systemMem(av))
  const maxSystem = bytesOfWords(m.words[av + ArenaWord.MAX_SYSTEM_MEM]!)
  lines.push(
    ...unsorted,
    '</sizes>',
    totalLine('fast', fastCount, fastBytes),
    totalLine('rest', restCount, restBytes),
    `<system type="current" size="${system}"/>`,
    `<system type="max" size="${maxSystem}"/>`,
    ...aspaceLines(m, av, system, total),
    '</heap>',
  )
  total.fastCount += fastCount
  total.fastBytes += fastBytes
  total.restCount += restCount
  total.restBytes += restBytes
  total.system += system
  total.maxSystem += maxSystem
  return lines
}

/** Sizes of a bin's chunks with their flags: glibc forgets to mask them, so each is odd by one. */
function binSizes(
  m: Ptmalloc,
  av: Arena,
  index: number,
): { from: number; to: number; total: number; count: number } {
  const bin = binAt(av, index)
  const figures = { from: Number.POSITIVE_INFINITY, to: 0, total: 0, count: 0 }
  for (let p = m.fd(bin); p !== bin; p = m.fd(p)) {
    const head = m.head(p)
    const size = bytesOfWords(sizeOfHead(head)) + (head & SIZE_BITS)
    figures.count++
    figures.total += size
    figures.from = Math.min(figures.from, size)
    figures.to = Math.max(figures.to, size)
  }
  return figures
}

function aspaceLines(m: Ptmalloc, av: Arena, system: number, total: Totals): string[] {
  if (av === m.main) {
    total.aspace += system
    total.aspaceMprotect += system
    return [`<aspace type="total" size="${system}"/>`, `<aspace type="mprotect" size="${system}"/>`]
  }
  const heaps = heapsOf(m, av)
  let size = 0
  let mprotect = 0
  for (const heap of heaps) {
    size += bytesOfWords(m.heapSize(heap))
    mprotect += bytesOfWords(m.words[heap + HeapWord.MPROTECT_SIZE]!)
  }
  total.aspace += size
  total.aspaceMprotect += mprotect
  return [
    `<aspace type="total" size="${size}"/>`,
    `<aspace type="mprotect" size="${mprotect}"/>`,
    `<aspace type="subheaps" size="${heaps.length}"/>`,
  ]
}
