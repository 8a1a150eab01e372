/**
 * Steers a run from outside while it goes on: pause, resume, one phase at a time; and lets variants
 * that run at once pass each phase mark together. Main thread only; nothing here blocks.
 *
 * Every variant comes to `arrive` before its first op and at each phase mark, with all its lab
 * threads at rest, and goes on when the promise settles. That happens when all variants under way
 * have arrived and nobody holds the run.
 */
import type { SteeredMachine } from './variant-run.ts'

export type SteeringMode =
  /** Marks are passed as soon as all variants have reached them. */
  | 'running'
  /** As running, up to the next mark. */
  | 'stepping'
  /** Nobody runs: between two ops, or at a mark. */
  | 'paused'

export interface SteeringState {
  readonly mode: SteeringMode
  /** The mark that all variants wait at; empty between marks. */
  readonly mark: string
}

export class Steering {
  /** Called after every change. */
  onChange: (state: SteeringState) => void = () => {}
  readonly #machines = new Map<number, SteeredMachine>()
  /** Variants that a mark waits for. */
  readonly #underWay = new Set<number>()
  readonly #arrived = new Map<number, () => void>()
  #mode: SteeringMode
  #mark = ''
  #aborted = false

  /** `held`: the run stands still before its first op until `resume` or `step`. */
  constructor(held = false) {
    this.#mode = held ? 'paused' : 'running'
  }

  get state(): SteeringState {
    return { mode: this.#mode, mark: this.#isAtMark() ? this.#mark : '' }
  }

  /** A variant begins: later marks wait for it. Of variants that run at once, before any starts. */
  begin(variant: number): void {
    this.#underWay.add(variant)
  }

  /** Its machine runs from now on. */
  started(variant: number, machine: SteeredMachine): void {
    this.#machines.set(variant, machine)
    // Whoever paused the run meanwhile meant this machine too.
    if (this.#mode === 'paused') void machine.pause()
  }

  /** It has ended, however: nobody waits for it any more. */
  ended(variant: number): void {
    this.#underWay.delete(variant)
    this.#machines.delete(variant)
    this.#passWhenAllThere()
  }

  /** A variant stands at a mark. Settles when it may go on. */
  arrive(variant: number, mark: string): Promise<void> {
    if (this.#aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#mark = mark
      this.#arrived.set(variant, resolve)
      this.#passWhenAllThere()
    })
  }

  /** Stops all lab threads between two ops. */
  async pause(): Promise<void> {
    if (this.#aborted || this.#mode === 'paused') return
    this.#turn('paused')
    await Promise.all([...this.#machines.values()].map((machine) => machine.pause()))
  }

  resume(): void {
    this.#goOn('running')
  }

  /** Goes on to the next mark and stands still there. */
  step(): void {
    this.#goOn('stepping')
  }

  /** The run is to end: nobody waits at a mark any more. */
  abort(): void {
    this.#aborted = true
    this.#mode = 'running'
    this.#passAll()
  }

  #goOn(mode: 'running' | 'stepping'): void {
    if (this.#aborted) return
    this.#mode = mode
    if (this.#isAtMark()) this.#passAll()
    for (const machine of this.#machines.values()) machine.resume()
    this.onChange(this.state)
  }

  #isAtMark(): boolean {
    return this.#arrived.size > 0 && this.#arrived.size >= this.#underWay.size
  }

  #passWhenAllThere(): void {
    if (!this.#isAtMark()) return
    if (this.#mode === 'running') this.#passAll()
    // A step ends here. When paused already, this is where the run stands; both are told.
    else this.#turn('paused')
  }

  #passAll(): void {
    const waiting = [...this.#arrived.values()]
    this.#arrived.clear()
    for (const pass of waiting) pass()
  }

  #turn(mode: SteeringMode): void {
    this.#mode = mode
    this.onChange(this.state)
  }
}
