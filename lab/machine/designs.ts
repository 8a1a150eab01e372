/**
 * Finds a design: one that comes with the lab, by name, or a user's own, by the path of its file.
 */
import type { Design } from '../../allocators/contract.ts'
import { designLoaders } from '../../allocators/loaders.ts'
import { unknownName } from '../words/nearest.ts'
import { isSourcePath, loadExport } from '../workload/load.ts'

/** Throws `BadInput` where there is no such design. */
export async function loadDesign(nameOrPath: string): Promise<Design> {
  if (isSourcePath(nameOrPath)) return loadExport(nameOrPath, 'design', asDesign)
  if (!Object.hasOwn(designLoaders, nameOrPath)) {
    throw unknownName('design', nameOrPath, Object.keys(designLoaders))
  }
  return designLoaders[nameOrPath]!()
}

/** A design is told by what it can do: an object with the functions of the contract. */
function asDesign(value: unknown): Design | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const design = value as Record<string, unknown>
  const functions = ['boot', 'attach', 'inspect', 'check']
  const isDesign =
    typeof design['name'] === 'string' &&
    typeof design['tunables'] === 'object' &&
    functions.every((name) => typeof design[name] === 'function')
  return isDesign ? (value as Design) : undefined
}
