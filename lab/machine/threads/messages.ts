/** What main thread and workers say to each other besides shared words. */
import type { MessagePort } from 'node:worker_threads'
import type { CompiledCode } from '../compiled/compiled-code.ts'
import type { SharedRunInit } from '../shared-run.ts'

/** The one task of a worker: carry lab threads until the run is over. */
export interface WorkerTask {
  readonly worker: number
  readonly init: SharedRunInit
  /** Undefined: the design runs as JavaScript. */
  readonly code: CompiledCode | undefined
  /** Build that the main thread runs; the worker refuses another. */
  readonly buildId: string
  readonly port: MessagePort
}

export type WorkerMessage =
  /** A phase mark was reached: its lab thread waits until the safepoint is over. */
  | { readonly kind: 'phase'; readonly seat: number; readonly label: string }
  /** The last lab thread has ended. */
  | { readonly kind: 'idle' }
  /** A lab thread cannot go on. */
  | {
      readonly kind: 'failed'
      readonly outcome: 'corrupted' | 'crashed' | 'untrustworthy'
      readonly thread: number
      readonly message: string
    }
