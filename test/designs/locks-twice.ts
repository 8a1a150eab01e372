/** Lab thread 2 takes the lock it holds already: it waits for itself, and all others for it. */
import type { LockId } from 'arena-lab'
import { bumpDesign } from './bump.ts'

export default bumpDesign('locks-twice', (process, thread, mallocs) => {
  if (thread.thread === 2 && mallocs === 100) {
    process.lock(process.dataStart, process.words[process.dataStart + 1] as LockId)
  }
  return undefined
})
