/**
 * Every block is freed by another thread than the one that allocated it: producers fill batches,
 * consumers free them (after C. Lever and D. Boreham's malloc-test and its xmalloc-test).
 * A thread's cache is of no use here: what it hands out never comes back to it. An allocator whose
 * central lists are one lock per size class falls far behind with many cores.
 *
 * Producer i fills batches for consumer i, a ring of them; the first block of a batch goes through
 * their channel and says that the batch is full.
 */
import { defineScenario } from '../lab/workload/scenario.ts'

/** Batches on their way, over all pairs. */
const QUEUED = 100
/** One is being filled and one is being freed, beside those queued. */
const IN_HAND = 2
const AT_ONCE = 64
/** All threads are there. */
const START = 0

const queuedOf = (p: { threads: number }): number => Math.max(1, Math.floor(QUEUED / p.threads))
/** Batches of one pair. */
const ringOf = (p: { threads: number }): number => queuedOf(p) + IN_HAND

export default defineScenario({
  name: 'xmalloc',
  summary:
    'Producers allocate, consumers free: every free is remote. Look at ops/s and at the locks ' +
    'that are waited for; thread caches do not help.',
  params: {
    threads: {
      default: 4,
      unit: 'count',
      min: 1,
      max: 512,
      meaning: 'Producers, and as many consumers.',
    },
    bytes: { default: 64, unit: 'bytes', min: 1, max: 2 ** 20, meaning: 'Size of every block.' },
    batch: { default: 4096, unit: 'count', min: 1, max: 65_536, meaning: 'Blocks of a batch.' },
    work: {
      default: 0,
      simulated: 10,
      unit: 'count',
      min: 0,
      max: 2 ** 31,
      meaning: 'Batches each producer fills; 0: as many as fit into 5 seconds.',
    },
  },
  threads: (p) => 2 * p.threads + 1,
  privateCells: () => 1,
  tables: (p) => ({ batches: p.threads * ringOf(p) * p.batch }),
  channels: (p) => Array.from({ length: p.threads }, () => queuedOf(p)),
  barriers: () => 1,
  seconds: (p) => (p.work === 0 ? 5 : undefined),

  *main(t, p) {
    for (let pair = 0; pair < p.threads; pair++) {
      t.start('producer', { index: pair, pair })
      t.start('consumer', { index: pair, pair })
    }
    yield
    t.barrier(START, 2 * p.threads + 1)
    t.phase('running')
    t.joinAll()
    yield
  },

  *producer(t, p, { pair }: { pair: number }) {
    t.barrier(START, 2 * p.threads + 1)
    yield
    for (let batch = 0; p.work === 0 || batch < p.work; batch++) {
      const first = (pair * ringOf(p) + (batch % ringOf(p))) * p.batch
      for (let place = 1; place < p.batch; place++) {
        t.malloc(p.bytes, t.table('batches', first + place))
        if (place % AT_ONCE === 0) yield
      }
      t.send(pair, t.malloc(p.bytes))
      yield
    }
  },

  *consumer(t, p, { pair }: { pair: number }) {
    t.barrier(START, 2 * p.threads + 1)
    yield
    for (let batch = 0; p.work === 0 || batch < p.work; batch++) {
      const first = (pair * ringOf(p) + (batch % ringOf(p))) * p.batch
      t.free(t.receive(pair))
      for (let place = 1; place < p.batch; place++) {
        t.free(t.table('batches', first + place))
        if (place % AT_ONCE === 0) yield
      }
    }
  },
})
