/**
 * A server, as Larson and Krishnan wrote it down in 1998: each thread owns a set of slots, replaces
 * the block of a random one, again and again, and after a while hands its slots to a new thread and
 * ends. Blocks outlive the threads that made them, so what a new thread frees is often another's.
 *
 * Nobody waits for anybody: an allocator that lets threads work side by side gets faster with every
 * core. Published for 64, 128 and 192 cores, glibc stops growing between the last two.
 */
import { type CellRef, defineScenario, type Recorder } from '../lab/workload/scenario.ts'

/** Replacements between two yields. */
const AT_ONCE = 16
/** Everybody has its slots: they start together. */
const START = 0

interface Slots {
  readonly slots: number
  readonly minBytes: number
  readonly maxBytes: number
}

function fill(t: Recorder, p: Slots, slot: CellRef): void {
  t.malloc(t.random.range(p.minBytes, p.maxBytes), slot)
  t.write(slot)
}

/** Replaces the blocks of random slots, which were handed to this thread. */
function* replace(t: Recorder, p: Slots, times: number): Generator<void, void, void> {
  for (let round = 0; round < times; round++) {
    const slot = t.handed(t.random.below(p.slots))
    t.free(slot)
    fill(t, p, slot)
    if (round % AT_ONCE === 0) yield
  }
}

export default defineScenario({
  name: 'larson',
  summary:
    'Threads replace random blocks of their slots, hand the slots on and end: a server without ' +
    'locks of its own. Look at ops/s and lock wait as threads and cores grow.',
  params: {
    threads: { default: 8, unit: 'count', min: 1, max: 1024, meaning: 'Threads at work at once.' },
    slots: {
      default: 5000,
      simulated: 1000,
      unit: 'count',
      min: 1,
      max: 1_000_000,
      meaning: 'Blocks each thread holds.',
    },
    minBytes: { default: 8, unit: 'bytes', min: 0, max: 2 ** 30, meaning: 'Smallest block.' },
    maxBytes: { default: 1000, unit: 'bytes', min: 1, max: 2 ** 30, meaning: 'Largest block.' },
    rounds: {
      default: 500_000,
      unit: 'count',
      min: 1,
      max: 2 ** 31,
      meaning: 'Replacements after which a thread hands its slots on.',
    },
    mainFills: {
      default: true,
      simulated: false,
      unit: 'flag',
      meaning: 'Main allocates the first blocks; else each thread its own.',
    },
    warmUp: {
      default: 0,
      simulated: 2000,
      unit: 'count',
      min: 0,
      max: 2 ** 31,
      meaning: 'Replacements by each thread before the mark "running".',
    },
    work: {
      default: 0,
      simulated: 50_000,
      unit: 'count',
      min: 0,
      max: 2 ** 31,
      meaning: 'Replacements in all, by each set of slots; 0: as many as fit into 5 seconds.',
    },
  },
  // A thread starts its successor before it ends, and all may do so at once. Main joins in order:
  // with fewer seats the one it waits for could be waiting for a seat that main has yet to clear.
  threads: (p) => 2 * p.threads + 1,
  privateCells: (p) => p.slots,
  barriers: () => 1,
  seconds: (p) => (p.work === 0 ? 5 : undefined),

  /** Fills the slots of one thread after the other: their first blocks are all main's. */
  *main(t, p) {
    const slots = t.cells(p.slots)
    for (let thread = 0; thread < p.threads; thread++) {
      for (let slot = 0; p.mainFills && slot < p.slots; slot++) {
        fill(t, p, t.at(slots, slot))
        if (slot % AT_ONCE === 0) yield
      }
      const args = { index: thread, generation: 0, left: p.work }
      t.start('server', args, { first: slots, count: p.slots })
      yield
    }
    t.barrier(START, p.threads + 1)
    if (p.warmUp > 0) t.barrier(START, p.threads + 1)
    t.phase('running')
    t.joinAll()
    yield
  },

  *server(t, p, { index, generation, left }: { index: number; generation: number; left: number }) {
    if (generation === 0) {
      for (let slot = 0; !p.mainFills && slot < p.slots; slot++) {
        fill(t, p, t.handed(slot))
        if (slot % AT_ONCE === 0) yield
      }
      t.barrier(START, p.threads + 1)
      yield* replace(t, p, p.warmUp)
      if (p.warmUp > 0) t.barrier(START, p.threads + 1)
    }
    const rounds = p.work === 0 ? p.rounds : Math.min(p.rounds, left)
    yield* replace(t, p, rounds)
    if (p.work === 0 || left > rounds) {
      const args = { index, generation: generation + 1, left: left - rounds }
      t.start('server', p.work === 0 ? { ...args, left: 0 } : args, {
        first: t.handed(0),
        count: p.slots,
      })
    }
    yield
  },
})
