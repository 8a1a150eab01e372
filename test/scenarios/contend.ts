/**
 * `contend` and `cached` of `arena-lab bench`, shaped alike, for `arena-lab run --machine virtual`:
 * threads replace random blocks of 16 to 1024 bytes, or use four blocks of a size at a time. What
 * test/support/contend.c does natively.
 */
import { type CellRef, defineScenario, type Recorder } from 'arena-lab'

const BURST = 4

interface Load {
  readonly slots: number
  readonly cached: boolean
  readonly work: number
}

/** Each slot gets its first block. */
function* fill(t: Recorder, p: Load, slots: CellRef): Generator<void, void, void> {
  for (let i = 0; !p.cached && i < p.slots; i++) {
    t.malloc(t.random.range(16, 1024), t.at(slots, i))
    t.writePages(t.at(slots, i), 1)
    yield
  }
}

function* work(t: Recorder, p: Load, slots: CellRef): Generator<void, void, void> {
  for (let pair = 0; pair < p.work; ) {
    if (p.cached) {
      const bytes = t.random.range(16, 1024)
      for (let i = 0; i < BURST; i++, pair++) {
        t.malloc(bytes, t.at(slots, i))
        t.writePages(t.at(slots, i), 1)
      }
      for (let i = BURST - 1; i >= 0; i--) t.free(t.at(slots, i))
    } else {
      const slot = t.at(slots, t.random.below(p.slots))
      t.free(slot)
      t.malloc(t.random.range(16, 1024), slot)
      t.writePages(slot, 1)
      pair++
    }
    yield
  }
}

export default defineScenario({
  name: 'contend',
  summary: 'Threads allocate and free at full speed; with `cached`, only from their caches.',
  params: {
    threads: { default: 1, unit: 'count', min: 1, max: 256, meaning: 'Threads at work.' },
    slots: { default: 10_000, unit: 'count', min: 4, max: 100_000, meaning: 'Blocks of each.' },
    cached: { default: false, unit: 'flag', meaning: 'Four blocks of one size at a time.' },
    work: { default: 100_000, unit: 'count', min: 1, max: 2 ** 30, meaning: 'Pairs of each.' },
  },
  threads: (p) => p.threads + 1,
  privateCells: (p) => p.slots,
  barriers: () => 1,

  *main(t, p) {
    for (let i = 0; i < p.threads; i++) t.start('worker', { i })
    t.barrier(0, p.threads + 1)
    t.phase('running')
    t.joinAll()
    yield
  },

  *worker(t, p) {
    const slots = t.cells(p.slots)
    yield* fill(t, p, slots)
    t.barrier(0, p.threads + 1)
    yield* work(t, p, slots)
  },
})
