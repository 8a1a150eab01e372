/**
 * Records what a role does. A recorder belongs to one lab thread; its machine asks it for batches
 * and carries them out in turn, so that scenario logic never counts as allocator time.
 */
import { BadInput, messageOf } from '../words/bad-input.ts'
import { unknownName } from '../words/nearest.ts'
import { OpBatch } from './op-batch.ts'
import { Op } from './ops.ts'
import type { TableLayout } from './plan.ts'
import { PrivateCells } from './private-cells.ts'
import { RandomStream } from './random.ts'
import type { AnyParams, CellRef, Recorder, RoleArgs, RoleEntry, Scenario } from './scenario.ts'

/** Most ops between two yields; least ops of a loop role's recording. */
const OPS_WITHOUT_YIELD_MAX = 2 ** 20
const LOOP_OPS = 2 ** 20
/** A batch is cut at the first yield past so many words. */
export const BATCH_WORDS = 32 * 1024
/**
 * The first batch of a lab thread is this short, and each later one twice as long as the one
 * before, up to `BATCH_WORDS`: a thread that was just started comes to its first malloc as soon as
 * a real one.
 */
export const FIRST_BATCH_WORDS = 64
/** Bytes of a phase label, and of `start`'s arguments as JSON: they must fit a run-queue entry. */
const TEXT_BYTES_MAX = 256
const INT_MAX = 0x7fffffff
const NS_PER_MS = 1_000_000

/** What a recorder is for. */
export interface RecorderOptions {
  readonly scenario: Scenario
  readonly params: AnyParams
  readonly role: RoleEntry
  /** Which lab thread of the role, where `args.index` does not say. */
  readonly index: number
  readonly seed: number
  readonly args: RoleArgs
  /** Cells got from the starter: they are cells 0, 1, 2, … */
  readonly handed: number
  readonly tables: TableLayout
  /** Private cells a seat has. */
  readonly privateCells: number
  /** Ops of a loop role's recording; 2^20 when absent. */
  readonly loopOps?: number | undefined
  /** A loop role's recording comes in parts, as other roles do; `done` after its last one. */
  readonly loopInParts?: boolean
  /** What it records into, of nobody else's while it lives; its own when absent. */
  readonly batch?: OpBatch | undefined
  /** Cut a batch at every yield that recorded something: for machines that take turns there. */
  readonly everyYield?: boolean
}

/** A run of ops to carry out in order. `ops` is overwritten by the next `nextBatch`. */
export interface Batch {
  readonly ops: Int32Array
  /** Words of `ops` that count. */
  readonly length: number
  readonly opCount: number
  /** Nothing comes after it: the lab thread ends. */
  readonly done: boolean
}

export class RoleRecorder implements Recorder {
  readonly random: RandomStream
  readonly index: number
  readonly #options: RecorderOptions
  readonly #cells: PrivateCells
  readonly #batch: OpBatch
  readonly #script: Generator<void, void, void>
  #batchWords = FIRST_BATCH_WORDS
  #opsSinceYield = 0
  #exited = false
  #done = false
  /** Ops of earlier parts of a loop role's recording. */
  #loopOps = 0
  #loop: Batch | undefined
  #tableName: string | undefined
  #table: TableLayout[string] = { first: 0, count: 0 }

  constructor(options: RecorderOptions) {
    const { role, args, seed } = options
    this.#options = options
    this.#batch = options.batch ?? new OpBatch()
    this.#batch.clear()
    if (options.everyYield === true) this.#batchWords = 1
    this.index = args['index'] ?? options.index
    const generation = args['generation'] ?? 0
    this.random = new RandomStream({ seed, role: role.name, index: this.index, generation })
    this.#cells = new PrivateCells(options.privateCells, options.handed)
    this.#script = role.run(this, options.params, args)
  }

  /** It has recorded its own end. */
  get hasExited(): boolean {
    return this.#exited
  }

  /** Private cells its script has needed so far. */
  get cellsNeeded(): number {
    return this.#cells.highest
  }

  /** Records on, up to the first yield past this batch's length or to the end of the role. */
  nextBatch(): Batch {
    const { role, loopInParts, loopOps = LOOP_OPS } = this.#options
    if (role.loop && loopInParts !== true) return (this.#loop ??= this.#recordLoop())
    const opsMost = role.loop ? loopOps - this.#loopOps : Number.POSITIVE_INFINITY
    this.#batch.clear()
    let idleYields = 0
    while (!this.#done && this.#batch.length < this.#batchWords && this.#batch.opCount < opsMost) {
      const before = this.#batch.opCount
      this.#step()
      idleYields++
      if (this.#batch.opCount > before) idleYields = 0
      if (idleYields > OPS_WITHOUT_YIELD_MAX) this.#fail(`${idleYields} yields without an op`)
    }
    const most = this.#options.everyYield === true ? 1 : BATCH_WORDS
    this.#batchWords = Math.min(2 * this.#batchWords, most)
    this.#loopOps += this.#batch.opCount
    return this.#taken(this.#done || this.#batch.opCount >= opsMost)
  }

  /** The whole loop is one batch; its machine repeats it. */
  #recordLoop(): Batch {
    const most = this.#options.loopOps ?? LOOP_OPS
    let yields = 0
    while (!this.#done && this.#batch.opCount < most) {
      this.#step()
      if (++yields > 2 * most) break
    }
    if (this.#batch.opCount === 0) this.#fail('a loop role that records no op')
    return this.#taken(this.#exited)
  }

  #taken(done: boolean): Batch {
    const { words, length, opCount } = this.#batch
    return { ops: words, length, opCount, done }
  }

  /** Runs the script to its next yield or its end. */
  #step(): void {
    this.#opsSinceYield = 0
    let ended: boolean | undefined
    try {
      ended = this.#script.next().done
    } catch (error) {
      this.#done = true
      throw this.#named(error)
    }
    this.#done = ended === true || this.#exited
  }

  // ── blocks ─────────────────────────────────────────────────────────────────────────────────

  malloc(bytes: number, into?: CellRef): CellRef {
    const cell = this.#target(into)
    this.#count()
    this.#batch.put2(Op.MALLOC, cell, this.#whole(bytes, 'bytes'))
    return cell
  }

  calloc(count: number, bytes: number, into?: CellRef): CellRef {
    const cell = this.#target(into)
    this.#count()
    this.#batch.put3(Op.CALLOC, cell, this.#whole(count, 'count'), this.#whole(bytes, 'bytes'))
    return cell
  }

  memalign(alignment: number, bytes: number, into?: CellRef): CellRef {
    if (!isPowerOfTwo(alignment)) this.#fail(`alignment ${alignment} is no power of two`)
    const cell = this.#target(into)
    this.#count()
    this.#batch.put3(Op.MEMALIGN, cell, alignment, this.#whole(bytes, 'bytes'))
    return cell
  }

  realloc(cell: CellRef, bytes: number): void {
    this.#count()
    this.#batch.put2(Op.REALLOC, this.#usable(cell), this.#whole(bytes, 'bytes'))
  }

  free(cell: CellRef): void {
    this.#count()
    this.#batch.put1(Op.FREE, this.#usable(cell))
    this.#left(cell)
  }

  write(cell: CellRef): void {
    this.#count()
    this.#batch.put1(Op.WRITE, this.#usable(cell))
  }

  writePages(cell: CellRef, pages: number): void {
    this.#count()
    this.#batch.put2(Op.WRITE_PAGES, this.#usable(cell), this.#whole(pages, 'pages'))
  }

  // ── cells ──────────────────────────────────────────────────────────────────────────────────

  send(channel: number, cell: CellRef): void {
    this.#count()
    this.#batch.put2(Op.SEND, this.#whole(channel, 'channel'), this.#usable(cell))
    this.#left(cell)
  }

  receive(channel: number, into?: CellRef): CellRef {
    const cell = this.#target(into)
    this.#count()
    this.#batch.put2(Op.RECEIVE, this.#whole(channel, 'channel'), cell)
    return cell
  }

  swap(a: CellRef, b: CellRef): void {
    this.#count()
    this.#batch.put2(Op.SWAP, this.#usable(a), this.#usable(b))
  }

  move(from: CellRef, to: CellRef): void {
    this.#count()
    this.#batch.put2(Op.MOVE, this.#usable(from), this.#usable(to))
    if (from !== to) this.#left(from)
  }

  table(name: string, index: number): CellRef {
    const { first, count } = name === this.#tableName ? this.#table : this.#openTable(name)
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      this.#fail(`table ${name} has cells 0 to ${count - 1}, not ${index}`)
    }
    return ~(first + index) as CellRef
  }

  /** Looked up once for many calls: scripts mostly stay with one table. */
  #openTable(name: string): TableLayout[string] {
    const { tables } = this.#options
    if (!Object.hasOwn(tables, name)) throw this.#named(unknownName('table', name, keysOf(tables)))
    this.#tableName = name
    this.#table = tables[name]!
    return this.#table
  }

  cells(count: number): CellRef {
    try {
      return this.#cells.reserve(this.#whole(count, 'count')) as CellRef
    } catch (error) {
      throw this.#named(error)
    }
  }

  at(first: CellRef, index: number): CellRef {
    const cell = first + index
    if (!Number.isInteger(index) || !this.#cells.isKept(cell) || first < 0 || index < 0) {
      this.#fail(`cell ${index} of a row that starts at ${first}: not in a row of kept cells`)
    }
    return cell as CellRef
  }

  handed(index: number): CellRef {
    if (!Number.isInteger(index) || index < 0 || index >= this.#options.handed) {
      this.#fail(`was handed ${this.#options.handed} cells, so there is no cell ${index}`)
    }
    return index as CellRef
  }

  // ── time and threads ───────────────────────────────────────────────────────────────────────

  barrier(barrier: number, parties: number): void {
    this.#count()
    this.#batch.put2(Op.BARRIER, this.#whole(barrier, 'barrier'), this.#whole(parties, 'parties'))
  }

  work(ns: number): void {
    this.#duration(Op.WORK, ns)
  }

  sleep(ns: number): void {
    this.#duration(Op.SLEEP, ns)
  }

  pace(opsPerSecond: number): void {
    this.#count()
    this.#batch.put1(Op.PACE, this.#whole(opsPerSecond, 'ops per second'))
  }

  phase(label: string): void {
    this.#count()
    this.#batch.put0(Op.PHASE)
    this.#text(label, 'phase label')
  }

  trim(padBytes: number): void {
    this.#count()
    this.#batch.put1(Op.TRIM, this.#whole(padBytes, 'bytes'))
  }

  start(name: string, args: RoleArgs = {}, cells?: { first: CellRef; count: number }): void {
    const { roles } = this.#options.scenario
    const role = roles.find((entry) => entry.name === name)
    if (role === undefined) throw this.#named(unknownName('role', name, roles.map(nameOf)))
    for (const [key, value] of Object.entries(args)) {
      if (!Number.isSafeInteger(value)) this.#fail(`argument ${key} of ${name} is no whole number`)
    }
    const count = cells === undefined ? 0 : this.#whole(cells.count, 'cells')
    const first = cells === undefined ? 0 : cells.first
    for (let i = 0; i < count; i++) this.#privateOnly((first + i) as CellRef)
    this.#count()
    this.#batch.put3(Op.START, role.number, first, count)
    this.#text(JSON.stringify(args), 'arguments')
    for (let i = 0; i < count; i++) this.#left((first + i) as CellRef)
  }

  joinAll(): void {
    this.#count()
    this.#batch.put0(Op.JOIN_ALL)
  }

  exit(): void {
    this.#count()
    this.#batch.put0(Op.EXIT)
    this.#exited = true
  }

  // ── what every op does ─────────────────────────────────────────────────────────────────────

  #count(): void {
    if (this.#exited) this.#fail('records on after exit')
    if (++this.#opsSinceYield > OPS_WITHOUT_YIELD_MAX) {
      this.#fail(`${OPS_WITHOUT_YIELD_MAX} ops without a yield`)
    }
  }

  #target(into: CellRef | undefined): CellRef {
    if (into !== undefined) return this.#usable(into)
    try {
      return this.#cells.take() as CellRef
    } catch (error) {
      throw this.#named(error)
    }
  }

  #usable(cell: CellRef): CellRef {
    // A negative one came out of `table`, which has looked at it.
    if (cell < 0 || this.#cells.isUsable(cell)) return cell
    return this.#fail(`uses cell ${cell}, whose content has left (free, send, move or start)`)
  }

  #privateOnly(cell: CellRef): void {
    if (cell < 0) this.#fail('hands a shared cell to a new lab thread: only private ones can go')
    this.#usable(cell)
  }

  #left(cell: CellRef): void {
    if (cell >= 0) this.#cells.left(cell)
  }

  #whole(value: number, what: string): number {
    if (Number.isInteger(value) && value >= 0 && value <= INT_MAX) return value
    return this.#fail(`${what} must be a whole number from 0 to ${INT_MAX}, not ${value}`)
  }

  #duration(code: typeof Op.WORK | typeof Op.SLEEP, ns: number): void {
    const ms = Math.floor(ns / NS_PER_MS)
    this.#count()
    this.#batch.put2(code, this.#whole(ms, 'milliseconds'), this.#whole(ns % NS_PER_MS, 'ns'))
  }

  #text(text: string, what: string): void {
    if (Buffer.byteLength(text) > TEXT_BYTES_MAX) {
      this.#fail(`${what} of ${Buffer.byteLength(text)} bytes: at most ${TEXT_BYTES_MAX} fit`)
    }
    this.#batch.putText(text)
  }

  #fail(problem: string): never {
    throw this.#named(new BadInput(problem))
  }

  /** The error with scenario and role in front, once. */
  #named(error: unknown): BadInput {
    const prefix = `scenario ${this.#options.scenario.name}, role ${this.#options.role.name}: `
    const message = messageOf(error)
    return new BadInput(message.startsWith(prefix) ? message : prefix + message, { cause: error })
  }
}

const isPowerOfTwo = (value: number): boolean =>
  Number.isInteger(value) && value > 0 && value <= INT_MAX && (value & (value - 1)) === 0
const keysOf = (tables: TableLayout): string[] => Object.keys(tables)
const nameOf = (entry: { readonly name: string }): string => entry.name
