/** Worker entry (run from dist/): plays one virtual run, and waits when it has told something. */
import { parentPort, workerData } from 'node:worker_threads'

import { ControlWord } from '../../words/control.ts'
import { loadScenario } from '../../workload/load.ts'
import { buildId } from '../build-id.ts'
import { loadDesign } from '../designs.ts'
import { runnableScenarios } from '../scenarios.ts'
import { openSharedRun } from '../shared-run.ts'
import { NOW_AT, SharedWord, type SimulationMessage, type SimulationTask } from './messages.ts'
import { Simulation } from './simulation.ts'

const task = workerData as SimulationTask
const port = parentPort
if (port === null) throw new Error('this is a worker entry')
if (task.buildId !== buildId) {
  throw new Error(`worker build ${buildId} is not the main thread's ${task.buildId}: rebuild`)
}
const shared = new Int32Array(task.shared)
const times = new Float64Array(task.shared)
const { plan } = task.init
const design = await loadDesign(plan.variant.design)
const scenario = await loadScenario(plan.scenario, runnableScenarios)
const run = openSharedRun(task.init, design)
const { words } = run.control

let told = 0
/**
 * Waits until the main thread has dealt with it. Only the main thread changes the gate, so a wait
 * that begins too late returns at once.
 */
function tell(message: SimulationMessage): void {
  const number = ++told
  port!.postMessage({ ...message, number })
  let gate = Atomics.load(shared, SharedWord.GATE)
  while (gate < number) {
    Atomics.wait(shared, SharedWord.GATE, gate)
    gate = Atomics.load(shared, SharedWord.GATE)
  }
}

const simulation = new Simulation(run, scenario)
tell({ kind: 'ready' })
for (;;) {
  const stop = simulation.play()
  times[NOW_AT] = simulation.nowNs
  Atomics.add(shared, SharedWord.BEAT, 1)
  if (stop.kind !== 'turn') tell({ ...stop, figures: simulation.figures })
  if (stop.kind === 'ended') break
  if (Atomics.load(words, ControlWord.PAUSE) !== 0) tell({ kind: 'paused' })
}
