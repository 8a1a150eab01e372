/** CASES C2's measurement: threads replace random blocks of their own, all the time. */
import { defineScenario } from 'arena-lab'

export default defineScenario({
  name: 'replace',
  summary: 'Each thread replaces random blocks of its own slots.',
  params: {
    threads: { default: 2, unit: 'count', min: 1, max: 256, meaning: 'Threads at work.' },
    slots: { default: 1000, unit: 'count', min: 1, max: 100_000, meaning: 'Blocks of each.' },
  },
  threads: (p) => p.threads + 1,
  privateCells: (p) => p.slots,
  seconds: () => 2,

  *main(t, p) {
    for (let i = 0; i < p.threads; i++) t.start('worker', { i })
    t.joinAll()
    yield
  },

  *worker(t, p) {
    const slots = t.cells(p.slots)
    for (;;) {
      const slot = t.at(slots, t.random.below(p.slots))
      t.free(slot)
      t.malloc(t.random.range(16, 1024), slot)
      t.write(slot)
      yield
    }
  },
})
