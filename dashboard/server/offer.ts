/** What a run that the page starts can be made of: what comes with the lab, never a file. */
import { availableParallelism } from 'node:os'
import { parseVariant } from '../../allocators/parse-tunables.ts'
import { designs } from '../../allocators/registry.ts'
import { machineNames } from '../../lab/machine/start.ts'
import type { MachineName } from '../../lab/machine/types.ts'
import { unknownName } from '../../lab/words/nearest.ts'
import { builtInScenarios } from '../../scenarios/index.ts'
import type { Catalogue } from '../catalogue.ts'
import type { RunSetup } from '../setup.ts'

/** `explore` is not among them: it looks for faults, and what it finds is no picture. */
const MACHINES: Readonly<Partial<Record<MachineName, string>>> = {
  threads: 'a worker thread for each lab thread, in real time',
  virtual: 'simulated cores in simulated time: the same seed gives the same result',
}

export function catalogueOf(): Catalogue {
  return {
    scenarios: [...builtInScenarios.values()].map(({ name, summary, params }) => ({
      name,
      summary,
      params,
    })),
    designs: Object.values(designs).map(({ name, summary, tunables }) => ({
      name,
      summary,
      tunables,
    })),
    machines: machineNames().flatMap((name) => {
      const summary = MACHINES[name]
      return summary === undefined ? [] : [{ name, summary }]
    }),
    cores: availableParallelism(),
  }
}

/**
 * Throws `BadInput` for a scenario, design or machine that is not in the catalogue. A scenario or a
 * design may also be a file on the command line, whose code is then run: no page may name one.
 */
export function checkOffered(setup: RunSetup, catalogue: Catalogue): void {
  const { scenarios, machines } = catalogue
  requireName('scenario', setup.scenario, scenarios)
  requireName('machine', setup.machine, machines)
  for (const variant of setup.variants) {
    requireName('design', parseVariant(variant).design, catalogue.designs)
  }
}

function requireName(what: string, name: string, known: readonly { name: string }[]): void {
  const names = known.map((entry) => entry.name)
  if (!names.includes(name)) throw unknownName(what, name, names)
}
