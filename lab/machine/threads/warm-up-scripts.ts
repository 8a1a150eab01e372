/**
 * Lets a worker compile the scenario's roles before the run starts, as `warm-up.ts` does for the
 * heap: a lab thread that records in the interpreter lives ten times as long as a real one, and
 * overlaps with all that were started beside it. What is recorded here is thrown away.
 */
import { eachOp, readArgs } from '../../workload/decode.ts'
import { Op } from '../../workload/ops.ts'
import type { RoleRecorder } from '../../workload/recorder.ts'
import type { RoleArgs, RoleEntry, Scenario } from '../../workload/scenario.ts'
import { recorderOf, type Script } from './script.ts'

/** Enough for V8 to optimize a role with its rare branches; of each role. */
const OPS = 100_000
/** Of one lab thread of a role: so that many take part, with different arguments. */
const OPS_OF_ONE = 6_000
/** Batches of the main role that are looked through for what it starts. */
const MAIN_BATCHES = 16

/** Loop roles are left out: they record before the start anyway. */
export function warmUpScripts(script: Script): void {
  const { scenario } = script
  const main = scenario.roles.find(({ name }) => name === 'main')
  if (main === undefined) return
  try {
    for (const [role, args] of startedBy(scenario, recorderOf(script, main, 0, {}, 0))) {
      if (role.loop) continue
      const recordOne = (place: number): number =>
        recordOut(recorderOf(script, role, 0, args[place % args.length]!, 0), OPS_OF_ONE)
      let ops = 0
      for (let place = 0; ops < OPS; place++) {
        const recorded = recordOne(place)
        if (recorded === 0) break
        ops += recorded
      }
    }
  } catch {
    // A script that is broken fails again in the run itself, where it is told who recorded it.
  }
}

/** The roles that main starts early on, with the arguments of each lab thread of them. */
function startedBy(scenario: Scenario, main: RoleRecorder): Map<RoleEntry, RoleArgs[]> {
  const started = new Map<RoleEntry, RoleArgs[]>()
  for (let count = 0; count < MAIN_BATCHES; count++) {
    const { ops, length, done } = main.nextBatch()
    eachOp(ops, length, (code, at) => {
      if (code !== Op.START) return
      const role = scenario.roles[ops[at + 1]!]!
      started.set(role, [...(started.get(role) ?? []), readArgs(ops, at)])
    })
    if (done) break
  }
  return started
}

/** Ops recorded: to the role's end, or a little past `most`. */
function recordOut(recorder: RoleRecorder, most: number): number {
  let recorded = 0
  for (;;) {
    const { opCount, done } = recorder.nextBatch()
    recorded += opCount
    if (done || recorded >= most) return recorded
  }
}
