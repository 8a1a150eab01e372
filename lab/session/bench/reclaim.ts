/**
 * Gives the buffers of finished runs back to the system. Each run reserves gigabytes of address
 * space, which V8 hardly counts as garbage; after some runs Linux refuses to fork a process that
 * has more than its memory reserved (`spawn ENOMEM`), and native runs need a fork.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | undefined

/** A full collection of the main thread's heap; nothing may be measured meanwhile. */
export function reclaimBuffers(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}
