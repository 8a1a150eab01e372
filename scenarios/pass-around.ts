/**
 * A few threads, a few ops each, and every block freed by whoever happens to hold it: small enough
 * to be carried out thousands of times by the explore machine, with everything in it that races:
 * remote frees, arenas and caches shared and handed on, threads that come and go, a full channel.
 *
 *   arena-lab run pass-around -a glibc:arena_max=1,tcache_count=1 --machine explore
 */
import { defineScenario } from '../lab/workload/scenario.ts'

const CHANNEL = 0
const ALIGNMENT = 64
/** Blocks that the largest ones are in proportion to, as shares of `blockBytes`. */
const SHARES = [16, 8, 4, 2, 1] as const

export default defineScenario({
  name: 'pass-around',
  summary:
    'Threads put blocks into a few shared cells and free what they find there; in waves, so that ' +
    'threads end while others start. Small on purpose: for --machine explore. Look at whether it ' +
    'finds anything.',
  params: {
    threads: { default: 2, unit: 'count', min: 1, max: 64, meaning: 'Threads of a wave.' },
    waves: { default: 2, unit: 'count', min: 1, max: 100, meaning: 'Waves of threads.' },
    rounds: { default: 6, unit: 'count', min: 1, max: 100_000, meaning: 'Rounds of each thread.' },
    blockBytes: {
      default: 1600,
      unit: 'bytes',
      min: 16,
      max: 16 * 1024 * 1024,
      meaning: 'Size of the largest blocks; others are a half, a quarter, … of it.',
    },
    cells: { default: 3, unit: 'count', min: 1, max: 10_000, meaning: 'Shared cells.' },
  },
  tables: (p) => ({ shared: p.cells }),
  channels: () => [1],
  threads: (p) => 1 + 2 * p.threads,
  privateCells: () => 4,
  stackBytes: 64 * 1024,

  *main(t, p) {
    for (let wave = 0; wave < p.waves; wave++) {
      for (let i = 0; i < p.threads; i++) t.start('passer', { index: wave * p.threads + i })
      // The next wave starts while this one still ends.
      const held = t.malloc(p.blockBytes)
      t.write(held)
      t.free(held)
      t.trim(0)
      if (wave % 2 === 1) t.joinAll()
      yield
    }
    t.joinAll()
    for (let cell = 0; cell < p.cells; cell++) t.free(t.table('shared', cell))
    yield
  },

  *passer(t, p) {
    for (let round = 0; round < p.rounds; round++) {
      const share = SHARES[t.random.below(SHARES.length)]!
      const bytes = Math.ceil(p.blockBytes / share)
      const block = t.random.chance(1, 6) ? t.memalign(ALIGNMENT, bytes) : t.malloc(bytes)
      t.write(block)
      t.swap(block, t.table('shared', t.random.below(p.cells)))
      // Now it holds what another thread has left there, or nothing.
      if (t.random.chance(1, 4)) t.realloc(block, p.blockBytes)
      t.free(block)
      yield
    }
    // One block goes through the channel: half of the threads send, the others receive.
    if (t.index % 2 === 0) {
      const sent = t.calloc(1, 100)
      t.write(sent)
      t.send(CHANNEL, sent)
    } else {
      t.free(t.receive(CHANNEL))
    }
    yield
  },
})
