/** Workers that malloc, write, free; all started by main and joined. For tests of machines. */
import { defineScenario } from 'arena-lab'

export default defineScenario({
  name: 'crowd',
  summary: 'A few lab threads that allocate and free.',
  params: {
    threads: { default: 4, unit: 'count', min: 1, max: 64, meaning: 'Lab threads.' },
    rounds: {
      default: 500,
      unit: 'count',
      min: 1,
      max: 1e6,
      meaning: 'Blocks each of them makes.',
    },
  },
  threads: (p) => p.threads + 1,
  privateCells: () => 16,
  *main(t, p) {
    t.phase('before')
    for (let i = 0; i < p.threads; i++) t.start('member')
    t.joinAll()
    t.phase('after')
    yield
  },
  *member(t, p) {
    for (let round = 0; round < p.rounds; round++) {
      const kept = t.malloc(t.random.range(8, 2000))
      const other = t.malloc(100)
      t.write(kept)
      t.write(other)
      t.free(other)
      t.free(kept)
      yield
    }
  },
})
