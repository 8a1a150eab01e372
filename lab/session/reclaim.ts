/**
 * Gives the buffers of finished runs back to the system. Each run reserves gigabytes of address
 * space and wrote some of it, which V8 hardly counts as garbage: it would stay resident beside the
 * next run, and be collected in the middle of it. After some runs Linux also refuses to fork a
 * process that has more than its memory reserved (`spawn ENOMEM`), and native runs need a fork.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { fullCollection } from '../metrics/collection.ts'

let collect: (() => void) | undefined
/** V8 unmaps what it has collected in the background; it is done with it by the next collection. */
const SWEEP_MS = 100

/** Full collections of the main thread's heap; nothing may be measured meanwhile. */
export async function reclaimBuffers(): Promise<void> {
  collect ??= fullCollection()
  collect()
  await pause(SWEEP_MS)
  collect()
}
