/** Lab threads 1 and 2 take two locks, each in its own order: sooner or later both wait. */
import type { LockId, WordIndex } from 'arena-lab'
import { bumpDesign } from './bump.ts'

const OTHER_LOCK = 64
const OTHER_ID = 65

/** The bump lock is held already; the second lock is taken inside it, or around it. */
export default bumpDesign('lock-order', (process, thread) => {
  const { words, dataStart } = process
  const inner = (dataStart + OTHER_LOCK) as WordIndex
  words[dataStart + OTHER_ID] ||= process.makeLock(inner, 'the other')
  const id = words[dataStart + OTHER_ID] as LockId
  if (thread.thread === 2) {
    // Gives the first up for a moment, and takes them the other way round.
    const first = words[dataStart + 1] as LockId
    process.unlock(dataStart, first)
    process.lock(inner, id)
    process.lock(dataStart, first)
  } else process.lock(inner, id)
  process.unlock(inner, id)
  return undefined
})
