/**
 * Replays a trace file on the serial machine or under a real malloc: what `arena-lab replay` does.
 */
import { parseVariant, resolveTunables } from '../../allocators/parse-tunables.ts'
import { loadDesign } from '../machine/designs.ts'
import { nativeReplayer } from '../machine/native/build.ts'
import {
  GLIBC_TUNABLE_NAMES,
  isGlibcTunable,
  type NativeSettings,
} from '../machine/native/environment.ts'
import { packCheckpoint, packOps } from '../machine/native/pack.ts'
import { type NativeOptions, replayNative } from '../machine/native/replay.ts'
import { CHECK_FIGURES, type ReplayRecords, TCMALLOC_FIGURES } from '../machine/placements.ts'
import { SerialMachine, type SerialOptions } from '../machine/serial/serial-machine.ts'
import type { Assignment } from '../words/assignments.ts'
import { BadInput, quoted } from '../words/bad-input.ts'
import { unknownName } from '../words/nearest.ts'
import { parseSize } from '../words/sizes.ts'
import { checkHeap } from './resolve.ts'
import { fileSource, type TraceSource } from './verify/trace-source.ts'

export interface ReplayRequest {
  /** Path of the trace, `-` for standard input. */
  readonly file: string
  /** `glibc`, `glibc:arena_max=1`, `./my-design.ts`, `native:jemalloc`, … */
  readonly variant: string
  /** A library to be preloaded: then the variant is `native:` and any name. */
  readonly preload?: string | undefined
  readonly cores: number
  readonly heapBytes: number
  /** What is wanted of it. */
  readonly wanted: 'placements' | 'malloc-info' | 'summary'
}

export interface ReplaySummary {
  readonly variant: string
  readonly ops: number
  /** All of it, with the reading of the file. */
  readonly seconds: number
  /** Carrying out alone. A real malloc's replayer reads as it goes: there it is `seconds`. */
  readonly replaySeconds: number
  /** `ops` over `replaySeconds`; 0 without ops. */
  readonly opsPerSecond: number
  /** Of the end state, by the names of a checkpoint; bytes and counts. */
  readonly figures: Readonly<Record<string, number>>
}

export interface ReplayResult {
  readonly summary: ReplaySummary
  /** malloc_info(0)'s XML where it was wanted. */
  readonly mallocInfo: string
}

/** Threads alive at once, at most. */
const THREADS_MAX = 4096
const NATIVE = 'native:'

/**
 * `onRecords` gets placements as they come, in the trace's order, when they are wanted. Rejects
 * with `BadInput`, HeapCorrupted (the design's integrity errors) or NativeFailure.
 */
export async function replayTrace(
  request: ReplayRequest,
  onRecords: (records: ReplayRecords) => Promise<void> | void,
): Promise<ReplayResult> {
  const source = fileSource(request.file)
  const variant = parseVariant(request.variant)
  if (!variant.design.startsWith(NATIVE)) {
    checkHeap(request.heapBytes)
    if (request.preload === undefined) return replaySerial(request, source, onRecords)
    throw new BadInput(`--preload is for native:NAME, not for ${quoted(request.variant)}`)
  }
  const allocator = variant.design.slice(NATIVE.length)
  const settings = nativeSettings(allocator, variant.assignments)
  const preload = request.preload === undefined ? {} : { preload: request.preload }
  const mallocInfo = request.wanted === 'malloc-info'
  if (mallocInfo && (allocator !== 'glibc' || request.preload !== undefined)) {
    throw new BadInput('--malloc-info is glibc’s: use -a native:glibc')
  }
  return replayReal(request, source, { allocator, settings, mallocInfo, ...preload }, onRecords)
}

async function replaySerial(
  request: ReplayRequest,
  source: TraceSource,
  onRecords: (records: ReplayRecords) => Promise<void> | void,
): Promise<ReplayResult> {
  const variant = parseVariant(request.variant)
  const design = await loadDesign(variant.design)
  const tunables = resolveTunables(design.tunables, variant.assignments)
  const placements = request.wanted === 'placements'
  const options: SerialOptions = {
    cores: request.cores,
    heapBytes: request.heapBytes,
    threadsMax: THREADS_MAX,
    placements,
    leaveUncertain: false,
  }
  const machine = new SerialMachine(design, tunables, options)
  const start = process.hrtime.bigint()
  let replaySeconds = 0
  for await (const chunk of source.chunks()) {
    const chunkStart = process.hrtime.bigint()
    machine.carryOut(chunk)
    replaySeconds += secondsSince(chunkStart)
    if (placements) await onRecords(machine.take())
  }
  const times = { seconds: secondsSince(start), replaySeconds }
  const figures = machine.figures()
  const mallocInfo = request.wanted === 'malloc-info' ? machine.probe.mallocInfo() : ''
  if (mallocInfo === undefined) {
    throw new BadInput(`--malloc-info: ${quoted(design.name)} has no malloc_info`)
  }
  machine.release()
  return { summary: summaryOf(request, machine.ops, times, figures), mallocInfo }
}

async function replayReal(
  request: ReplayRequest,
  source: TraceSource,
  options: NativeOptions,
  onRecords: (records: ReplayRecords) => Promise<void> | void,
): Promise<ReplayResult> {
  let ops = 0
  const withCheckpoint = request.wanted === 'summary'
  async function* parts(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source.chunks()) {
      ops += chunk.length
      yield packOps(chunk, 0, chunk.length, [])
    }
    if (withCheckpoint) yield packCheckpoint()
  }
  // Compiled by now, so that the time is the replay's alone.
  await nativeReplayer()
  const start = process.hrtime.bigint()
  let last: Float64Array = new Float64Array(0)
  let mallocInfo = ''
  for await (const records of replayNative(parts(), options)) {
    last = records.checks.at(-1) ?? last
    mallocInfo += records.mallocInfo
    if (request.wanted === 'placements') await onRecords(records)
  }
  const seconds = secondsSince(start)
  const times = { seconds, replaySeconds: seconds }
  return { summary: summaryOf(request, ops, times, last), mallocInfo }
}

const secondsSince = (start: bigint): number => Number(process.hrtime.bigint() - start) / 1e9

function summaryOf(
  request: ReplayRequest,
  ops: number,
  times: Pick<ReplaySummary, 'seconds' | 'replaySeconds'>,
  values: Float64Array,
): ReplaySummary {
  const names = [...CHECK_FIGURES, ...TCMALLOC_FIGURES]
  const figures: Record<string, number> = {}
  for (const [i, value] of values.entries()) figures[names[i] ?? `figure${i}`] = value
  const opsPerSecond = ops > 0 ? ops / times.replaySeconds : 0
  return { variant: request.variant, ops, ...times, opsPerSecond, figures }
}

/**
 * What follows `native:NAME:`; sizes such as 128KiB become bytes for glibc, which reads no units.
 */
function nativeSettings(allocator: string, assignments: readonly Assignment[]): NativeSettings {
  const settings: Record<string, string | number> = {}
  for (const { name, text } of assignments) {
    const plain = name.replace(/^glibc\.malloc\./, '')
    const isVariable = plain === plain.toUpperCase()
    if (allocator === 'glibc' && !isVariable && !isGlibcTunable(plain)) {
      throw unknownName('tunable of glibc', plain, GLIBC_TUNABLE_NAMES)
    }
    settings[plain] = allocator === 'glibc' ? (parseSize(text) ?? text) : text
  }
  return settings
}
