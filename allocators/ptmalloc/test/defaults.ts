/** Tunables by the defaults of their specs, and some set. */
import type { TunableSpec, TunableSpecs } from '../../tunables.ts'

export function tunablesOf<T extends object>(specs: TunableSpecs<T>, set: Partial<T> = {}): T {
  const entries = Object.entries(specs) as [string, TunableSpec][]
  const defaults = Object.fromEntries(entries.map(([name, spec]) => [name, spec.default]))
  return { ...defaults, ...set } as T
}
