/**
 * Lab thread 2 makes a lock, moves the break for a while, and takes it; all others try it
 * meanwhile. Whoever gets it before its maker has let go of it aborts.
 */
import type { LockId, Process, WordIndex } from 'arena-lab'
import { bumpDesign, spareWord } from './bump.ts'

const Made = { LOCK: 0, ID: 1, IS_LET_GO: 2 } as const
const MAKER = 2
/** When all others are there. */
const FIRST = 20
const SYSTEM_CALLS = 50

export default bumpDesign('makes-lock', (process, thread, mallocs) => {
  const at = spareWord(process)
  const { words } = process
  if (thread.thread === MAKER && mallocs === FIRST) makeAndTake(process, at)
  else if (thread.thread === MAKER && mallocs > FIRST) words[at + Made.IS_LET_GO] = 1
  else if (words[at + Made.ID] !== 0 && words[at + Made.IS_LET_GO] === 0) {
    if (process.tryLock(at, words[at + Made.ID] as LockId)) process.abort('it has a maker')
  }
  return undefined
})

function makeAndTake(process: Process, at: WordIndex): void {
  process.touch(at)
  const id = process.makeLock(at, 'made')
  process.words[at + Made.ID] = id
  for (let i = 0; i < SYSTEM_CALLS; i++) process.sbrk(4096)
  process.lock(at, id)
  process.unlock(at, id)
}
