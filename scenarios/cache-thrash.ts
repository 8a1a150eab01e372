/**
 * Active false sharing: threads allocate small objects for themselves, write them many times and
 * free them. An allocator that gives parts of one cache line to different threads makes them fetch
 * that line from each other at every write (E. Berger et al., "Hoard", 2000). `cache-scratch` adds
 * objects that were handed over.
 */
import { defineScenario } from '../lab/workload/scenario.ts'
import { writeObjects } from './write-objects.ts'

const START = 0

export default defineScenario({
  name: 'cache-thrash',
  summary:
    'Threads allocate, write and free small objects: does the allocator put objects of different ' +
    'threads into one cache line (active false sharing)? Look at ops/s, and with ' +
    '--machine virtual --lines at the lines that go to and fro.',
  params: {
    threads: { default: 8, unit: 'count', min: 1, max: 1024, meaning: 'Threads at work.' },
    bytes: { default: 1, unit: 'bytes', min: 1, max: 4096, meaning: 'Size of every object.' },
    writes: { default: 1000, unit: 'count', min: 1, max: 65_536, meaning: 'Writes of an object.' },
    rounds: {
      default: 1000,
      simulated: 20,
      unit: 'count',
      min: 1,
      max: 2 ** 31,
      meaning: 'Objects each thread allocates, one after the other.',
    },
  },
  threads: (p) => p.threads + 1,
  privateCells: (p) => Math.max(1, p.threads),
  barriers: () => 1,

  *main(t, p) {
    for (let index = 0; index < p.threads; index++) t.start('worker', { index })
    yield
    t.barrier(START, p.threads + 1)
    t.phase('running')
    t.joinAll()
    yield
  },

  *worker(t, p) {
    t.barrier(START, p.threads + 1)
    yield
    yield* writeObjects(t, p)
  },
})
