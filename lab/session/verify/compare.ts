/**
 * The same trace into the model and into the real allocator, at the same time: while the real one
 * works on a chunk, the model works on the next. Stops at the first difference.
 */
import { packCheckpoint, packOps } from '../../machine/native/pack.ts'
import { NativeFailure, replayNative } from '../../machine/native/replay.ts'
import { tcmallocStatsLines } from '../../machine/native/tcmalloc-stats.ts'
import {
  CHECK_FIGURES,
  Placed,
  placedKind,
  placementText,
  type ReplayRecords,
} from '../../machine/placements.ts'
import { HeapCorrupted } from '../../machine/process.ts'
import { SerialMachine, type SerialOptions } from '../../machine/serial/serial-machine.ts'
import { HeapBufferFull } from '../../memory/errors.ts'
import { isBadInput, messageOf } from '../../words/bad-input.ts'
import { lineOfOp, type TraceChunk } from '../../workload/trace/chunk.ts'
import { TraceOp } from '../../workload/trace/format.ts'
import type { Subject } from './subject.ts'
import type { TraceSource } from './trace-source.ts'

export interface CompareOptions {
  /** CPUs the model sees: as many as the host has online. */
  readonly cores: number
  readonly heapBytes: number
  /** Threads alive at once. */
  readonly threadsMax: number
}

/** An op of a trace, as messages name it. */
export interface OpName {
  /** Counted from 0. */
  readonly op: number
  /** Line of the trace. */
  readonly line: number
  readonly text: string
}

/** The first op after which model and real allocator differ. */
export interface Difference {
  readonly what: 'placement' | 'checkpoint' | 'malloc_info' | 'abort'
  /** Undefined for the state after the last op. */
  readonly at: OpName | undefined
  readonly model: string
  readonly native: string
}

export interface Comparison {
  readonly ops: number
  readonly placements: number
  readonly checkpoints: number
  /** memaligns that were left out: their real outcome depends on address randomization. */
  readonly left: readonly OpName[]
  readonly difference: Difference | undefined
}

/** What both hold resident at a checkpoint, in bytes. */
export interface CheckpointRss {
  /** Undefined for the state after the last op. */
  readonly at: OpName | undefined
  /** What the trace calls it: the scenario's phase; '' where it has no name. */
  readonly label: string
  readonly model: number
  readonly native: number
}

export type OnCheckpoint = (rss: CheckpointRss) => void

/** A chunk the model has carried out and the real one has not answered yet. */
interface Expected {
  readonly chunk: TraceChunk | undefined
  /** Places of ops left out. */
  readonly left: readonly number[]
  readonly records: ReplayRecords
  /** What stopped the model within this chunk. */
  readonly failure: string | undefined
}

/**
 * Throws `BadInput` for a bad trace and `HeapBufferFull` where the lab has no room for what the
 * trace asks; everything else that goes wrong is a difference.
 * `onCheckpoint` is told of each checkpoint, in order.
 */
export async function compareTrace(
  source: TraceSource,
  subject: Subject,
  options: CompareOptions,
  onCheckpoint?: OnCheckpoint,
): Promise<Comparison> {
  const run = new ComparisonRun(source, subject, options, onCheckpoint)
  return run.carryOut()
}

class ComparisonRun {
  readonly #source: TraceSource
  readonly #subject: Subject
  readonly #machine: SerialMachine
  readonly #onCheckpoint: OnCheckpoint | undefined
  readonly #queue: Expected[] = []
  readonly #left: OpName[] = []
  /** Next record of the queue's first entry to be compared: its word in `placements`. */
  #at = 0
  #placements = 0
  #checkpoints = 0
  #difference: Difference | undefined

  constructor(
    source: TraceSource,
    subject: Subject,
    options: CompareOptions,
    onCheckpoint: OnCheckpoint | undefined,
  ) {
    this.#source = source
    this.#subject = subject
    this.#onCheckpoint = onCheckpoint
    this.#machine = new SerialMachine(subject.design, subject.tunables, serialOptions(options))
  }

  async carryOut(): Promise<Comparison> {
    const { settings, allocator } = this.#subject
    const native = replayNative(this.#feed(), { allocator, settings, mallocInfo: true })
    let mallocInfo = ''
    try {
      for await (const records of native) {
        mallocInfo ||= records.mallocInfo
        this.#compare(records)
        if (this.#difference !== undefined) break
      }
      this.#difference ??= this.#atEnd(mallocInfo)
    } catch (error) {
      if (!(error instanceof NativeFailure)) throw error
      this.#difference ??= this.#nativeFailed(error.message)
    } finally {
      this.#machine.release()
    }
    return {
      ops: this.#machine.ops,
      placements: this.#placements,
      checkpoints: this.#checkpoints,
      left: this.#left,
      difference: this.#difference,
    }
  }

  /** What the native replayer reads: each chunk once the model has carried it out. */
  async *#feed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source.chunks()) {
      const expected = this.#model(chunk)
      this.#queue.push(expected)
      if (expected.failure !== undefined) {
        // The real one gets the op that stopped the model, to see what it makes of it.
        const to = this.#machine.ops - chunk.firstOp
        yield packOps(chunk, 0, to, expected.left)
        return
      }
      yield packOps(chunk, 0, chunk.length, expected.left)
    }
    this.#machine.checkpoint()
    const records = this.#machine.take()
    this.#queue.push({ chunk: undefined, left: [], records, failure: undefined })
    yield packCheckpoint()
  }

  #model(chunk: TraceChunk): Expected {
    const machine = this.#machine
    let failure: string | undefined
    try {
      machine.carryOut(chunk)
    } catch (error) {
      if (isBadInput(error) || error instanceof HeapBufferFull) throw error
      failure = error instanceof HeapCorrupted ? error.message : `failed: ${stackOf(error)}`
    }
    const left = machine.left.splice(0)
    for (const i of left) this.#left.push(nameOf(chunk, i))
    return { chunk, left, records: machine.take(), failure }
  }

  #compare(actual: ReplayRecords): void {
    const real = actual.placements
    let at = 0
    while (at < real.length && this.#difference === undefined) {
      const expected = this.#queue[0]
      if (expected === undefined) throw new Error('the native replayer is ahead of the model')
      const model = expected.records.placements
      const count = Math.min(model.length - this.#at, real.length - at)
      this.#compareRun(expected, actual, at, count)
      this.#at += count
      at += count
      if (this.#at < model.length) continue
      if (expected.failure !== undefined) {
        // Only the op that stopped the model can have more records.
        if (at < real.length) this.#modelFailed(expected, recordText(actual, at))
        return
      }
      this.#queue.shift()
      this.#at = 0
    }
  }

  /** Compares `count` words of both, from where they stand. */
  #compareRun(expected: Expected, actual: ReplayRecords, from: number, count: number): void {
    const model = expected.records.placements
    const real = actual.placements
    const base = this.#at
    for (let i = 0; i < count; i += 2) {
      const word0 = model[base + i]!
      const isCheck = placedKind(word0) === Placed.CHECK
      if (isCheck) this.#checkpoints++
      else this.#placements++
      const same = isCheck
        ? this.#sameCheck(expected, base + i, actual, from + i)
        : word0 === real[from + i] && model[base + i + 1] === real[from + i + 1]
      if (same) continue
      this.#difference ??= {
        what: 'placement',
        at: opOfRecord(expected, (base + i) / 2),
        model: recordText(expected.records, base + i),
        native: recordText(actual, from + i),
      }
      return
    }
  }

  #sameCheck(expected: Expected, at: number, actual: ReplayRecords, from: number): boolean {
    if (placedKind(actual.placements[from]!) !== Placed.CHECK) return false
    const check = expected.records.placements[at + 1]!
    const model = expected.records.checks[check]!
    const real = actual.checks[actual.placements[from + 1]!]!
    this.#onCheckpoint?.({
      at: opOfRecord(expected, at / 2),
      label: expected.chunk?.labels[check] ?? '',
      model: model[RSS]!,
      native: real[RSS]!,
    })
    const differing = this.#subject.compared.filter(({ place }) => model[place] !== real[place])
    if (differing.length === 0) return true
    const text = (figures: Float64Array) =>
      differing.map(({ name, place }) => `${name} ${figures[place]}`).join(', ')
    this.#difference = {
      what: 'checkpoint',
      at: opOfRecord(expected, at / 2),
      model: text(model),
      native: text(real),
    }
    return false
  }

  /** `text` is what the real one tells about itself: malloc_info, or tcmalloc's statistics. */
  #atEnd(text: string): Difference | undefined {
    const waiting = this.#queue[0]
    if (waiting?.failure !== undefined) return this.#modelFailed(waiting, 'goes on')
    if (waiting !== undefined) throw new Error('the native replayer left records out')
    const model = this.#machine.probe.mallocInfo()
    const real = this.#subject.allocator === 'tcmalloc' ? tcmallocStatsLines(text) : text
    if (model === undefined || model === real) return undefined
    return { what: 'malloc_info', at: undefined, ...firstDifferentLine(model, real) }
  }

  #modelFailed(expected: Expected, native: string): Difference {
    const chunk = expected.chunk!
    this.#difference = {
      what: 'abort',
      at: nameOf(chunk, this.#machine.ops - 1 - chunk.firstOp),
      model: expected.failure!,
      native,
    }
    return this.#difference
  }

  #nativeFailed(message: string): Difference | undefined {
    const waiting = this.#queue[0]
    if (waiting?.failure === message) return undefined
    const at = waiting && opOfRecord(waiting, this.#at / 2)
    return { what: 'abort', at, model: waiting?.failure ?? 'goes on', native: message }
  }
}

const RSS = CHECK_FIGURES.indexOf('rss')

const serialOptions = (options: CompareOptions): SerialOptions => ({
  ...options,
  placements: true,
  leaveUncertain: true,
})

const nameOf = (chunk: TraceChunk, i: number): OpName => ({
  op: chunk.firstOp + i,
  line: chunk.line[i]!,
  text: lineOfOp(chunk, i),
})

/** Ops that have a record. */
const hasRecord = (code: number): boolean => code <= TraceOp.MEMALIGN || code === TraceOp.CHECKPOINT

/** The op whose record is number `record` among those of its chunk. */
function opOfRecord({ chunk, left }: Expected, record: number): OpName | undefined {
  if (chunk === undefined) return undefined
  let before = 0
  for (let i = 0; i < chunk.length; i++) {
    if (!hasRecord(chunk.code[i]!) || left.includes(i)) continue
    if (before++ === record) return nameOf(chunk, i)
  }
  return undefined
}

function recordText(records: ReplayRecords, at: number): string {
  const word0 = records.placements[at]!
  if (placedKind(word0) === Placed.CHECK) return 'a checkpoint'
  return placementText(word0, records.placements[at + 1]!)
}

function firstDifferentLine(model: string, native: string): { model: string; native: string } {
  const [ours, theirs] = [model.split('\n'), native.split('\n')]
  const at = ours.findIndex((line, i) => line !== theirs[i])
  const line = at < 0 ? ours.length : at
  return { model: ours[line] ?? 'nothing', native: theirs[line] ?? 'nothing' }
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
