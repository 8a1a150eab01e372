/**
 * Why a comparison failed: the trace is carried out again up to the op that differs, and what the
 * model's arena looks like just before it is shown, with the last ops on that arena.
 */
import { packCheckpoint, packOps } from '../../machine/native/pack.ts'
import { NativeFailure, replayNative } from '../../machine/native/replay.ts'
import { STATE_TAG_ARENA, STATE_TAG_BRK } from '../../machine/placements.ts'
import { SerialMachine } from '../../machine/serial/serial-machine.ts'
import { lineOfOp, type TraceChunk } from '../../workload/trace/chunk.ts'
import { TraceOp } from '../../workload/trace/format.ts'
import type { CompareOptions, Difference } from './compare.ts'
import type { Subject } from './subject.ts'
import type { TraceSource } from './trace-source.ts'

/** Ops shown of the arena that differs. */
const LAST_OPS = 16
/** Ops before the difference that are looked at one by one. */
const CLOSE_OPS = 20_000
const HOPS_BITS = 12
const HOPS_MASK = 0xfff

export interface Explanation {
  /** Arena of the model's placement, as placements name it: `M`, `H2`, `P`. */
  readonly arena: string
  /** Its top, bins and the thread's cache in the model, just before the op. */
  readonly arenaLines: readonly string[]
  /** The last ops on that arena: `line text → placement`. */
  readonly lastOps: readonly string[]
  /** The first chunk that differs just before the op, when heaps already did. */
  readonly earlierState: string | undefined
}

export async function explainDifference(
  source: TraceSource,
  subject: Subject,
  options: CompareOptions,
  difference: Difference,
): Promise<Explanation> {
  const until = difference.at?.op ?? Number.POSITIVE_INFINITY
  const close = new CloseLook(subject, options, difference)
  const parts: Uint8Array[] = []
  for await (const chunk of source.chunks()) {
    if (chunk.firstOp > until) break
    const to = Math.min(chunk.length, until - chunk.firstOp)
    const left = close.follow(chunk, to, until)
    parts.push(packOps(chunk, 0, to, left))
  }
  const arena = close.arenaOf(difference.model)
  const explanation = {
    arena,
    arenaLines: close.machine.describe(arena, close.thread),
    lastOps: close.lastOpsOf(arena),
    earlierState: await firstStateDifference(close.machine, subject, parts),
  }
  close.machine.release()
  return explanation
}

class CloseLook {
  readonly machine: SerialMachine
  /** Thread of the op that differs. */
  thread = 0
  /** Where the block of the op that differs lies before it. */
  #placed = '0'
  readonly #lastOps = new Map<string, string[]>()

  constructor(subject: Subject, options: CompareOptions, _difference: Difference) {
    this.machine = new SerialMachine(subject.design, subject.tunables, {
      ...options,
      placements: false,
      leaveUncertain: true,
    })
  }

  /** Carries out ops [0, to) of a chunk; the places of those left out. */
  follow(chunk: TraceChunk, to: number, until: number): number[] {
    const far = Math.max(0, Math.min(to, until - CLOSE_OPS - chunk.firstOp))
    this.machine.carryOut(chunk, 0, far)
    for (let i = far; i < to; i++) this.#one(chunk, i)
    if (to < chunk.length) {
      this.thread = chunk.thread[to]!
      if (chunk.slot[to]! >= 0) this.#placed = this.machine.placementOf(chunk.slot[to]!)
    }
    return this.machine.left.splice(0)
  }

  #one(chunk: TraceChunk, i: number): void {
    const slot = chunk.slot[i]!
    const ends = chunk.code[i] === TraceOp.FREE || chunk.code[i] === TraceOp.WRITE
    const before = slot >= 0 ? this.machine.placementOf(slot) : '0'
    this.machine.carryOut(chunk, i, i + 1)
    if (slot < 0) return
    const after = ends ? before : this.machine.placementOf(slot)
    const arena = arenaName(after === '0' ? before : after)
    const ops = this.#lastOps.get(arena) ?? []
    ops.push(`line ${chunk.line[i]}: ${lineOfOp(chunk, i)} → ${after}`)
    if (ops.length > LAST_OPS) ops.shift()
    this.#lastOps.set(arena, ops)
  }

  /** Arena the model's placement is in; else that of the block before; else the main one. */
  arenaOf(placement: string): string {
    if (/^(M|H\d|P|F)/.test(placement)) return arenaName(placement)
    return this.#placed === '0' ? 'M' : arenaName(this.#placed)
  }

  lastOpsOf(arena: string): readonly string[] {
    return this.#lastOps.get(arena) ?? []
  }
}

/** `H2` of `H2.1 4096`. */
const arenaName = (placement: string): string => /^[MPF]|^H\d+/.exec(placement)?.[0] ?? 'M'

async function firstStateDifference(
  machine: SerialMachine,
  subject: Subject,
  parts: readonly Uint8Array[],
): Promise<string | undefined> {
  const model = machine.probe.dump()
  if (model === undefined) return undefined
  const checkpoints = machine.checkpoints
  let real: Int32Array | undefined
  try {
    const replay = replayNative([...parts, packCheckpoint()], {
      allocator: 'glibc',
      settings: subject.settings,
      dumpAt: checkpoints,
    })
    for await (const { dumps } of replay) real ??= dumps[0]
  } catch (error) {
    if (!(error instanceof NativeFailure)) throw error
    return `the real one ends: ${error.message}`
  }
  return real === undefined ? undefined : firstChunk(model, real)
}

function firstChunk(model: Int32Array, real: Int32Array): string | undefined {
  let heap = 'M'
  for (let at = 0; at < Math.max(model.length, real.length); at += 2) {
    const same = model[at] === real[at] && model[at + 1] === real[at + 1]
    if (!same) return `${heap}: model ${chunkText(model, at)}, real ${chunkText(real, at)}`
    heap = heapName(model[at]! >>> 0) ?? heap
  }
  return undefined
}

function heapName(word: number): string | undefined {
  if (word === STATE_TAG_BRK) return 'M'
  const isArena = word >= STATE_TAG_ARENA && word < STATE_TAG_BRK
  const rest = word - STATE_TAG_ARENA
  return isArena ? `H${rest >>> HOPS_BITS}.${rest & HOPS_MASK}` : undefined
}

function chunkText(dump: Int32Array, at: number): string {
  if (at >= dump.length) return 'ends'
  const heap = heapName(dump[at]! >>> 0)
  if (heap !== undefined) return `heap ${heap} begins`
  const head = dump[at + 1]! >>> 0
  const flags = `${head & 4 ? 'A' : '-'}${head & 1 ? 'P' : '-'}`
  return `chunk @${dump[at]! >>> 0} size ${head - (head % 8)} ${flags}`
}
