/** Every op that concerns other lab threads, until the deadline. For tests of machines. */
import { defineScenario } from 'arena-lab'

export default defineScenario({
  name: 'traffic',
  summary: 'Channels, barriers, swaps, sleeps, pace; loop roles with a deadline.',
  params: {
    pairs: { default: 2, unit: 'count', min: 1, max: 16, meaning: 'Producers, and consumers.' },
  },
  loop: ['producer', 'consumer', 'swapper'],
  threads: (p) => 2 * p.pairs + 4,
  privateCells: () => 64,
  channels: () => [8],
  barriers: () => 1,
  tables: () => ({ shared: 32 }),
  seconds: () => 1,
  *main(t, p) {
    for (let i = 0; i < p.pairs; i++) t.start('producer')
    for (let i = 0; i < p.pairs; i++) t.start('consumer')
    t.start('swapper')
    t.start('swapper')
    t.start('slow')
    t.joinAll()
    yield
  },
  *producer(t) {
    for (let i = 0; i < 100; i++) {
      const block = t.malloc(t.random.range(1, 500))
      t.write(block)
      t.send(0, block)
      yield
    }
  },
  *consumer(t) {
    for (let i = 0; i < 100; i++) {
      t.free(t.receive(0))
      yield
    }
  },
  *swapper(t) {
    const own = t.cells(1)
    for (let i = 0; i < 200; i++) {
      t.malloc(t.random.range(16, 300), own)
      t.write(own)
      t.swap(own, t.table('shared', t.random.below(32)))
      t.swap(t.table('shared', t.random.below(32)), t.table('shared', t.random.below(32)))
      t.free(own)
      yield
    }
  },
  *slow(t) {
    t.pace(1000)
    for (;;) {
      t.sleep(1_000_000)
      t.work(10_000)
      const block = t.calloc(3, 50)
      t.realloc(block, 5000)
      t.write(block)
      t.realloc(block, 100)
      t.free(block)
      const aligned = t.memalign(256, 100)
      t.write(aligned)
      t.free(aligned)
      t.trim(0)
      yield
    }
  },
})
