/** The twin of owned-slabs in which two frees may each wait for the lock that the other holds. */
import { ownedSlabs } from './owned-slabs.ts'

export default ownedSlabs('locks-without-order', 'locks without order')
