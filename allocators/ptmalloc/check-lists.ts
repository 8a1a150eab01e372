/** Invariants of the lists of arenas, of who uses them, and of what they got from the system. */
import { bytesOfWords } from '../../lab/words/units.ts'
import { type Arena, ArenaWord, initialTop } from './arena-layout.ts'
import { IS_MMAPPED } from './chunk-layout.ts'
import type { Findings } from './findings.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { mappedChunks } from './registry.ts'
import { heapsOf } from './segments.ts'
import { MAPPED_MAX, StaticWord, TlsWord } from './static-layout.ts'
import { attachedThreads } from './threads.ts'

export function checkLists(m: Ptmalloc, arenas: readonly Arena[], findings: Findings): void {
  const narenas = m.static(StaticWord.NARENAS)
  if (arenas.length !== narenas || m.nextArena(arenas[1] ?? m.main) !== m.main) {
    const found = `${arenas.length} of ${narenas}`
    findings.add('the ring leads through narenas arenas and back', -1, m.main, found)
  }
  checkSystemMem(m, arenas, findings)
  if (m.rules.name === 'glibc') {
    checkAttached(m, arenas, findings)
    checkFreeList(m, arenas, findings)
  }
  checkMapped(m, findings)
}

function checkSystemMem(m: Ptmalloc, arenas: readonly Arena[], findings: Findings): void {
  for (const [index, av] of arenas.entries()) {
    const system = m.systemMem(av)
    if (av === m.main) {
      const top = m.top(av)
      if (!m.contiguous(av) || top === initialTop(av)) continue
      const extent = top + m.size(top) - m.static(StaticWord.SBRK_BASE)
      if (system !== extent) {
        const invariant = 'a contiguous main arena: sbrk_base + system_mem = end of top'
        findings.add(invariant, index, av, `${bytesOfWords(system)}, ${bytesOfWords(extent)}`)
      }
      continue
    }
    const heaps = heapsOf(m, av)
    const sum = heaps.reduce((words, heap) => words + m.heapSize(heap), 0)
    if (system !== sum) {
      const found = `${bytesOfWords(system)}, ${bytesOfWords(sum)}`
      findings.add('system_mem = sum of the sizes of the heaps', index, av, found)
    }
    if (heaps[0] !== m.heapForPtr(av)) {
      findings.add('the chain of heaps ends at the one with the arena', index, av, heaps.length)
    }
  }
}

function checkAttached(m: Ptmalloc, arenas: readonly Arena[], findings: Findings): void {
  const users = new Map<number, number>()
  for (const { tls } of attachedThreads(m)) {
    const av = m.words[tls + TlsWord.THREAD_ARENA]!
    users.set(av, (users.get(av) ?? 0) + 1)
  }
  // The main arena starts with one thread, which may not have been attached to the design yet.
  const unseen = 1 - m.static(StaticWord.MAIN_THREAD_SEEN)
  for (const [index, av] of arenas.entries()) {
    const attached = m.words[av + ArenaWord.ATTACHED_THREADS]!
    const expected = (users.get(av) ?? 0) + (av === m.main ? unseen : 0)
    if (attached !== expected) {
      const found = `${attached}, ${expected} threads`
      findings.add('attached_threads = threads whose arena it is', index, av, found)
    }
  }
}

function checkFreeList(m: Ptmalloc, arenas: readonly Arena[], findings: Findings): void {
  const known = new Set<number>(arenas)
  const seen = new Set<number>()
  let av = m.static(StaticWord.FREE_LIST) as Arena
  for (; av !== 0; av = m.words[av + ArenaWord.NEXT_FREE]! as Arena) {
    if (!known.has(av) || seen.has(av)) {
      findings.add('the free list holds arenas of the ring, once', -1, av, seen.size)
      return
    }
    seen.add(av)
    const attached = m.words[av + ArenaWord.ATTACHED_THREADS]!
    if (attached !== 0) findings.add('arenas of the free list have no threads', -1, av, attached)
  }
}

function checkMapped(m: Ptmalloc, findings: Findings): void {
  const count = m.static(StaticWord.N_MMAPS)
  if (count > MAPPED_MAX) return
  const chunks = mappedChunks(m)
  let sum = 0
  for (const p of chunks) {
    const total = m.prevSize(p) + m.size(p)
    sum += total
    if ((m.head(p) & IS_MMAPPED) === 0 || total % m.pageWords !== 0) {
      findings.add('mapped chunks are whole pages and marked', -1, p, bytesOfWords(total))
    }
  }
  if (chunks.length !== count || sum !== m.static(StaticWord.MMAPPED_MEM)) {
    const found = `${chunks.length} of ${count}, ${bytesOfWords(sum)} bytes`
    findings.add('n_mmaps and mmapped_mem sum the mapped chunks', -1, m.statics, found)
  }
}
