/** Its worker exits in the middle of the 100th malloc of lab thread 2, with the lock held. */
import { bumpDesign } from './bump.ts'

export default bumpDesign('dies-holding-lock', (_process, thread, mallocs) => {
  if (thread.thread === 2 && mallocs === 100) process.exit(3)
  return undefined
})
