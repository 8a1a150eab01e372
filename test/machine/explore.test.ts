import { expect, it } from 'vitest'
import { plantedRaces } from '../faulty/design-races.ts'
import { runThreads, testFile } from '../support/machine.ts'
import { buildTwin } from '../support/twin-design.ts'

for (const race of plantedRaces)
  it(race.name, async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const ran = await runThreads('pass-around', await buildTwin(race), {
        machine: 'explore',
        schedules: 1000,
        seed,
        params: race.params,
        tunables: race.tunables,
      })
      console.log(
        seed,
        ran.outcome.outcome,
        ran.outcome.explored,
        ran.outcome.ns / 1e6,
        seed === 1 ? ran.outcome.message : '',
      )
    }
  })
it('owner', async () => {
  for (const d of ['owned-slabs', 'owner-read-early'])
    for (let seed = 1; seed <= 3; seed++) {
      const ran = await runThreads('pass-around', testFile(`faulty/${d}.ts`), {
        machine: 'explore',
        schedules: 1000,
        seed,
        params: { blockBytes: 400, threads: 2 },
      })
      console.log(
        d,
        seed,
        ran.outcome.outcome,
        ran.outcome.explored,
        ran.outcome.ns / 1e6,
        seed === 1 ? ran.outcome.message : '',
      )
    }
})
