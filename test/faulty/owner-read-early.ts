/** The twin of owned-slabs that does not look at the owner again after it has the lock. */
import { ownedSlabs } from './owned-slabs.ts'

export default ownedSlabs('owner-read-early', false)
