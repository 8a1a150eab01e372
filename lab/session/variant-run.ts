/** One variant of a run, from its start to its summary: machine, sampler and observer together. */
import type { Design } from '../../allocators/contract.ts'
import type { SharedRun } from '../machine/shared-run.ts'
import { startMachine } from '../machine/start.ts'
import type { MachineOutcome, RunningMachine, RunPlan, Safepoint } from '../machine/types.ts'
import type { MappingRow } from '../memory/address-space.ts'
import { LockReader } from '../metrics/lock-reader.ts'
import { Observer, type SafepointFindings } from '../metrics/observer.ts'
import { Sampler } from '../metrics/sampler.ts'
import { summarizeVariant } from '../metrics/summarize.ts'
import type { SafepointSample, SampleLine, VariantSummary } from '../metrics/types.ts'
import { type WaitLine, WaitReader } from '../metrics/wait-reader.ts'
import type { Scenario } from '../workload/scenario.ts'
import { type CpuTime, cpuTime, cpuTimeSince } from './cpu-time.ts'
import { RunTime } from './run-time.ts'

export interface VariantParts {
  readonly plan: RunPlan
  readonly design: Design
  readonly scenario: Scenario
  /** Samples per second; undefined: none, and no look at the heap on the clock. */
  readonly sampleHz: number | undefined
  onStart(machine: RunningMachine, steered: SteeredMachine): void
  onLine(line: SampleLine): void
  onWaits?(line: WaitLine): void
  onNotice(text: string): void
  /** Everybody stands still at the start or at a phase mark until it settles. */
  atMark?(label: string): Promise<void>
  /** The command that repeats one schedule of the explore machine. */
  replayCommand?(schedule: number): string
  readonly signal: AbortSignal
}

/** What may be done to a machine from outside. */
export type SteeredMachine = Pick<RunningMachine, 'pause' | 'resume'>

export interface VariantResult {
  readonly summary: VariantSummary
  readonly mappings: readonly MappingRow[]
}

/** What the moment before the first op is called. */
const START_MARK = 'start'

export async function runVariant(parts: VariantParts): Promise<VariantResult> {
  const run = new VariantRun(parts)
  return run.carryOut()
}

class VariantRun {
  readonly #parts: VariantParts
  readonly #safepoints: SafepointSample[] = []
  readonly #notices: string[] = []
  #mappings: readonly MappingRow[] = []
  #observer: Observer | undefined
  #sampler: Sampler | undefined
  #waits: WaitReader | undefined
  #machine: RunningMachine | undefined
  readonly #time = new RunTime()
  #cpuStart = cpuTime()
  #cpu: CpuTime | undefined

  constructor(parts: VariantParts) {
    this.#parts = parts
  }

  async carryOut(): Promise<VariantResult> {
    const { plan, design, scenario, signal } = this.#parts
    const machine = await startMachine(plan, design, scenario, {
      onPrepared: async (run) => {
        this.#sampler = this.#newSampler(run)
        this.#waits = new WaitReader(run.control)
        this.#observer = await Observer.start(run.init)
        await this.#lookBeforeStart()
        await this.#parts.atMark?.(START_MARK)
      },
      onSafepoint: async (safepoint) => {
        // The machine counts on while everybody is kept; the run does not.
        await this.#look({ ...safepoint, ns: safepoint.ns - this.#time.heldNs })
        if (safepoint.reason === 'phase') await this.#stayAt(safepoint.label)
      },
      onSample: () => this.#takeSample(),
    })
    this.#machine = machine
    this.#time.start(machine)
    // From here to the last look: starting workers and ending them is no part of the run.
    this.#cpuStart = cpuTime()
    const stop = (): void => machine.stop()
    signal.addEventListener('abort', stop)
    if (signal.aborted || this.#isBroken()) stop()
    if (machine.notice !== undefined) this.#notice(machine.notice)
    this.#parts.onStart(machine, this.#steered(machine))
    const sampling = machine.takesSamples === true ? undefined : this.#startSampling()
    let outcome: MachineOutcome
    try {
      outcome = this.#withReplay(await machine.finished)
    } finally {
      clearInterval(sampling)
      signal.removeEventListener('abort', stop)
      await this.#observer?.close()
    }
    const cpu = simulatedCpu(outcome) ?? this.#cpu ?? cpuTimeSince(this.#cpuStart)
    this.#takeSample()
    return { summary: this.#summarize(machine, outcome, cpu), mappings: this.#mappings }
  }

  /** Everybody stands at a mark, perhaps until somebody lets them go on. */
  async #stayAt(mark: string): Promise<void> {
    this.#takeSample()
    this.#time.hold()
    await this.#parts.atMark?.(mark)
    this.#time.letGo()
  }

  /** The machine for whoever pauses it: what it is paused for is taken out of the run's time. */
  #steered(machine: RunningMachine): SteeredMachine {
    let paused = false
    let held = false
    return {
      pause: async () => {
        if (paused) return
        paused = true
        await machine.pause()
        this.#takeSample()
        // Somebody may have changed their mind meanwhile.
        if (!paused || held) return
        held = true
        this.#time.hold()
      },
      resume: () => {
        if (!paused) return
        paused = false
        if (held) this.#time.letGo()
        held = false
        machine.resume()
      },
    }
  }

  #newSampler(run: SharedRun): Sampler {
    const { control, design, init } = run
    const process = run.processFor(0, 0, () => this.#now())
    return new Sampler({
      control,
      now: () => this.#now(),
      space: () => {
        const { rssBytes, vmSizeBytes } = process.space.figures()
        return { rss: rssBytes, vmSize: vmSizeBytes }
      },
      glance: () => design.glance?.(process, init.tunables),
    })
  }

  #now(): number {
    return this.#time.now()
  }

  #startSampling(): NodeJS.Timeout | undefined {
    const { sampleHz } = this.#parts
    if (sampleHz === undefined) return undefined
    return setInterval(() => this.#sample(), 1000 / sampleHz)
  }

  #sample(): void {
    // Nothing changes while everybody is kept.
    if (!this.#time.isHeld) this.#takeSample()
  }

  /** Counters only: nobody is stopped. */
  #takeSample(): void {
    const sampler = this.#sampler
    if (sampler === undefined || this.#parts.sampleHz === undefined) return
    // Designs read the clock of lab threads, which began before the run's.
    const startNs = (this.#machine?.startNs ?? 0) + this.#time.heldNs
    for (const event of sampler.drainLog()) {
      this.#parts.onLine({ ...event, t: Math.max(0, event.t - startNs) })
    }
    const waits = this.#waits?.drain(this.#now(), startNs)
    if (waits !== undefined) this.#parts.onWaits?.(waits)
    this.#parts.onLine(sampler.take())
  }

  /** Finds a design broken from its boot on, and loads the code that stops will wait for. */
  async #lookBeforeStart(): Promise<void> {
    const start: Safepoint = { reason: 'request', label: 'boot', ns: 0, clean: true }
    const wishes = { mappings: false, atRest: true }
    const observation = await this.#observer?.look(start, wishes)
    if (observation !== undefined) this.#keep(observation)
  }

  /** Everybody is parked until this settles. */
  async #look(safepoint: Safepoint): Promise<void> {
    if (this.#parts.sampleHz === undefined && safepoint.reason === 'tick') return
    const closing = safepoint.reason === 'end' || safepoint.reason === 'oom'
    if (closing) this.#cpu = cpuTimeSince(this.#cpuStart)
    const wishes = { mappings: closing, atRest: safepoint.clean }
    const observation = await this.#observer?.look(safepoint, wishes)
    if (observation === undefined) {
      this.#notice('the walk of the heap did not end: causes of RSS are not known from then on')
      return
    }
    this.#keep(observation)
  }

  #keep({ sample, mappings, problem }: SafepointFindings): void {
    if (problem !== undefined) this.#notice(problem)
    if (mappings !== undefined) this.#mappings = mappings
    this.#sampler?.noteSafepoint(sample)
    // Ticks are only samples with causes: the summary needs the last one at most.
    if (this.#safepoints.at(-1)?.reason === 'tick') this.#safepoints.pop()
    this.#safepoints.push(sample)
    this.#parts.onLine(sample)
    this.#stopAtBrokenInvariant(sample)
  }

  /** Figures of a broken heap mean nothing: the first violation ends the run. */
  #stopAtBrokenInvariant(sample: SafepointSample): void {
    const first = sample.violations[0]
    if (first === undefined) return
    this.#parts.onNotice(`heap invariant broken: ${first.invariant} (${first.where})`)
    this.#machine?.stop()
  }

  #notice(text: string): void {
    if (this.#notices.includes(text)) return
    this.#notices.push(text)
    this.#parts.onNotice(text)
  }

  #summarize(
    machine: RunningMachine,
    outcome: MachineOutcome,
    cpu: VariantSummary['cpu'],
  ): VariantSummary {
    const { run } = machine
    const { control } = run
    const { rssBytes, vmHwmBytes, vmSizeBytes } = run.processFor(0, 0, () => 0).space.figures()
    const broken = this.#isBroken()
    return summarizeVariant({
      variant: this.#parts.plan.variant.label,
      outcome: broken ? { ...outcome, outcome: 'corrupted', message: this.#brokenText() } : outcome,
      control,
      space: { rss: rssBytes, rssMax: vmHwmBytes, vmSize: vmSizeBytes },
      liveMax: this.#sampler?.liveMax ?? 0,
      vmSizeMax: this.#sampler?.vmSizeMax ?? 0,
      safepoints: this.#safepoints,
      locks: new LockReader(control).all(),
      cpu,
      notices: this.#notices,
    })
  }

  #withReplay(outcome: MachineOutcome): MachineOutcome {
    const { explored } = outcome
    if (explored?.failedSchedule === undefined) return outcome
    const replay = this.#parts.replayCommand?.(explored.failedSchedule)
    return replay === undefined ? outcome : { ...outcome, explored: { ...explored, replay } }
  }

  #isBroken(): boolean {
    return this.#safepoints.some(({ violations }) => violations.length > 0)
  }

  #brokenText(): string {
    const first = this.#safepoints.flatMap(({ violations }) => violations)[0]
    return first === undefined ? '' : `broken invariant: ${first.invariant} (${first.where})`
  }
}

/** In a simulation only simulated seconds count: they are the same each time. */
const simulatedCpu = ({ simulation }: MachineOutcome): CpuTime | undefined =>
  simulation === undefined ? undefined : { seconds: simulation.cpuSeconds, mainSeconds: null }
