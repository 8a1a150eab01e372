/**
 * A virtual run as a whole: plays until something has to be told, and says what. Everything it
 * decides depends on simulated time and on ops carried out, never on the clock, so that the same
 * seed gives the same samples.
 */
import { HeapBufferFull } from '../../memory/errors.ts'
import { messageOf } from '../../words/bad-input.ts'
import { ControlWord, RunState } from '../../words/control.ts'
import { COUNTER_ROW, Counter } from '../../words/events.ts'
import { planScenario } from '../../workload/plan.ts'
import type { Scenario } from '../../workload/scenario.ts'
import { createSelf, HeapCorrupted } from '../process.ts'
import type { SharedRun } from '../shared-run.ts'
import type { Outcome, SimulationFigures } from '../types.ts'
import { deadlockMessage } from '../waiters.ts'
import { Cores } from './cores.ts'
import { Engine } from './engine.ts'
import { LabThreads } from './lab-threads.ts'
import { Lines } from './lines.ts'
import { SimLocks } from './sim-locks.ts'
import { Timeline } from './timeline.ts'
import { type Speaker, VirtualProcess } from './virtual-process.ts'

const NS_PER_SECOND = 1e9
/** Events between two looks at whether somebody wants something: some ms. */
const EVENTS_A_TURN = 16_384
/** A sample at the latest after so many ops: some tenths of a second for who watches. */
const OPS_A_SAMPLE = 250_000
/** A look at the heap at the latest after so many ops, or so many for each live block. */
const OPS_A_TICK = 4_000_000
const OPS_A_TICK_PER_BLOCK = 64

/** Why `play` came back. */
export type Stop =
  /** Nothing to tell: a chance to look whether somebody wants something. */
  | { readonly kind: 'turn' }
  | { readonly kind: 'sample' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'phase'; readonly label: string }
  | {
      readonly kind: 'ended'
      readonly outcome: Outcome
      readonly message: string
      readonly trustworthy: boolean
    }

const TURN: Stop = { kind: 'turn' }
const SAMPLE: Stop = { kind: 'sample' }
const TICK: Stop = { kind: 'tick' }

export class Simulation {
  readonly #run: SharedRun
  readonly #engine: Engine
  readonly #cores: Cores
  readonly #lines: Lines
  readonly #process: VirtualProcess
  readonly #threads: LabThreads
  readonly #sampleNs: number
  #nextSampleNs: number
  #nextSampleOps = OPS_A_SAMPLE
  #nextTickNs = NS_PER_SECOND
  #nextTickOps = OPS_A_TICK
  #deadlineNs: number

  constructor(run: SharedRun, scenario: Scenario) {
    const { plan } = run.init
    const { simulation } = plan
    if (simulation === undefined) throw new Error('a virtual run needs a cost table')
    const { costs, lines, sampleHz } = simulation
    const { control } = run
    this.#run = run
    this.#cores = new Cores(plan.cores, plan.threads, costs.sockets)
    this.#lines = new Lines(run.heap.length, this.#cores, costs, lines)
    const locks = new SimLocks(control)
    const { scheduleSeed } = plan
    const parts = { control, cores: this.#cores, locks, lines: this.#lines, costs, scheduleSeed }
    this.#engine = new Engine(parts)
    const speaker: Speaker = { timeline: new Timeline(), core: 0, startNs: 0 }
    this.#process = new VirtualProcess({
      words: run.heap,
      control,
      self: createSelf(0, 0),
      cores: plan.cores,
      dataStart: run.dataStart,
      costs,
      lines: this.#lines,
      locks,
      speaker,
    })
    this.#threads = new LabThreads({
      run,
      scenario,
      scenarioPlan: planScenario(scenario, plan.params),
      process: this.#process,
      engine: this.#engine,
      costs,
      lines: this.#lines,
      watchLines: lines,
    })
    this.#engine.script = this.#threads
    this.#sampleNs = sampleHz === undefined ? Number.POSITIVE_INFINITY : NS_PER_SECOND / sampleHz
    this.#nextSampleNs = this.#sampleNs
    this.#deadlineNs = Math.ceil((plan.seconds ?? Number.POSITIVE_INFINITY) * NS_PER_SECOND)
    this.#threads.startMain()
  }

  get nowNs(): number {
    return this.#engine.nowNs
  }
  get opsDone(): number {
    return this.#threads.opsDone
  }
  get figures(): SimulationFigures {
    return {
      costs: this.#run.init.plan.simulation?.costs.name ?? '',
      cpuSeconds: this.#cores.busyUntil(this.nowNs) / NS_PER_SECOND,
      contextSwitches: this.#cores.switches,
      lineTransfers: this.#lines.transfers,
      activeSharing: this.#lines.activeSharing,
      passiveSharing: this.#lines.passiveSharing,
    }
  }

  /** Plays on, some ms at most. Not again after `ended`. */
  play(): Stop {
    try {
      return this.#play()
    } catch (error) {
      return this.#failure(error)
    }
  }

  #play(): Stop {
    const { words } = this.#run.control
    const until = Math.min(this.#nextSampleNs, this.#nextTickNs, this.#deadlineNs)
    this.#engine.advance(until, EVENTS_A_TURN)
    const state = words[ControlWord.STATE]!
    if (state >= RunState.KILLED) return this.#over(state)
    if (this.#threads.phase !== undefined) {
      const label = this.#threads.phase
      this.#threads.phase = undefined
      return { kind: 'phase', label }
    }
    if (words[ControlWord.THREADS_ALIVE] === 0) return ended('completed', '')
    if (!this.#engine.hasEvents) return ended('deadlock', deadlockMessage(this.#run.control))
    if (this.nowNs >= this.#deadlineNs) {
      this.#deadlineNs = Number.POSITIVE_INFINITY
      words[ControlWord.DEADLINE] = 1
      words[ControlWord.STATE] = RunState.ENDING
      this.#threads.open()
      return TURN
    }
    return this.#dueByNow()
  }

  #dueByNow(): Stop {
    const { nowNs, opsDone } = this
    if (nowNs >= this.#nextTickNs || opsDone >= this.#nextTickOps) {
      this.#nextTickNs = nowNs + NS_PER_SECOND
      const blocks = this.#sum(Counter.MALLOCS) - this.#sum(Counter.FREES)
      this.#nextTickOps = opsDone + Math.max(OPS_A_TICK, OPS_A_TICK_PER_BLOCK * blocks)
      return TICK
    }
    if (nowNs < this.#nextSampleNs && opsDone < this.#nextSampleOps) return TURN
    this.#nextSampleNs = nowNs + this.#sampleNs
    this.#nextSampleOps = opsDone + OPS_A_SAMPLE
    return SAMPLE
  }

  #over(state: number): Stop {
    return state === RunState.KILLED ? ended('oom-killed', '') : ended('interrupted', 'interrupted')
  }

  #failure(error: unknown): Stop {
    const thread = `lab thread ${this.#process.self.thread}: `
    if (error instanceof HeapCorrupted) return ended('corrupted', thread + error.message)
    if (error instanceof HeapBufferFull) {
      return { kind: 'ended', outcome: 'crashed', message: error.message, trustworthy: false }
    }
    const known = error instanceof Error && error.name === 'BadInput'
    const stack = error instanceof Error && !known ? error.stack : undefined
    return ended('crashed', thread + (stack ?? messageOf(error)))
  }

  #sum(counter: Counter): number {
    const { counters, plan } = this.#run.control
    let sum = 0
    for (let seat = 0; seat < plan.seats; seat++) sum += counters[seat * COUNTER_ROW + counter]!
    return sum
  }
}

const ended = (outcome: Outcome, message: string): Stop => ({
  kind: 'ended',
  outcome,
  message,
  trustworthy: true,
})
