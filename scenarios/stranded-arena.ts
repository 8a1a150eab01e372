/**
 * What one thread has freed is no use to another thread's arena.
 *
 * Thread 1 allocates 300 MB in small blocks and frees them. If it frees all and ends, thread 2
 * inherits its arena, trimmed. If it keeps its last block and lives on, that one block lies under
 * the top of the arena's last heap, nothing can be trimmed, and thread 2 in its own arena asks the
 * kernel for another 300 MB.
 *
 * Each thread also holds an array of pointers to its blocks. It is large enough for a mapping of
 * its own, and its free raises the dynamic mmap and trim thresholds, as it does in such programs.
 */
import { defineScenario } from '../lab/workload/scenario.ts'

const POINTER_BYTES = 8
/** The lab thread is done and waits: main takes its figures meanwhile. */
const DONE = 0
/** Everybody may end. */
const END = 1

export default defineScenario({
  name: 'stranded-arena',
  summary:
    'Two threads, one after the other, allocate and free 300 MB of small blocks. With keepLast ' +
    'the first keeps one block and lives on: its arena cannot shrink and nobody else can use it, ' +
    'so RSS doubles. Look at RSS after 1 and after 2, and at the bytes free under a pinned top.',
  params: {
    keepLast: {
      default: true,
      unit: 'flag',
      meaning: 'Thread 1 keeps its last block and lives on; else it frees all and ends.',
    },
    blocks: {
      default: 300 * 1024,
      unit: 'count',
      min: 1,
      max: 4_000_000,
      meaning: 'Blocks each thread allocates.',
    },
    blockBytes: {
      default: 1000,
      unit: 'bytes',
      min: 0,
      max: 1024 * 1024,
      meaning: 'Size of a block.',
    },
  },
  threads: (p) => (p.keepLast ? 3 : 2),
  privateCells: (p) => p.blocks + 1,
  barriers: () => 2,

  *main(t, p) {
    t.start('worker', { keepsLast: Number(p.keepLast), staysAlive: Number(p.keepLast) })
    if (p.keepLast) t.barrier(DONE, 2)
    else t.joinAll()
    t.phase('after 1')
    yield

    t.start('worker', { keepsLast: 1, staysAlive: 1 })
    t.barrier(DONE, 2)
    t.phase('after 2')
    t.barrier(END, p.keepLast ? 3 : 2)
    t.joinAll()
    yield
  },

  *worker(t, p, { keepsLast, staysAlive }: { keepsLast: number; staysAlive: number }) {
    const pointers = t.malloc(p.blocks * POINTER_BYTES)
    t.write(pointers)
    const first = t.cells(p.blocks)
    for (let i = 0; i < p.blocks; i++) {
      const block = t.malloc(p.blockBytes, t.at(first, i))
      t.write(block)
      yield
    }
    for (let i = 0; i < p.blocks - keepsLast; i++) {
      t.free(t.at(first, i))
      yield
    }
    t.free(pointers)
    if (staysAlive === 1) {
      t.barrier(DONE, 2)
      t.barrier(END, p.keepLast ? 3 : 2)
    }
    yield
  },
})
