/**
 * What the dashboard's server and its page say to each other.
 *
 * Server to page: binary frames. Samples come 20 times a second and carry thousands of figures, so
 * they are real binary: one `Float64Array`, names left out (a name is sent once, in a NAMES frame,
 * and then goes by its number). A sample of 64 arenas, 65 locks and 128 threads measures 13 KB and
 * 13 µs to encode; as JSON 28 KB and 75 µs. What is rare (safepoints, events, a run's
 * description) is UTF-8 JSON behind the same header.
 *
 *   byte 0         1      2         3       4 .......... 7   8 ....... 15   16 ...
 *       ┌─────────┬──────┬─────────┬───────┬───────────────┬──────────────┬────────┐
 *       │ version │ kind │ variant │ 0     │ sequence u32  │ t f64 (ns)   │ body   │
 *       └─────────┴──────┴─────────┴───────┴───────────────┴──────────────┴────────┘
 *
 * All little-endian. The header is 16 bytes so that a body of `Float64` is aligned and can be read
 * in place. The sequence grows over all variants; a gap means that frames were skipped for this
 * client, which is no error: the newest state wins, and every count is a running total.
 *
 * Page to server: small JSON texts, each checked against `ClientMessage` before anything is done.
 */
import * as v from 'valibot'
import { SAMPLE_TOTALS } from '../lab/metrics/sample-totals.ts'
import type { LogSample, SafepointSample, Sample, VariantSummary } from '../lab/metrics/types.ts'
import type { Catalogue, PastRuns, SessionState } from './catalogue.ts'
import { type RanAs, RunSetup } from './setup.ts'

const PROTOCOL_VERSION = 1
const HEADER_BYTES = 16

export const FrameKind = {
  /** JSON `RunDescription`: a run begins; the page forgets what it had. */
  DESCRIBE: 1,
  /** JSON `NamesAdded`. Never skipped: later frames refer to them. */
  NAMES: 2,
  /** Float64 figures of a `Sample`, its matrix left out. */
  SAMPLE: 3,
  /** Uint32: seats, then freed blocks `[freeing × seats + allocating]`, saturated. */
  MATRIX: 4,
  /** JSON `SafepointSample`. */
  SAFEPOINT: 5,
  /** JSON `LogSample`. */
  EVENT: 6,
  /** JSON `VariantEnd`. */
  FINISH: 7,
  /** JSON `ServerStatus`: what this client may do and what it missed. */
  STATUS: 8,
  /** JSON `Catalogue`: what can be run here. Only from a server that starts runs. */
  CATALOGUE: 9,
  /** JSON `SessionState`: what runs now, and how. The newest counts. */
  SESSION: 10,
  /** JSON `PastRuns`. The newest counts. */
  RUNS: 11,
} as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]

/** One variant of a run, as it is shown at the head of its column. */
export interface VariantDescription {
  /** As the user wrote it: `glibc:arena_max=1`. */
  readonly label: string
  readonly design: string
}

/** What is known of a run before its first sample. */
export interface RunDescription extends RanAs {
  readonly variants: readonly VariantDescription[]
}

/** How a variant ended. */
export type VariantEnd = Pick<VariantSummary, 'outcome' | 'outcomePhase' | 'message' | 'seconds'>

/** Names numbered from `from` on, of one variant. */
export interface NamesAdded {
  readonly from: number
  readonly names: readonly string[]
}

export interface ServerStatus {
  /** Whether starting and steering are accepted. */
  readonly control: boolean
  /** Frames left out for this client because it read too slowly. */
  readonly skipped: number
  /** One line for the user, when something was refused; empty otherwise. */
  readonly notice: string
}

// ── page to server ─────────────────────────────────────────────────────────────────────────────

/** The longest message a page may send, bytes. */
export const CLIENT_MESSAGE_BYTES_MAX = 64 * 1024

const Watch = v.strictObject({ type: v.literal('watch'), on: v.boolean() })
const Steer = v.strictObject({
  type: v.literal('steer'),
  action: v.picklist(['pause', 'resume', 'step', 'stop']),
})
const Start = v.strictObject({
  type: v.literal('start'),
  setup: RunSetup,
  /** Stand still before the first op, until it is stepped or resumed. */
  hold: v.boolean(),
})
/**
 * `watch`: a hidden page asks for no frames. `steer` and `start`: only served when control was
 * allowed.
 */
export const ClientMessage = v.variant('type', [Watch, Steer, Start])
export type ClientMessage = v.InferOutput<typeof ClientMessage>
export type SteerAction = v.InferOutput<typeof Steer>['action']

// ── samples ────────────────────────────────────────────────────────────────────────────────────

const ARENA = [
  'system',
  'resident',
  'top',
  'attachedThreads',
  'live',
  'free',
  'lockWaitNs',
] as const satisfies readonly (keyof Sample['arenas'][number])[]
const LOCK = [
  'acquisitions',
  'spinAcquisitions',
  'waits',
  'waitNs',
  'waitNsMax',
  'waitersMax',
  'ownerSwitches',
  'failedTries',
] as const satisfies readonly (keyof Sample['locks'][number])[]
const THREAD_FIGURES = 4

type Figures<K extends string> = { -readonly [key in K]: number }

/** Numbers names in the order of their first use. One per variant and end of the wire. */
export class NameTable {
  readonly #names: string[] = []
  readonly #numbers = new Map<string, number>()

  get size(): number {
    return this.#names.length
  }
  /** The number of a name, new or known. */
  number(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.#names.length)
    this.#names.push(name)
    return this.#names.length - 1
  }
  /** `?` for a number that was never announced. */
  name(number: number): string {
    return this.#names[number] ?? '?'
  }
  since(from: number): NamesAdded {
    return { from, names: this.#names.slice(from) }
  }
  add(added: NamesAdded): void {
    if (added.from !== this.#names.length) return
    for (const name of added.names) this.number(name)
  }
}

/** A frame with its header written and `bodyBytes` of room behind it. */
function frameOf(
  kind: FrameKind,
  variant: number,
  sequence: number,
  t: number,
  bodyBytes: number,
): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + bodyBytes))
  view.setUint8(0, PROTOCOL_VERSION)
  view.setUint8(1, kind)
  view.setUint8(2, variant)
  view.setUint32(4, sequence, true)
  view.setFloat64(8, t, true)
  return view
}

type JsonBody =
  | RunDescription
  | NamesAdded
  | SafepointSample
  | LogSample
  | VariantEnd
  | ServerStatus
  | Catalogue
  | SessionState
  | PastRuns

/**
 * A frame whose body is JSON. `t` is nanoseconds of the variant's clock, 0 where there is none.
 */
export function encodeJson(
  kind: FrameKind,
  variant: number,
  sequence: number,
  t: number,
  body: JsonBody,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(body))
  const view = frameOf(kind, variant, sequence, t, text.byteLength)
  const frame = new Uint8Array(view.buffer)
  frame.set(text, HEADER_BYTES)
  return frame
}

/** A SAMPLE frame. New names are entered into `names`: announce them before sending the frame. */
export function encodeSample(
  variant: number,
  sequence: number,
  sample: Sample,
  names: NameTable,
): Uint8Array<ArrayBuffer> {
  const { arenas, locks, threads } = sample
  const figures =
    4 +
    SAMPLE_TOTALS.length +
    arenas.length * (ARENA.length + 1) +
    locks.length * (LOCK.length + 1) +
    threads.length * THREAD_FIGURES
  const view = frameOf(FrameKind.SAMPLE, variant, sequence, sample.t, figures * 8)
  const out = new Float64Array(view.buffer, HEADER_BYTES, figures)
  let at = 0
  out[at++] = arenas.length
  out[at++] = locks.length
  out[at++] = threads.length
  out[at++] = names.number(sample.phase)
  for (const key of SAMPLE_TOTALS) out[at++] = sample[key]
  for (const arena of arenas) {
    out[at++] = names.number(arena.name)
    for (const key of ARENA) out[at++] = arena[key]
  }
  for (const lock of locks) {
    out[at++] = names.number(lock.name)
    for (const key of LOCK) out[at++] = lock[key]
  }
  for (const thread of threads) {
    out[at++] = thread.thread
    out[at++] = thread.ops
    out[at++] = thread.lockWaitNs
    out[at++] = names.number(thread.state)
  }
  return new Uint8Array(view.buffer)
}

const UINT32_MAX = 0xffff_ffff

/** A MATRIX frame: counts above 2^32 − 1 are held there. */
export function encodeMatrix(
  variant: number,
  sequence: number,
  t: number,
  matrix: readonly (readonly number[])[],
): Uint8Array<ArrayBuffer> {
  const seats = matrix.length
  const view = frameOf(FrameKind.MATRIX, variant, sequence, t, (1 + seats * seats) * 4)
  const out = new Uint32Array(view.buffer, HEADER_BYTES)
  out[0] = seats
  let at = 1
  for (const row of matrix) {
    for (let seat = 0; seat < seats; seat++) out[at++] = Math.min(row[seat] ?? 0, UINT32_MAX)
  }
  return new Uint8Array(view.buffer)
}

// ── reading frames ─────────────────────────────────────────────────────────────────────────────

/** Freed blocks, `[freeing seat × seats + allocating seat]`, at time `t` (ns). */
export interface MatrixSample {
  readonly t: number
  readonly seats: number
  readonly blocks: ArrayLike<number>
}

export type Frame = { readonly variant: number; readonly sequence: number } & (
  | { readonly kind: typeof FrameKind.DESCRIBE; readonly body: RunDescription }
  | { readonly kind: typeof FrameKind.NAMES; readonly body: NamesAdded }
  | { readonly kind: typeof FrameKind.SAMPLE; readonly body: Sample }
  | { readonly kind: typeof FrameKind.MATRIX; readonly body: MatrixSample }
  | { readonly kind: typeof FrameKind.SAFEPOINT; readonly body: SafepointSample }
  | { readonly kind: typeof FrameKind.EVENT; readonly body: LogSample }
  | { readonly kind: typeof FrameKind.FINISH; readonly body: VariantEnd }
  | { readonly kind: typeof FrameKind.STATUS; readonly body: ServerStatus }
  | { readonly kind: typeof FrameKind.CATALOGUE; readonly body: Catalogue }
  | { readonly kind: typeof FrameKind.SESSION; readonly body: SessionState }
  | { readonly kind: typeof FrameKind.RUNS; readonly body: PastRuns }
)

/**
 * Reads one frame. `names` gives the name table of a variant; NAMES frames are entered into it.
 * Throws on a frame of another protocol version: page and server are then of different builds.
 */
export function decodeFrame(buffer: ArrayBuffer, names: (variant: number) => NameTable): Frame {
  const view = new DataView(buffer)
  const version = view.getUint8(0)
  if (version !== PROTOCOL_VERSION) {
    throw new Error(`the server speaks version ${version}, this page ${PROTOCOL_VERSION}: reload`)
  }
  const kind = view.getUint8(1) as FrameKind
  const variant = view.getUint8(2)
  const sequence = view.getUint32(4, true)
  const t = view.getFloat64(8, true)
  if (kind === FrameKind.SAMPLE) {
    return { kind, variant, sequence, body: decodeSample(buffer, t, names(variant)) }
  }
  if (kind === FrameKind.MATRIX) {
    const seats = view.getUint32(HEADER_BYTES, true)
    const blocks = new Uint32Array(buffer, HEADER_BYTES + 4, seats * seats)
    return { kind, variant, sequence, body: { t, seats, blocks } }
  }
  const body = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, HEADER_BYTES)))
  if (kind === FrameKind.NAMES) names(variant).add(body)
  return { kind, variant, sequence, body }
}

function decodeSample(buffer: ArrayBuffer, t: number, names: NameTable): Sample {
  const figures = new Float64Array(buffer, HEADER_BYTES)
  let at = 0
  const next = (): number => figures[at++] ?? 0
  const arenaCount = next()
  const lockCount = next()
  const threadCount = next()
  const phase = names.name(next())
  const group = <K extends string>(keys: readonly K[]): Figures<K> => {
    const values = {} as Figures<K>
    for (const key of keys) values[key] = next()
    return values
  }
  const totals = group(SAMPLE_TOTALS)
  const arenas = Array.from({ length: arenaCount }, () => ({
    name: names.name(next()),
    ...group(ARENA),
  }))
  const locks = Array.from({ length: lockCount }, () => ({
    name: names.name(next()),
    ...group(LOCK),
  }))
  const threads = Array.from({ length: threadCount }, () => ({
    thread: next(),
    ops: next(),
    lockWaitNs: next(),
    state: names.name(next()),
  }))
  return { type: 'sample', t, phase, ...totals, arenas, locks, threads }
}
