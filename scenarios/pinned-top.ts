/**
 * Four blocks that show when the main heap gives memory back, and when it does not.
 *
 * A, B and D lie on the heap; C is large enough for a mapping of its own, and goes back to the
 * kernel the moment it is freed. B's memory stays, because D lies above it. Freeing D joins B and D
 * to the top: more than 128 KiB free at the top, which the textbooks say is trimmed. But with the
 * dynamic threshold of real glibc, freeing the mapped C has raised the trim threshold to 417 792
 * bytes, so nothing is trimmed. `glibc:trim_threshold=131072` turns the dynamic threshold off, and
 * then it is: down to top_pad, 128 KiB, so that VmSize falls by 140 KiB and RSS by 12.
 */

import { KIB } from '../lab/words/units.ts'
import { defineScenario } from '../lab/workload/scenario.ts'

export default defineScenario({
  name: 'pinned-top',
  summary:
    'Mallocs A 30 K, B 40 K, C 200 K, D 100 K, then frees C, B, D. Look at RSS and VmSize after ' +
    'each step: C goes back at once, B stays under D, and the last step trims the top only where ' +
    'the trim threshold is fixed at 128 KiB: freeing the mapped C has raised a dynamic one.',
  params: {},
  threads: () => 1,
  privateCells: () => 4,

  *main(t) {
    t.phase('start')
    const a = t.malloc(30 * KIB)
    t.write(a)
    t.phase('malloc A 30 K')
    const b = t.malloc(40 * KIB)
    t.write(b)
    t.phase('malloc B 40 K')
    const c = t.malloc(200 * KIB)
    t.write(c)
    t.phase('malloc C 200 K')
    const d = t.malloc(100 * KIB)
    t.write(d)
    t.phase('malloc D 100 K')
    t.free(c)
    t.phase('free C')
    t.free(b)
    t.phase('free B')
    t.free(d)
    t.phase('free D')
    yield
  },
})
