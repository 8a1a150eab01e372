/**
 * A scenario as the native replayer reads it: every lab thread's ops in a file of its own, recorded
 * before the run, and a plan. Nothing a script does depends on data or time, so all lab threads
 * that will ever be started are known from the scripts alone.
 *
 *   plan   magic, lab threads, private cells, cells of all tables, stack bytes, milliseconds until
 *          the deadline (0: none), fill, barriers, channels, capacity of each channel
 *   N      magic, loop (1 or 0), 0, 0, then ops: as in lab/workload/ops.ts, but
 *          START  number of the lab thread started, first handed cell, handed cells
 *          PHASE  number of its label
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { BadInput } from '../../words/bad-input.ts'
import { eachOp, readArgs, readText } from '../../workload/decode.ts'
import { OP_OPERANDS, Op } from '../../workload/ops.ts'
import { planScenario, type ScenarioPlan } from '../../workload/plan.ts'
import { type Batch, RoleRecorder } from '../../workload/recorder.ts'
import type { AnyParams, RoleArgs, RoleEntry, Scenario } from '../../workload/scenario.ts'

/** `ALP1` and `ALO1`. */
const PLAN_MAGIC = 0x31504c41
const OPS_MAGIC = 0x314f4c41
/** Ops of all lab threads together: about 12 bytes each, on disk. */
const OPS_MAX = 2 ** 27

export interface ScenarioFilesOptions {
  readonly scenario: Scenario
  readonly params: AnyParams
  readonly seed: number
  /** Until the deadline; undefined: the scenario's own, if it has one. */
  readonly seconds: number | undefined
  /** Write every byte of a block. */
  readonly fill: boolean
}

export interface ScenarioFiles {
  readonly plan: ScenarioPlan
  /** Labels of phases, by number. */
  readonly phases: readonly string[]
  readonly threads: number
}

/** Writes plan and op files into `folder`. `BadInput` for a scenario that never ends by itself. */
export async function writeScenarioFiles(
  folder: string,
  options: ScenarioFilesOptions,
): Promise<ScenarioFiles> {
  const writer = new FilesWriter(folder, options)
  return writer.write()
}

/** A lab thread to be recorded. */
interface Pending {
  readonly number: number
  readonly role: RoleEntry
  readonly args: RoleArgs
  readonly handed: number
  readonly index: number
}

class FilesWriter {
  readonly #folder: string
  readonly #options: ScenarioFilesOptions
  readonly #plan: ScenarioPlan
  readonly #pending: Pending[] = []
  readonly #phases = new Map<string, number>()
  #threads = 0
  #opsLeft = OPS_MAX

  constructor(folder: string, options: ScenarioFilesOptions) {
    this.#folder = folder
    this.#options = options
    this.#plan = planScenario(options.scenario, options.params)
  }

  async write(): Promise<ScenarioFiles> {
    this.#add(this.#options.scenario.main, {}, 0, 0)
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      await this.#thread(next)
    }
    await this.#writePlan()
    return { plan: this.#plan, phases: [...this.#phases.keys()], threads: this.#threads }
  }

  /** Its number. */
  #add(role: RoleEntry, args: RoleArgs, handed: number, index: number): number {
    const number = this.#threads++
    this.#pending.push({ number, role, args, handed, index })
    return number
  }

  async #thread({ number, role, args, handed, index }: Pending): Promise<void> {
    const { scenario, params, seed } = this.#options
    const { tables, privateCells } = this.#plan
    const recorder = new RoleRecorder({
      scenario,
      params,
      role,
      index,
      seed,
      args,
      handed,
      tables,
      privateCells,
    })
    const startedByRole = new Map<number, number>()
    const file = await open(join(this.#folder, String(number)), 'w')
    try {
      await file.write(bytesOf([OPS_MAGIC, role.loop ? 1 : 0, 0, 0]))
      for (let done = false; !done; ) {
        const batch = recorder.nextBatch()
        this.#opsLeft -= batch.opCount
        if (this.#opsLeft < 0) throw tooLong(scenario)
        await file.write(bytesOf(this.#translate(batch, startedByRole)))
        done = batch.done || role.loop
      }
    } finally {
      await file.close()
    }
  }

  /** The batch without texts. */
  #translate(batch: Batch, startedByRole: Map<number, number>): number[] | Int32Array {
    const words = new Int32Array(batch.length)
    let used = 0
    eachOp(batch.ops, batch.length, (code, at) => {
      words[used++] = code
      if (code === Op.PHASE) {
        words[used++] = this.#phase(readText(batch.ops, at))
        return
      }
      const operands = OP_OPERANDS[code]!
      for (let i = 1; i <= operands; i++) words[used + i - 1] = batch.ops[at + i]!
      if (code === Op.START) words[used] = this.#start(batch.ops, at, startedByRole)
      used += operands
    })
    return words.subarray(0, used)
  }

  #phase(label: string): number {
    const known = this.#phases.get(label)
    if (known !== undefined) return known
    this.#phases.set(label, this.#phases.size)
    return this.#phases.size - 1
  }

  #start(ops: Int32Array, at: number, startedByRole: Map<number, number>): number {
    const role = this.#options.scenario.roles[ops[at + 1]!]!
    const index = startedByRole.get(role.number) ?? 0
    startedByRole.set(role.number, index + 1)
    return this.#add(role, readArgs(ops, at), ops[at + 3]!, index)
  }

  async #writePlan(): Promise<void> {
    const { privateCells, tableCells, stackBytes, barriers, channelCapacities, seconds } =
      this.#plan
    const wanted = this.#options.seconds ?? seconds ?? 0
    const words = [
      PLAN_MAGIC,
      this.#threads,
      privateCells,
      tableCells,
      stackBytes,
      Math.ceil(wanted * 1000),
      this.#options.fill ? 1 : 0,
      barriers,
      channelCapacities.length,
      ...channelCapacities,
    ]
    const file = await open(join(this.#folder, 'plan'), 'w')
    await file.write(bytesOf(words))
    await file.close()
  }
}

function bytesOf(words: readonly number[] | Int32Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = Int32Array.from(words)
  return new Uint8Array(buffer, byteOffset, byteLength)
}

const tooLong = ({ name }: Scenario): BadInput =>
  new BadInput(
    `scenario ${name} records over ${OPS_MAX} ops: too many for native, which records ` +
      'all of them beforehand (give it smaller parameters)',
  )
