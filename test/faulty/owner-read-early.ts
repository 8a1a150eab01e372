/** The twin of owned-slabs whose free does not look at the owner again once it has the lock. */
import { ownedSlabs } from './owned-slabs.ts'

export default ownedSlabs('owner-read-early', 'owner read early')
