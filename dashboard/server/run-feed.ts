/** Turns what a run tells into numbered frames: each goes to the history and to the pages. */
import type { Sample, SampleLine } from '../../lab/metrics/types.ts'
import {
  encodeJson,
  encodeMatrix,
  encodeSample,
  FrameKind,
  NameTable,
  type RunDescription,
  type VariantEnd,
} from '../protocol.ts'
import { type Ring, type StoredFrame, VariantHistory } from './history.ts'

interface VariantFeed {
  readonly names: NameTable
  readonly history: VariantHistory
  /** The newest sample when the history did not keep it. */
  newest: Sample | undefined
}

/** A run's frames, from its description to its end. Main thread only. */
export class RunFeed {
  /** Where live frames go; `needed` ones must reach a page sooner or later. */
  onFrame: (frame: StoredFrame, needed: boolean) => void = () => {}
  /** Whether anybody would see a live frame. */
  isWatched: () => boolean = () => false
  #sequence = 0
  #description: StoredFrame | undefined
  #variants: VariantFeed[] = []

  describe(run: RunDescription): void {
    const bytes = encodeJson(FrameKind.DESCRIBE, 0, ++this.#sequence, 0, run)
    this.#description = { sequence: this.#sequence, bytes, pinned: true }
    this.#variants = run.variants.map(() => ({
      names: new NameTable(),
      history: new VariantHistory(),
      newest: undefined,
    }))
  }

  /** The first frame after `sequence`, over all variants. */
  after(sequence: number): StoredFrame | undefined {
    if (this.#description !== undefined && this.#description.sequence > sequence) {
      return this.#description
    }
    let first: StoredFrame | undefined
    for (const { history } of this.#variants) {
      const frame = history.after(sequence)
      if (frame !== undefined && (first === undefined || frame.sequence < first.sequence)) {
        first = frame
      }
    }
    return first
  }

  /** Lines of a variant that was not described are dropped. */
  publish(variant: number, line: SampleLine): void {
    const feed = this.#variants[variant]
    if (feed === undefined) return
    if (line.type === 'sample') {
      this.#publishSample(variant, feed, line)
    } else if (line.type === 'safepoint') {
      const pinned = line.reason !== 'tick' && line.reason !== 'request'
      this.#take(feed, 'safepoint', pinned, (sequence) =>
        encodeJson(FrameKind.SAFEPOINT, variant, sequence, line.t, line),
      )
    } else {
      this.#take(feed, 'event', false, (sequence) =>
        encodeJson(FrameKind.EVENT, variant, sequence, line.t, line),
      )
    }
  }

  /** The last sample is kept whatever the history's stride, so that the end is the end. */
  finish(variant: number, end: VariantEnd): void {
    const feed = this.#variants[variant]
    if (feed === undefined) return
    if (feed.newest !== undefined) this.#keepSample(variant, feed, feed.newest, true)
    const { outcome, outcomePhase, message, seconds } = end
    this.#take(feed, 'kept', true, (sequence) =>
      encodeJson(FrameKind.FINISH, variant, sequence, 0, {
        outcome,
        outcomePhase,
        message,
        seconds,
      }),
    )
  }

  #publishSample(variant: number, feed: VariantFeed, sample: Sample): void {
    const ring = feed.history.rings.sample
    if (ring.wantsNext() || this.isWatched()) {
      feed.newest = ring.wantsNext() ? undefined : sample
      this.#keepSample(variant, feed, sample, false)
    } else {
      feed.newest = sample
      ring.pass()
    }
    const matrix = sample.matrix
    if (matrix !== undefined) {
      this.#take(feed, 'matrix', false, (sequence) =>
        encodeMatrix(variant, sequence, sample.t, matrix),
      )
    }
  }

  #keepSample(variant: number, feed: VariantFeed, sample: Sample, pinned: boolean): void {
    const known = feed.names.size
    const sequence = ++this.#sequence + 1
    const bytes = encodeSample(variant, sequence, sample, feed.names)
    if (feed.names.size > known) {
      const added = feed.names.since(known)
      this.#store(feed, 'kept', {
        sequence: sequence - 1,
        bytes: encodeJson(FrameKind.NAMES, variant, sequence - 1, sample.t, added),
        pinned: true,
      })
    }
    this.#sequence = sequence
    this.#store(feed, 'sample', { sequence, bytes, pinned })
  }

  /** Encodes a frame if the ring keeps it or a page would see it. */
  #take(
    feed: VariantFeed,
    ring: Ring,
    pinned: boolean,
    encode: (sequence: number) => Uint8Array<ArrayBuffer>,
  ): void {
    const store = feed.history.rings[ring]
    if (!pinned && !store.wantsNext() && !this.isWatched()) {
      store.pass()
      return
    }
    const sequence = ++this.#sequence
    this.#store(feed, ring, { sequence, bytes: encode(sequence), pinned })
  }

  #store(feed: VariantFeed, ring: Ring, frame: StoredFrame): void {
    feed.history.rings[ring].add(frame)
    this.onFrame(frame, ring === 'kept')
  }
}
