/**
 * 64 MiB of address space for a 1 KiB block.
 *
 * A streaming server starts a thread a session. In glibc a thread's first malloc makes it an arena,
 * whose heap reserves 64 MiB (and one malloc is enough), until there are 8 arenas a core; from then
 * on threads share. RSS hardly moves, but VmSize does, and a limit on it is hit.
 */
import { defineScenario } from '../lab/workload/scenario.ts'

/** All sessions have made their allocation. */
const ALLOCATED = 0
/** The figures are taken: all may end. */
const END = 1

export default defineScenario({
  name: 'rtsp-sessions',
  summary:
    'Each session thread makes one small allocation and lives on. Look at VmSize: glibc reserves ' +
    '64 MiB for each new arena, up to 8 × cores arenas; arena_max=1 does not.',
  params: {
    threads: {
      default: 64,
      unit: 'count',
      min: 1,
      max: 1000,
      meaning: 'Session threads alive at once.',
    },
    bytes: {
      default: 1024,
      unit: 'bytes',
      min: 0,
      max: 1024 * 1024,
      meaning: 'What each session allocates.',
    },
  },
  threads: (p) => p.threads + 1,
  privateCells: () => 1,
  barriers: () => 2,
  stackBytes: 64 * 1024,

  *main(t, p) {
    t.phase('before')
    for (let i = 0; i < p.threads; i++) t.start('session', { index: i })
    t.barrier(ALLOCATED, p.threads + 1)
    t.phase('all sessions')
    t.barrier(END, p.threads + 1)
    t.joinAll()
    t.phase('after')
    yield
  },

  *session(t, p) {
    const buffer = t.malloc(p.bytes)
    t.write(buffer)
    t.barrier(ALLOCATED, p.threads + 1)
    t.barrier(END, p.threads + 1)
    t.free(buffer)
    yield
  },
})
