/** What cache-scratch and cache-thrash measure: one small object at a time, written many times. */
import type { Recorder } from '../lab/workload/scenario.ts'

const WRITES_AT_ONCE = 128

export function* writeObjects(
  t: Recorder,
  p: { readonly bytes: number; readonly writes: number; readonly rounds: number },
): Generator<void, void, void> {
  for (let round = 0; round < p.rounds; round++) {
    const object = t.malloc(p.bytes)
    for (let write = 0; write < p.writes; write++) {
      t.write(object)
      if (write % WRITES_AT_ONCE === 0) yield
    }
    t.free(object)
    yield
  }
}
