/**
 * The plainest of them: each thread allocates its share of the objects, frees them all, and does so
 * again (E. Berger et al., "Hoard", 2000). Nothing is shared and nothing is remote, so it only asks
 * whether the allocator itself stands in its own way.
 */
import { defineScenario } from '../lab/workload/scenario.ts'

const AT_ONCE = 64
const START = 0

const shareOf = (p: { threads: number; objects: number }): number =>
  Math.max(1, Math.floor(p.objects / p.threads))

export default defineScenario({
  name: 'threadtest',
  summary:
    'Each thread allocates its share of the objects and frees them, many times: nothing shared, ' +
    'nothing remote. Look at ops/s as threads and cores grow.',
  params: {
    threads: { default: 8, unit: 'count', min: 1, max: 1024, meaning: 'Threads at work.' },
    objects: {
      default: 100_000,
      unit: 'count',
      min: 1,
      max: 10_000_000,
      meaning: 'Objects of all threads together.',
    },
    bytes: { default: 8, unit: 'bytes', min: 1, max: 2 ** 20, meaning: 'Size of every object.' },
    rounds: { default: 50, unit: 'count', min: 1, max: 2 ** 31, meaning: 'Times over.' },
  },
  threads: (p) => p.threads + 1,
  privateCells: shareOf,
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
    const objects = t.cells(shareOf(p))
    t.barrier(START, p.threads + 1)
    yield
    for (let round = 0; round < p.rounds; round++) {
      for (let object = 0; object < shareOf(p); object++) {
        t.malloc(p.bytes, t.at(objects, object))
        if (object % AT_ONCE === 0) yield
      }
      for (let object = 0; object < shareOf(p); object++) {
        t.free(t.at(objects, object))
        if (object % AT_ONCE === 0) yield
      }
    }
  },
})
