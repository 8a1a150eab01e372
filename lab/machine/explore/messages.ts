/** What the main thread and the workers of the explore machine tell each other. */
import type { MessagePort } from 'node:worker_threads'
import type { SharedRunInit } from '../shared-run.ts'
import type { SnapshotData } from './snapshot.ts'

/** The one task of a worker. */
export interface ExploreTask {
  readonly worker: number
  readonly init: SharedRunInit
  readonly snapshot: SnapshotData
  readonly explore: SharedArrayBuffer
  /** Build that the main thread runs; the worker refuses another. */
  readonly buildId: string
  readonly port: MessagePort
}

export type FailureKind = 'corrupted' | 'deadlock' | 'crashed' | 'untrustworthy'

export type ExploreMessage =
  /** All schedules are done, or the user wanted no more. */
  | { readonly kind: 'done' }
  /** A schedule has failed: what it found and, once it has been carried out again, its account. */
  | {
      readonly kind: 'failed'
      readonly outcome: FailureKind
      readonly schedule: number
      readonly message: string
      readonly account: readonly string[]
    }
