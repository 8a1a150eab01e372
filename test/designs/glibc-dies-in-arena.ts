/** glibc, but the worker of lab thread 2 exits with the lock of an arena held, at its 50th. */
import { type Design, designs } from 'arena-lab'

const glibc = designs['glibc'] as Design

const dying: Design = {
  ...glibc,
  name: 'glibc-dies-in-arena',
  attach(process, tunables, thread) {
    const lock = process.lock.bind(process)
    let taken = 0
    if (thread.thread === 2) {
      process.lock = (word, id) => {
        lock(word, id)
        if (++taken === 50) globalThis.process.exit(3)
      }
    }
    return glibc.attach(process, tunables, thread)
  },
}
export default dying
