/** V8's full garbage collection, for isolates that know when what they allocated is of no use. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** A function that collects all garbage of the isolate that asks for it. Any isolate. */
export function fullCollection(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
