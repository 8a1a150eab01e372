/**
 * Passive false sharing: main allocates one small object for each thread, so that they lie side by
 * side in a cache line, and hands them over. Each thread frees its own and allocates again: an
 * allocator that gives the freed object back to the thread leaves all threads writing one line for
 * ever (E. Berger et al., "Hoard", 2000). `cache-thrash` is the same without the hand-over.
 */
import { defineScenario } from '../lab/workload/scenario.ts'
import { writeObjects } from './write-objects.ts'

const START = 0

export default defineScenario({
  name: 'cache-scratch',
  summary:
    'Objects of one cache line are handed to threads, freed there and allocated again: the line ' +
    'stays shared (passive false sharing). Look at ops/s, and with --machine virtual --lines at ' +
    'the lines that go to and fro.',
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
    const objects = t.cells(p.threads)
    for (let i = 0; i < p.threads; i++) t.malloc(p.bytes, t.at(objects, i))
    for (let i = 0; i < p.threads; i++) {
      t.start('worker', { index: i }, { first: t.at(objects, i), count: 1 })
    }
    yield
    t.barrier(START, p.threads + 1)
    t.phase('running')
    t.joinAll()
    yield
  },

  *worker(t, p) {
    t.barrier(START, p.threads + 1)
    t.free(t.handed(0))
    yield
    yield* writeObjects(t, p)
  },
})
