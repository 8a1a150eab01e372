/**
 * Hoard's worst case for the others: thread i allocates K blocks, thread (i + 1) mod P frees them
 * and allocates K of its own, and so on round the ring. Never more than K blocks are live. An ideal
 * allocator needs room for K; one whose blocks return to their owner's heap needs P × K; one with
 * purely private heaps grows without bound (E. Berger et al., "Hoard", 2000, section 2.2).
 */
import { defineScenario } from '../lab/workload/scenario.ts'

const AT_ONCE = 64
/** One thread has done its part of a round. */
const TURN = 0

export default defineScenario({
  name: 'round-robin',
  summary:
    'One thread allocates K blocks, the next frees them, round the ring: K blocks are live, and ' +
    'an allocator with ownership holds P × K. Look at RSS ÷ live after each round.',
  params: {
    threads: { default: 8, unit: 'count', min: 2, max: 1024, meaning: 'Threads in the ring (P).' },
    blocks: {
      default: 20_000,
      unit: 'count',
      min: 1,
      max: 10_000_000,
      meaning: 'Blocks of a turn (K).',
    },
    bytes: { default: 256, unit: 'bytes', min: 1, max: 2 ** 20, meaning: 'Size of every block.' },
    rounds: { default: 3, unit: 'count', min: 1, max: 2 ** 20, meaning: 'Times round the ring.' },
  },
  threads: (p) => p.threads + 1,
  privateCells: () => 1,
  tables: (p) => ({ blocks: p.blocks }),
  barriers: () => 1,

  *main(t, p) {
    for (let i = 0; i < p.threads; i++) t.start('worker', { i })
    yield
    for (let round = 1; round <= p.rounds; round++) {
      for (let turn = 0; turn < p.threads; turn++) t.barrier(TURN, p.threads + 1)
      t.phase(`round ${round}`)
      yield
    }
    t.joinAll()
    yield
  },

  *worker(t, p, { i }: { i: number }) {
    for (let turn = 0; turn < p.rounds * p.threads; turn++) {
      if (turn % p.threads === i) {
        for (let place = 0; turn > 0 && place < p.blocks; place++) {
          t.free(t.table('blocks', place))
          if (place % AT_ONCE === 0) yield
        }
        for (let place = 0; place < p.blocks; place++) {
          const block = t.table('blocks', place)
          t.malloc(p.bytes, block)
          t.write(block)
          if (place % AT_ONCE === 0) yield
        }
      }
      t.barrier(TURN, p.threads + 1)
      yield
    }
  },
})
