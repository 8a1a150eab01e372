/** Finds a design: one that comes with the lab, by name, or a user's own, by the path of its file. */
import type { Design } from '../../allocators/contract.ts'
import { designs } from '../../allocators/registry.ts'
import { unknownName } from '../words/nearest.ts'
import { isModulePath, loadUserModule } from '../workload/load.ts'
