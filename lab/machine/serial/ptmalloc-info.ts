/**
 * mallinfo2(3) and malloc_info(3) of a modelled glibc, figure for figure: glibc 2.36, malloc.c,
 * int_mallinfo and __malloc_info. Read without locks: between ops only.
 */
import {
  type Arena,
  ArenaWord,
  BINS,
  binAt,
  FASTBINS,
  fastbinAt,
  UNSORTED_BIN,
} from '../../../allocators/ptmalloc/arena-layout.ts'
import { ALIGN_WORDS, CHUNK_NONE, type Chunk } from '../../../allocators/ptmalloc/chunk-layout.ts'
import { HEAP_NONE, HeapWord } from '../../../allocators/ptmalloc/heap-layout.ts'
import type { Ptmalloc } from '../../../allocators/ptmalloc/ptmalloc.ts'
import { StaticWord } from '../../../allocators/ptmalloc/static-layout.ts'
import { bytesOfWords } from '../../words/units.ts'

/** MALLOC_ALIGNMENT - 1: what `from` of a fastbin lies below its `to`. */
const ALIGN_BYTES_MASK = bytesOfWords(ALIGN_WORDS) - 1
const FLAGS = 7

/** The arenas in the order of their ring, main_arena first. */
export function arenasOf(m: Ptmalloc): Arena[] {
  const found: Arena[] = []
  let arena = m.main
  do {
    found.push(arena)
    arena = m.nextArena(arena)
  } while (arena !== m.main)
  return found
}

/** chunksize_nomask: bytes and flags, as the real size field has them. */
const rawSize = (m: Ptmalloc, p: Chunk): number => {
  const head = m.head(p)
  return (head - (head & FLAGS)) * 2 + (head & FLAGS)
}

/** Fills the nine figures of a `k` line, in its order. */
export function fillMallinfo(m: Ptmalloc, figures: Float64Array): void {
  let [arena, ordblks, smblks, fsmblks, fordblks] = [0, 0, 0, 0, 0]
  for (const av of arenasOf(m)) {
    fordblks += m.size(m.top(av))
    ordblks++
    for (let i = 0; i < FASTBINS; i++) {
      for (let p = m.words[fastbinAt(av, i)]! as Chunk; p !== CHUNK_NONE; p = m.fd(p)) {
        smblks++
        fsmblks += m.size(p)
        fordblks += m.size(p)
      }
    }
    for (let i = UNSORTED_BIN; i < BINS; i++) {
      const bin = binAt(av, i)
      for (let p = m.bk(bin); p !== bin; p = m.bk(p)) {
        ordblks++
        fordblks += m.size(p)
      }
    }
    arena += m.systemMem(av)
  }
  figures[0] = bytesOfWords(arena)
  figures[1] = ordblks
  figures[2] = smblks
  figures[3] = m.static(StaticWord.N_MMAPS)
  figures[4] = bytesOfWords(m.static(StaticWord.MMAPPED_MEM))
  figures[5] = bytesOfWords(fsmblks)
  figures[6] = bytesOfWords(arena - fordblks)
  figures[7] = bytesOfWords(fordblks)
  figures[8] = bytesOfWords(m.size(m.top(m.main)))
}

interface SizeLine {
  from: number
  to: number
  total: number
  count: number
}

function fastbinLine(m: Ptmalloc, av: Arena, index: number): SizeLine {
  const first = m.words[fastbinAt(av, index)]! as Chunk
  if (first === CHUNK_NONE) return { from: 0, to: 0, total: 0, count: 0 }
  let count = 0
  for (let p = first; p !== CHUNK_NONE; p = m.fd(p)) count++
  const to = bytesOfWords(m.size(first))
  return { from: to - ALIGN_BYTES_MASK, to, total: to * count, count }
}

/** As the real one, sums size fields with their flag bits in them. */
function binLine(m: Ptmalloc, av: Arena, index: number): SizeLine {
  const line = { from: Number.POSITIVE_INFINITY, to: 0, total: 0, count: 0 }
  const bin = binAt(av, index)
  for (let p = m.fd(bin); p !== bin; p = m.fd(p)) {
    const size = rawSize(m, p)
    line.count++
    line.total += size
    line.from = Math.min(line.from, size)
    line.to = Math.max(line.to, size)
  }
  return line
}

const sizeText = (name: string, { from, to, total, count }: SizeLine): string =>
  `  <${name} from="${from}" to="${to}" total="${total}" count="${count}"/>\n`
const totalText = (type: string, count: number, size: number): string =>
  `<total type="${type}" count="${count}" size="${size}"/>\n`
const systemText = (type: string, size: number): string =>
  `<system type="${type}" size="${size}"/>\n`
const aspaceText = (type: string, size: number): string =>
  `<aspace type="${type}" size="${size}"/>\n`

interface Totals {
  nfastblocks: number
  fastavail: number
  nblocks: number
  avail: number
  system: number
  maxSystem: number
  aspace: number
  mprotect: number
}

/** malloc_info(0): the XML, newlines and all. */
export function mallocInfoXml(m: Ptmalloc): string {
  const totals: Totals = {
    nfastblocks: 0,
    fastavail: 0,
    nblocks: 0,
    avail: 0,
    system: 0,
    maxSystem: 0,
    aspace: 0,
    mprotect: 0,
  }
  let text = '<malloc version="1">\n'
  arenasOf(m).forEach((av, number) => {
    text += heapText(m, av, number, totals)
  })
  text += totalText('fast', totals.nfastblocks, totals.fastavail)
  text += totalText('rest', totals.nblocks, totals.avail)
  const mapped = bytesOfWords(m.static(StaticWord.MMAPPED_MEM))
  text += totalText('mmap', m.static(StaticWord.N_MMAPS), mapped)
  text += systemText('current', totals.system) + systemText('max', totals.maxSystem)
  text += aspaceText('total', totals.aspace) + aspaceText('mprotect', totals.mprotect)
  return `${text}</malloc>\n`
}

function heapText(m: Ptmalloc, av: Arena, number: number, totals: Totals): string {
  let text = `<heap nr="${number}">\n<sizes>\n`
  let [nfastblocks, fastavail] = [0, 0]
  for (let i = 0; i < FASTBINS; i++) {
    const line = fastbinLine(m, av, i)
    nfastblocks += line.count
    fastavail += line.total
    if (line.count > 0) text += sizeText('size', line)
  }
  let nblocks = 1
  let avail = bytesOfWords(m.size(m.top(av)))
  const unsorted = binLine(m, av, UNSORTED_BIN)
  for (let i = UNSORTED_BIN; i < BINS; i++) {
    const line = i === UNSORTED_BIN ? unsorted : binLine(m, av, i)
    nblocks += line.count
    avail += line.total
    if (line.count > 0 && i !== UNSORTED_BIN) text += sizeText('size', line)
  }
  if (unsorted.count > 0) text += sizeText('unsorted', unsorted)
  const system = bytesOfWords(m.systemMem(av))
  const maxSystem = bytesOfWords(m.words[av + ArenaWord.MAX_SYSTEM_MEM]!)
  text += '</sizes>\n'
  text += totalText('fast', nfastblocks, fastavail) + totalText('rest', nblocks, avail)
  text += systemText('current', system) + systemText('max', maxSystem)
  totals.nfastblocks += nfastblocks
  totals.fastavail += fastavail
  totals.nblocks += nblocks
  totals.avail += avail
  totals.system += system
  totals.maxSystem += maxSystem
  return `${text}${aspaceLines(m, av, system, totals)}</heap>\n`
}

function aspaceLines(m: Ptmalloc, av: Arena, system: number, totals: Totals): string {
  let [size, mprotect, heaps] = [system, system, 0]
  if (av !== m.main) {
    size = 0
    mprotect = 0
    for (let heap = m.heapForPtr(m.top(av)); heap !== HEAP_NONE; heap = m.heapPrev(heap)) {
      size += bytesOfWords(m.heapSize(heap))
      mprotect += bytesOfWords(m.words[heap + HeapWord.MPROTECT_SIZE]!)
      heaps++
    }
  }
  totals.aspace += size
  totals.mprotect += mprotect
  const text = aspaceText('total', size) + aspaceText('mprotect', mprotect)
  return av === m.main ? text : text + aspaceText('subheaps', heaps)
}
