/**
 * Races planted in real designs: each twin is the design built from its sources with one place
 * changed. What goes wrong needs two lab threads in the middle of ops at once, so only a machine
 * that switches there, or luck, can show it.
 */
export interface PlantedRace {
  readonly name: string
  /** Entry of the design, and the file to change, from the root of the repository. */
  readonly design: string
  readonly file: string
  /** The place, which must occur once, and what stands there instead. */
  readonly sound: string
  readonly faulty: string
  /** Of `pass-around`, and of the design: where the race is possible at all. */
  readonly params: Readonly<Record<string, number>>
  readonly tunables: Readonly<Record<string, number>>
}

const GLIBC = 'allocators/ptmalloc/glibc.ts'
/** No thread caches, one arena: every op is on shared bins. */
const SHARED_BINS = { arena_max: 1, tcache_count: 0 }

export const plantedRaces: readonly PlantedRace[] = [
  {
    name: 'a lost CAS retry: the head of a fastbin has changed, and is taken all the same',
    design: GLIBC,
    file: 'allocators/ptmalloc/malloc.ts',
    sound: `  while (!m.process.compareAndSwap(bin, victim, m.fd(victim))) {
    victim = words[bin]! as Chunk`,
    faulty: `  if (!m.process.compareAndSwap(bin, victim, m.fd(victim))) {
    return victim`,
    params: { blockBytes: 64 },
    tunables: SHARED_BINS,
  },
  {
    name: 'an unlocked bin: free merges and links without the lock of the arena',
    design: GLIBC,
    file: 'allocators/ptmalloc/free.ts',
    sound: `  m.lockArena(av)
  freeChunk(m, av, p, size)
  m.unlockArena(av)
}

/** The same`,
    faulty: `  freeChunk(m, av, p, size)
}

/** The same`,
    params: {},
    tunables: SHARED_BINS,
  },
  {
    name: 'a missing re-check after a wait: the free list has changed when its lock is had',
    design: GLIBC,
    file: 'allocators/ptmalloc/arena.ts',
    sound: `  if (m.static(StaticWord.FREE_LIST) === 0) return ARENA_NONE
  lockFreeList(m)
  const av = m.static(StaticWord.FREE_LIST) as Arena`,
    faulty: `  const av = m.static(StaticWord.FREE_LIST) as Arena
  if (av === ARENA_NONE) return ARENA_NONE
  lockFreeList(m)`,
    params: { waves: 4, rounds: 2 },
    tunables: {},
  },
]
