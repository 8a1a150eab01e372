/**
 * Runs the tasks of worker.ts on real workers, against the product's code or a twin of it with one
 * planted bug. Waits have no time slices here: a lost wake-up is a hang, and a hang is noticed
 * because nobody makes progress any more.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { setRunState } from '../../lab/sync/pause.ts'
import {
  CELL_WORDS,
  type Control,
  type ControlSizes,
  ControlWord,
  createControl,
  RunState,
  SEAT_ROW_WORDS,
  type SeatState,
  SeatWord,
} from '../../lab/words/control.ts'
import { COUNTER_ROW, type Counter } from '../../lab/words/events.ts'
import { PAGE_BYTES } from '../../lab/words/units.ts'
import type { PlantedBug } from '../faulty/sync-bugs.ts'
import type { TaskData } from './tasks.ts'

/** No progress for so long, once all workers run, is a hang: long, since the host may be busy. */
const HANG_MS = 20_000
/** Where a hang is what is expected. */
export const PLANTED_HANG_MS = 1500
const LOOK_MS = 50
const NO_SLICES = 'export const WAIT_SLICE_MS = Infinity\n'

/** The compiled code, in a folder of its own. */
export class CompiledSync {
  readonly folder = mkdtempSync(join(tmpdir(), 'arena-lab-sync-'))

  constructor() {
    const here = fileURLToPath(new URL('.', import.meta.url))
    const tsc = join(here, '../../node_modules/typescript/bin/tsc')
    execFileSync(process.execPath, [tsc, '-p', here, '--outDir', join(this.folder, 'sound')])
    writeFileSync(join(this.folder, 'package.json'), '{"type":"module"}\n')
    writeFileSync(join(this.folder, 'sound/lab/sync/wait-slice.js'), NO_SLICES)
  }

  /** The worker's file, of the sound code or of its twin with this bug. */
  workerFile(bug?: PlantedBug): string {
    if (bug === undefined) return join(this.folder, 'sound/test/sync/worker.js')
    const twin = join(this.folder, bug.name.replaceAll(' ', '-'))
    cpSync(join(this.folder, 'sound'), twin, { recursive: true })
    const file = join(twin, bug.file)
    const parts = readFileSync(file, 'utf8').split(bug.sound)
    if (parts.length !== 2) {
      throw new Error(`${bug.file} has ${parts.length - 1} places for "${bug.name}", expected 1`)
    }
    writeFileSync(file, parts.join(bug.faulty))
    return join(twin, 'test/sync/worker.js')
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

export interface CrewOptions extends Partial<ControlSizes> {
  /** One worker each, on seats 0, 1, … */
  readonly tasks: readonly string[]
  readonly amount: number
  readonly scratchWords?: number
  readonly spinCount?: number
}

/** Workers at their tasks, over one control buffer. */
export class Crew {
  readonly control: Control
  readonly scratch: Int32Array<SharedArrayBuffer>
  readonly #workers: Worker[] = []
  readonly #options: CrewOptions
  readonly #file: string
  /** One message per worker that did not get through its task. */
  readonly failures: string[] = []
  #left = 0
  #offline = 0

  constructor(workerFile: string, options: CrewOptions) {
    this.#file = workerFile
    this.#options = options
    this.control = createControl({
      seats: options.seats ?? options.tasks.length,
      heapBytes: PAGE_BYTES,
      mappingsMax: 16,
      locksMax: 8,
      cellsPerSeat: 1,
      tableCells: options.tableCells ?? options.tasks.length,
      channelCapacities: options.channelCapacities ?? [],
      barriers: 1,
      runQueueSlots: options.runQueueSlots ?? 8,
      logEntries: 16,
    })
    this.control.words[ControlWord.STATE] = RunState.RUNNING
    this.control.words[ControlWord.SPIN_COUNT] = options.spinCount ?? 0
    const words = options.scratchWords ?? 256
    this.scratch = new Int32Array(new SharedArrayBuffer(words * 4))
  }

  start(): this {
    for (const seat of this.#options.tasks.keys()) this.startTask(seat)
    return this
  }

  startTask(seat: number): void {
    const data: TaskData = {
      task: this.#options.tasks[seat]!,
      seat,
      buffer: this.control.bytes.buffer,
      plan: this.control.plan,
      scratch: this.scratch,
      amount: this.#options.amount,
    }
    const worker = new Worker(this.#file, { workerData: data })
    this.#left++
    this.#offline++
    worker.on('online', () => this.#offline--)
    worker.on('message', ({ ok, message }: { ok: boolean; message: string }) => {
      if (!ok) this.failures.push(message)
    })
    worker.on('error', (error) => this.failures.push(String(error)))
    worker.on('exit', () => this.#left--)
    this.#workers.push(worker)
  }

  /**
   * `done` when all workers have left, `hang` when none makes progress; then they are terminated.
   */
  async finished(hangMs = HANG_MS): Promise<'done' | 'hang'> {
    let picture = ''
    let still = 0
    while (this.#left > 0 && still * LOOK_MS < hangMs) {
      await pause(LOOK_MS)
      const now = this.#picture()
      still = now === picture && this.#offline === 0 ? still + 1 : 0
      picture = now
    }
    const verdict = this.#left === 0 ? 'done' : 'hang'
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
    return verdict
  }

  /** True as soon as `isTrue`; false when that takes too long, or `signal` calls it off. */
  async until(isTrue: () => boolean, signal?: AbortSignal): Promise<boolean> {
    for (let look = 0; look * LOOK_MS < 2 * HANG_MS && signal?.aborted !== true; look++) {
      if (isTrue()) return true
      await pause(LOOK_MS)
    }
    return false
  }

  /** Ends the run. Without time slices, sleepers must be woken to see it. */
  end(state: RunState = RunState.ENDING): void {
    const { at } = this.control.plan
    setRunState(this.control, state)
    for (let word = at.channels / 4; word < at.runQueue / 4; word++) {
      Atomics.notify(this.control.int32, word)
    }
    Atomics.notify(this.scratch, 0)
  }

  /** Puts a content that the tasks know to be whole into cell number `cell`. */
  fillCell(cell: number, token: number): void {
    this.control.cells.set([token, token * 3, token * 5, token * 7], cell * CELL_WORDS)
  }

  counter(seat: number, counter: Counter): number {
    return this.control.counters[seat * COUNTER_ROW + counter]!
  }

  /** Seats in one of these states. */
  seatsIn(...states: readonly SeatState[]): number {
    const { seats, plan } = this.control
    let found = 0
    for (let seat = 0; seat < plan.seats; seat++) {
      const state = Atomics.load(seats, seat * SEAT_ROW_WORDS + SeatWord.STATE)
      if (states.some((wanted) => wanted === state)) found++
    }
    return found
  }

  #picture(): string {
    const { seats, plan, words } = this.control
    let picture = `${words[ControlWord.QUEUE_PUSHED]} ${this.#left}`
    for (let seat = 0; seat < plan.seats; seat++) {
      picture += ` ${seats[seat * SEAT_ROW_WORDS + SeatWord.PROGRESS]}`
    }
    return picture
  }
}
