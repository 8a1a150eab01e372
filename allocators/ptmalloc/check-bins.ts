/** Invariants of an arena's bins. */
import { bytesOfWords } from '../../lab/words/units.ts'
import {
  type Arena,
  ArenaWord,
  BINS,
  BINS_PER_MAP_WORD,
  binAt,
  initialTop,
  UNSORTED_BIN,
} from './arena-layout.ts'
import { binmapWord } from './bins.ts'
import { ALIGN_MASK, CHUNK_NONE, type Chunk, MIN_CHUNK_WORDS } from './chunk-layout.ts'
import type { Findings } from './findings.ts'
import { chunkAt, type Ptmalloc } from './ptmalloc.ts'

/** Walks every bin; each chunk found goes into `binned`, once. */
export function checkBins(
  m: Ptmalloc,
  av: Arena,
  arenaIndex: number,
  binned: Set<number>,
  findings: Findings,
): void {
  for (let index = 1; index < BINS; index++) {
    const chunks = binChunks(m, av, index, arenaIndex, binned, findings)
    if (chunks === undefined || chunks.length === 0) continue
    if (index === UNSORTED_BIN) {
      for (const p of chunks) checkUnsorted(m, p, arenaIndex, findings)
      continue
    }
    const bit = 1 << (index & (BINS_PER_MAP_WORD - 1))
    if ((m.words[binmapWord(av, index)]! & bit) === 0) {
      findings.add('a bin with chunks has its bit in binmap', arenaIndex, chunks[0]!, index)
    }
    checkSizes(m, index, chunks, arenaIndex, findings)
    if (m.size(chunks[0]!) >= m.nextsizeFrom) checkRing(m, chunks, arenaIndex, findings)
  }
  checkTop(m, av, arenaIndex, findings)
}

/** A bin's chunks from front to back; undefined when its links are broken. */
function binChunks(
  m: Ptmalloc,
  av: Arena,
  index: number,
  arenaIndex: number,
  binned: Set<number>,
  findings: Findings,
): Chunk[] | undefined {
  const bin = binAt(av, index)
  const chunks: Chunk[] = []
  let before = bin
  for (let p = m.fd(bin); p !== bin; p = m.fd(p)) {
    const astray = p <= 0 || p >= m.wordsEnd || (p & ALIGN_MASK) !== 0
    if (astray || m.bk(p) !== before) {
      findings.add('links of a bin agree both ways: p.fd.bk = p', arenaIndex, p, `bin ${index}`)
      return undefined
    }
    if (binned.has(p)) {
      findings.add('every chunk is in one bin, once', arenaIndex, p, `bin ${index}`)
      return undefined
    }
    binned.add(p)
    chunks.push(p)
    before = p
  }
  if (m.bk(bin) !== before) {
    findings.add('links of a bin agree both ways: p.fd.bk = p', arenaIndex, bin, `bin ${index}`)
  }
  return chunks
}

function checkUnsorted(m: Ptmalloc, p: Chunk, arenaIndex: number, findings: Findings): void {
  if (m.size(p) < m.nextsizeFrom) return
  if (m.fdNextsize(p) !== CHUNK_NONE || m.bkNextsize(p) !== CHUNK_NONE) {
    findings.add('unsorted chunks are in no ring of sizes', arenaIndex, p, m.fdNextsize(p))
  }
}

function checkSizes(
  m: Ptmalloc,
  index: number,
  chunks: readonly Chunk[],
  arenaIndex: number,
  findings: Findings,
): void {
  let larger = Number.POSITIVE_INFINITY
  for (const p of chunks) {
    const size = m.size(p)
    if (m.rules.binIndex(size) !== index) {
      const found = `size ${bytesOfWords(size)} in bin ${index}`
      findings.add('a chunk is in the bin of its size', arenaIndex, p, found)
    }
    if (m.prevSize(chunkAt(p, size)) !== size) {
      findings.add('prev_size repeats the size of a free chunk below', arenaIndex, p, 'in a bin')
    }
    if (size > larger) {
      findings.add('bins are sorted, the largest first', arenaIndex, p, bytesOfWords(size))
    }
    larger = size
  }
}

/** The first chunk of each size, and no other, is in the ring, in order. */
function checkRing(
  m: Ptmalloc,
  chunks: readonly Chunk[],
  arenaIndex: number,
  findings: Findings,
): void {
  const firsts = chunks.filter((p, i) => i === 0 || m.size(p) !== m.size(chunks[i - 1]!))
  for (const [i, p] of firsts.entries()) {
    const next = firsts[(i + 1) % firsts.length]!
    if (m.fdNextsize(p) !== next || m.bkNextsize(next) !== p) {
      const invariant = 'fd_nextsize leads through the first chunk of each size and back'
      findings.add(invariant, arenaIndex, p, m.fdNextsize(p))
    }
  }
  const inRing = new Set<number>(firsts)
  for (const p of chunks) {
    if (!inRing.has(p) && m.fdNextsize(p) !== CHUNK_NONE) {
      findings.add('only the first chunk of a size is in the ring', arenaIndex, p, 'second')
    }
  }
}

function checkTop(m: Ptmalloc, av: Arena, arenaIndex: number, findings: Findings): void {
  const top = m.top(av)
  const size = m.size(top)
  if (top === initialTop(av)) {
    if (m.systemMem(av) !== 0) {
      findings.add('an arena with memory has a top', arenaIndex, av, m.systemMem(av))
    }
    return
  }
  if (size < MIN_CHUNK_WORDS || !m.prevInuse(top) || (top + size) % m.pageWords !== 0) {
    const found = `size ${bytesOfWords(size)}`
    findings.add('the top has MINSIZE, PREV_INUSE and ends a page', arenaIndex, top, found)
  }
  if (size > m.systemMem(av)) {
    findings.add('top ≤ system_mem', arenaIndex, top, bytesOfWords(size))
  }
  const remainder = m.words[av + ArenaWord.LAST_REMAINDER]!
  if (remainder < 0 || (remainder & ALIGN_MASK) !== 0 || remainder >= m.wordsEnd) {
    findings.add('the last remainder is a chunk address', arenaIndex, av, remainder)
  }
}
