/** One lab thread of the virtual machine: its script, its heap, and how far it has come. */
import type { ThreadHeap } from '../../../allocators/contract.ts'
import type { QueueEntry } from '../../sync/run-queue.ts'
import { type RecorderOptions, RoleRecorder } from '../../workload/recorder.ts'
import type { HeapOps } from '../heap-ops.ts'
import type { Timeline } from './timeline.ts'

/** What a lab thread does next. */
export const Stage = {
  /** Its script. */
  OPS: 0,
  /** After the deadline of a run that drains: frees what its cells hold. */
  DRAIN: 1,
  /** Its heap is told that the thread ends. */
  EXIT: 2,
  /** Its seat is given up. */
  END: 3,
  ENDED: 4,
} as const
export type Stage = (typeof Stage)[keyof typeof Stage]

export const NOT_TIMED = -1

export interface VirtualThreadParts {
  readonly entry: QueueEntry
  /** Its seat's. */
  readonly timeline: Timeline
  readonly heap: ThreadHeap
  readonly heapOps: HeapOps
  readonly options: RecorderOptions
}

export class VirtualThread {
  readonly entry: QueueEntry
  readonly heap: ThreadHeap
  readonly heapOps: HeapOps
  readonly timeline: Timeline
  /** The part of its script at hand: ops [at, length) are still to do. */
  ops = new Int32Array(0)
  at = 0
  length = 0
  /** What ops below this one touch has been fetched into the host's cache. */
  lookedTo = 0
  stage: Stage = Stage.OPS
  /** When the op under way began, and what kind of latency it is; NOT_TIMED for none. */
  opStartNs = 0
  timed: number = NOT_TIMED
  /** The op under way has only tried locks so far, and goes on with the next of them. */
  isPutOff = false
  /** Looks at the heap that its `HeapOps` knows of. */
  looks = -1
  /** Next cell to drain: private ones first, then the shared ones. */
  drainAt = 0
  /** Ops per second that it keeps to; 0 for as fast as it can. */
  pace = 0
  paceStartNs = 0
  pacedOps = 0
  /** Lab threads it has started, by role. */
  readonly startedByRole: number[]
  /** It is in the middle of joining those it has started. */
  joins = false
  /** The stack of the lab thread it is about to start has been paid for. */
  hasStack = false
  /** What is left of its seat has been cleaned up. */
  isRetired = false
  /** Seat of a lab thread that begins when the op under way is over; -1 for none. */
  startsSeat = -1
  #recorder: RoleRecorder
  readonly #options: RecorderOptions
  #done = false

  constructor(parts: VirtualThreadParts) {
    const { options } = parts
    this.entry = parts.entry
    this.timeline = parts.timeline
    this.heap = parts.heap
    this.heapOps = parts.heapOps
    this.#options = options
    this.startedByRole = new Array<number>(options.scenario.roles.length).fill(0)
    this.#recorder = new RoleRecorder(options)
  }

  /** The next part of the script; false when there is none. */
  record(): boolean {
    if (this.#done) {
      if (!this.#options.role.loop || this.#recorder.hasExited) return false
      // A loop repeats what was recorded: the same seed records it again, in no more memory.
      this.#recorder = new RoleRecorder(this.#options)
    }
    const batch = this.#recorder.nextBatch()
    this.ops = batch.ops as Int32Array<ArrayBuffer>
    this.at = 0
    this.lookedTo = 0
    this.length = batch.length
    this.#done = batch.done
    return true
  }
}
