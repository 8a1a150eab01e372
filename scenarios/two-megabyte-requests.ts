/**
 * The page-fault storm of requests that each take a large buffer.
 *
 * A server mallocs 2 MiB a request, uses the first 6 pages and frees it. With a fixed mmap
 * threshold of 128 KiB every buffer is a mapping of its own: the kernel zeroes and takes back the
 * same 6 pages each time. With glibc's dynamic threshold only the first one is: its free raises
 * the threshold above 2 MiB and the trim threshold to twice that, and from then on the buffer stays
 * on the heap.
 */
import { MIB } from '../lab/words/units.ts'
import { defineScenario } from '../lab/workload/scenario.ts'

export default defineScenario({
  name: 'two-megabyte-requests',
  summary:
    'Mallocs 2 MiB, touches 6 pages, frees, over and over. Look at minor faults per request: 6 ' +
    'where every request is mapped anew (ptmalloc2, or any fixed mmap threshold), none where the ' +
    'block stays on the heap.',
  params: {
    requests: {
      default: 20_000,
      unit: 'count',
      min: 1,
      max: 100_000_000,
      meaning: 'Requests, one after the other.',
    },
    bytes: {
      default: 2 * MIB,
      unit: 'bytes',
      min: 0,
      max: 1024 * MIB,
      meaning: 'What a request allocates.',
    },
    pages: {
      default: 6,
      unit: 'count',
      min: 0,
      max: 262_144,
      meaning: 'Pages of it that the request touches.',
    },
  },
  threads: () => 1,
  privateCells: () => 1,

  *main(t, p) {
    t.phase('start')
    for (let request = 1; request <= p.requests; request++) {
      const buffer = t.malloc(p.bytes)
      t.writePages(buffer, p.pages)
      t.free(buffer)
      // The first two are worth a look of their own: the first is mapped in any case.
      if (request <= 2) t.phase(`request ${request}`)
      yield
    }
    t.phase('end')
    yield
  },
})
