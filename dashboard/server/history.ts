/**
 * The run so far, for pages that join late: encoded frames in bounded rings. When a ring is full,
 * every second frame of it goes and from then on only every second one is taken, so that what is
 * kept stays evenly spread over the whole run however long it gets.
 */

/** An encoded frame and its place in the order of all frames. */
export interface StoredFrame {
  readonly sequence: number
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Kept when its neighbours are thinned out: phase marks, the end, the OOM kill. */
  readonly pinned: boolean
}

/** Bounds of one ring. */
export interface RingLimits {
  readonly framesMax: number
  readonly bytesMax: number
}

export class FrameRing {
  readonly #limits: RingLimits
  #frames: StoredFrame[] = []
  #bytes = 0
  /** One frame in `#stride` is taken. */
  #stride = 1
  #offered = 0

  constructor(limits: RingLimits) {
    this.#limits = limits
  }

  get bytes(): number {
    return this.#bytes
  }
  get frames(): number {
    return this.#frames.length
  }

  /** Whether the next frame will be kept: if not, it need not be encoded for the history. */
  wantsNext(): boolean {
    return this.#offered % this.#stride === 0
  }

  /** Counts a frame that was not encoded. */
  pass(): void {
    this.#offered++
  }

  add(frame: StoredFrame): void {
    const wanted = this.wantsNext() || frame.pinned
    this.#offered++
    if (!wanted) return
    this.#frames.push(frame)
    this.#bytes += frame.bytes.byteLength
    while (this.#isOver() && this.#frames.length > 1) this.#thin()
  }

  /** The first frame after `sequence`, or undefined. */
  after(sequence: number): StoredFrame | undefined {
    let low = 0
    let high = this.#frames.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#frames[middle]!.sequence <= sequence) low = middle + 1
      else high = middle
    }
    return this.#frames[low]
  }

  #isOver(): boolean {
    return this.#frames.length > this.#limits.framesMax || this.#bytes > this.#limits.bytesMax
  }

  /** Drops every second frame that is not pinned; every second frame when that frees nothing. */
  #thin(): void {
    const before = this.#frames.length
    let index = 0
    let kept = this.#frames.filter((frame) => frame.pinned || index++ % 2 === 0)
    if (kept.length === before) kept = this.#frames.filter((_, place) => place % 2 === 0)
    this.#frames = kept
    this.#bytes = kept.reduce((sum, frame) => sum + frame.bytes.byteLength, 0)
    this.#stride *= 2
  }
}

const MIB = 1024 * 1024
/** A variant's rings. Together they bound what a run of any length costs the server. */
const SAMPLE_RING: RingLimits = { framesMax: 1200, bytesMax: 6 * MIB }
const MATRIX_RING: RingLimits = { framesMax: 60, bytesMax: 3 * MIB }
const SAFEPOINT_RING: RingLimits = { framesMax: 400, bytesMax: 6 * MIB }
const EVENT_RING: RingLimits = { framesMax: 2000, bytesMax: MIB }
/** Names, the description, the ends of variants: small, and needed whole. */
const KEPT_RING: RingLimits = { framesMax: 100_000, bytesMax: 16 * MIB }

/** Which ring a frame belongs to. */
export type Ring = 'sample' | 'matrix' | 'safepoint' | 'event' | 'kept'

/** The history of one variant. */
export class VariantHistory {
  readonly rings: Readonly<Record<Ring, FrameRing>> = {
    sample: new FrameRing(SAMPLE_RING),
    matrix: new FrameRing(MATRIX_RING),
    safepoint: new FrameRing(SAFEPOINT_RING),
    event: new FrameRing(EVENT_RING),
    kept: new FrameRing(KEPT_RING),
  }

  after(sequence: number): StoredFrame | undefined {
    let first: StoredFrame | undefined
    for (const ring of Object.values(this.rings)) {
      const frame = ring.after(sequence)
      if (frame !== undefined && (first === undefined || frame.sequence < first.sequence)) {
        first = frame
      }
    }
    return first
  }
}
