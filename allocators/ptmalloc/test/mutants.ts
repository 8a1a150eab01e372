/**
 * Planted bugs: each changes one rule of the model in the source's own words. `file` is of this
 * folder; `from` must occur there, and its first occurrence becomes `to`.
 */
export interface Mutant {
  readonly rule: string
  readonly file: string
  readonly from: string
  readonly to: string
}

export const mutants: readonly Mutant[] = [
  {
    rule: 'tcache is LIFO',
    file: 'tcache.ts',
    from: 'words[p + CachedWord.NEXT] = words[slot]!\n  words[slot] = p + HEADER_WORDS',
    to: `words[p + CachedWord.NEXT] = 0
  let last = slot
  while (words[last] !== 0) last = words[last]! + EntryWord.NEXT
  words[last] = p + HEADER_WORDS`,
  },
  {
    rule: 'tcache holds tcache_count chunks, not one more',
    file: 'free.ts',
    from: 'if (!tcacheHasRoom(m, slot)) return false',
    to: 'if (m.words[slot + 1]! > m.tcacheCount) return false',
  },
  {
    rule: 'tcache starts at MINSIZE',
    file: 'size-class.ts',
    from: '(size - MIN_CHUNK_WORDS + ALIGN_MASK) >>>',
    to: '(size - MIN_CHUNK_WORDS - ALIGN_MASK) >>>',
  },
  {
    rule: 'fastbins are stashed until the cache is full',
    file: 'malloc.ts',
    from: 'while (tcacheHasRoom(m, slot)) {\n    const next = popFastbin',
    to: `while (tcacheHasRoom(m, slot) && m.words[slot + 1]! < m.tcacheCount - 1) {
    const next = popFastbin`,
  },
  {
    rule: 'small bins are stashed until the cache is full',
    file: 'malloc.ts',
    from: 'while (tcacheHasRoom(m, slot)) {\n    const next = m.bk(bin)',
    to: `while (tcacheHasRoom(m, slot) && m.words[slot + 1]! < m.tcacheCount - 1) {
    const next = m.bk(bin)`,
  },
  {
    rule: 'global_max_fast is included',
    file: 'free.ts',
    from: 'if (size <= m.maxFast) {',
    to: 'if (size < m.maxFast) {',
  },
  {
    rule: 'small bins are FIFO',
    file: 'unsorted.ts',
    from: 'linkAfter(m, binAt(av, index), victim)\n    return',
    to: 'linkAfter(m, m.bk(binAt(av, index)), victim)\n    return',
  },
  {
    rule: 'the unsorted list is walked from its oldest chunk',
    file: 'bins.ts',
    from: 'words[p + ChunkWord.FD] = first\n',
    to: `if (p > 0) {
    linkAfter(m, m.bk(unsorted), p)
    if (size >= m.nextsizeFrom) clearNextsize(m, p)
    return
  }
`,
  },
  {
    rule: 'an exact fit goes to the cache first',
    file: 'unsorted.ts',
    from: 'if (!tcacheHasRoom(m, slot)) return victim',
    to: 'if (tcacheHasRoom(m, slot)) return victim',
  },
  {
    rule: 'the last remainder is used for small requests alone',
    file: 'unsorted.ts',
    from: 'nb < GLIBC_MIN_LARGE &&\n      before === unsorted',
    to: 'before === unsorted',
  },
  {
    rule: 'the last remainder is used when it is the only unsorted chunk',
    file: 'unsorted.ts',
    from: 'before === unsorted &&',
    to: '',
  },
  {
    rule: 'the last remainder must leave more than MINSIZE',
    file: 'unsorted.ts',
    from: 'size > nb + MIN_CHUNK_WORDS',
    to: 'size >= nb',
  },
  {
    rule: 'a split for a small request is remembered as last remainder',
    file: 'malloc.ts',
    from: 'm.words[av + ArenaWord.LAST_REMAINDER] = remainder',
    to: '',
  },
  {
    rule: 'large bins are sorted, the largest first',
    file: 'unsorted.ts',
    from: 'if (size < m.size(last)) {',
    to: 'if (size <= m.size(last)) {',
  },
  {
    rule: 'a chunk of a size already there becomes the second',
    file: 'unsorted.ts',
    from: 'if (size === m.size(larger)) return larger',
    to: 'if (size === m.size(larger)) return m.bk(bin)',
  },
  {
    rule: 'best fit takes the second chunk of a size',
    file: 'malloc.ts',
    from: 'victim = m.fd(victim)\n  takeFromBin',
    to: 'victim = m.fd(m.bk(victim)) === victim ? victim : m.fd(victim)\n  takeFromBin',
  },
  {
    rule: 'a large request consolidates fastbins first',
    file: 'malloc.ts',
    from: '} else if (m.haveFastchunks(av)) {\n    mallocConsolidate(m, av)\n  }',
    to: '}',
  },
  {
    rule: 'a bit of binmap is cleared only when its bin is met empty',
    file: 'bins.ts',
    from: 'if (size >= m.nextsizeFrom && m.fdNextsize(p)',
    to: 'if (fd === bk) words[m.main + 536] = 0\n  if (size >= m.nextsizeFrom && m.fdNextsize(p)',
  },
  {
    rule: 'the scan starts at the next bin',
    file: 'bins.ts',
    from: 'const first = binIndex + 1',
    to: 'const first = binIndex + 2',
  },
  {
    rule: 'a remainder of MINSIZE is split off',
    file: 'bins.ts',
    from: 'if (remainderSize < MIN_CHUNK_WORDS) {',
    to: 'if (remainderSize <= MIN_CHUNK_WORDS) {',
  },
  {
    rule: 'the top keeps MINSIZE',
    file: 'top.ts',
    from: 'if (size < nb + MIN_CHUNK_WORDS) return',
    to: 'if (size <= nb + MIN_CHUNK_WORDS) return',
  },
  {
    rule: 'fastbins are consolidated from the smallest',
    file: 'consolidate.ts',
    from: 'for (let index = 0; index < FASTBINS; index++) {',
    to: 'for (let index = FASTBINS - 1; index >= 0; index--) {',
  },
  {
    rule: 'consolidation after a free starts at 64 KiB',
    file: 'free-chunk.ts',
    from: 'const CONSOLIDATION_THRESHOLD = 16384',
    to: 'const CONSOLIDATION_THRESHOLD = 32768',
  },
  {
    rule: 'the top is trimmed at trim_threshold',
    file: 'free-chunk.ts',
    from: '>= m.static(StaticWord.TRIM_THRESHOLD)',
    to: '> 2 * m.static(StaticWord.TRIM_THRESHOLD)',
  },
  {
    rule: 'a trim leaves top_pad',
    file: 'trim.ts',
    from: 'Math.floor((area - padBytes) / pageBytes)',
    to: 'Math.floor(area / pageBytes)',
  },
  {
    rule: 'growth asks for top_pad beyond need',
    file: 'sysmalloc-main.ts',
    from: '+ m.topPadWords +',
    to: '+',
  },
  {
    rule: 'freeing a mapped chunk raises the mmap threshold',
    file: 'mapped.ts',
    from: 'm.setStatic(StaticWord.MMAP_THRESHOLD, size)',
    to: '',
  },
  {
    rule: 'the trim threshold becomes twice the mmap threshold',
    file: 'mapped.ts',
    from: 'm.setStatic(StaticWord.TRIM_THRESHOLD, 2 * size)',
    to: 'm.setStatic(StaticWord.TRIM_THRESHOLD, size)',
  },
  {
    rule: 'a mapped chunk needs one field more',
    file: 'glibc.ts',
    from: 'mappedExtraWords: FIELD_WORDS',
    to: 'mappedExtraWords: 6',
  },
  {
    rule: 'realloc grows into the top',
    file: 'realloc.ts',
    from: 'if (joined >= nb + MIN_CHUNK_WORDS) return growIntoTop',
    to: 'if (joined < nb) return growIntoTop',
  },
  {
    rule: 'realloc grows into a free chunk above',
    file: 'realloc.ts',
    from: '} else if (joined >= nb && ',
    to: '} else if (joined > nb + 64 && ',
  },
  {
    rule: 'realloc gives back what is over',
    file: 'realloc.ts',
    from: 'if (remainderSize < MIN_CHUNK_WORDS) {',
    to: 'if (remainderSize < 2 * MIN_CHUNK_WORDS) {',
  },
  {
    rule: 'memalign leaves room for a chunk before the block',
    file: 'memalign.ts',
    from: 'if (q - p < MIN_CHUNK_WORDS)',
    to: 'if (q - p <= MIN_CHUNK_WORDS)',
  },
  {
    rule: 'memalign gives back more than MINSIZE at the end',
    file: 'memalign.ts',
    from: 'if (size <= nb + MIN_CHUNK_WORDS) return',
    to: 'if (size < nb + MIN_CHUNK_WORDS) return',
  },
  {
    rule: 'calloc does not clear fresh memory',
    file: 'calloc.ts',
    from: 'size > dirtyWords) size = dirtyWords',
    to: 'size > dirtyWords) size = size + 0',
  },
  {
    rule: 'an ended thread frees its cache',
    file: 'glibc-heap.ts',
    from: 'tcacheThreadShutdown(m, this)',
    to: '',
  },
  {
    rule: 'the arena of the last ended thread is reused first',
    file: 'arena.ts',
    from: 'm.words[av + ArenaWord.NEXT_FREE] = m.static(StaticWord.FREE_LIST)',
    to: 'm.words[av + ArenaWord.NEXT_FREE] = 0',
  },
  {
    rule: 'round robin goes on from the arena used last',
    file: 'arena.ts',
    from: 'm.setStatic(StaticWord.NEXT_TO_USE, m.nextArena(av))',
    to: '',
  },
  {
    rule: 'the limit of arenas counts the main one',
    file: 'arena.ts',
    from: 'if (limit !== 0 && n >= limit)',
    to: 'if (limit !== 0 && n > limit)',
  },
  {
    rule: 'a new arena enters the ring after the main one',
    file: 'arena.ts',
    from: 'm.words[av + ArenaWord.NEXT] = m.nextArena(m.main)',
    to: `let tail = m.main
  while (m.nextArena(tail) !== m.main) tail = m.nextArena(tail)
  m.words[av + ArenaWord.NEXT] = m.main
  m.words[tail + ArenaWord.NEXT] = av
  process.unlock(listLock, listLockId)
  if (tail !== av) return
  process.lock(listLock, listLockId)`,
  },
  {
    rule: 'a heap that holds only the top is unmapped',
    file: 'heap.ts',
    from: 'while (top === chunkAt(heap, heapInfoWords)) {',
    to: 'while (top === chunkAt(heap, 0)) {',
  },
  {
    rule: 'a heap shrinks only from trim_threshold on',
    file: 'heap.ts',
    from: 'if (m.rules.heapTrimHasThreshold &&',
    to: 'if (!m.rules.heapTrimHasThreshold &&',
  },
  {
    rule: 'the rest of a full heap is freed when the next is chained',
    file: 'sysmalloc.ts',
    from: 'm.rules.intFreeLocked(m, av, oldTop)',
    to: '',
  },
  {
    rule: 'malloc_trim gives back pages inside free chunks',
    file: 'trim.ts',
    from: 'if (spare < pageWords) continue',
    to: 'if (spare < 2 * pageWords) continue',
  },
  {
    rule: 'a cut of the top touches the header of the new top alone',
    file: 'top.ts',
    from: 'm.touchHeader(remainder)',
    to: 'm.touchHeader(chunkAt(remainder, 16))\n  m.touchHeader(remainder)',
  },
]
