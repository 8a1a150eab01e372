/** What a worker has for all the lab threads it carries, one after the other. */
import type { Barriers } from '../../sync/barrier.ts'
import type { Channels } from '../../sync/channel.ts'
import type { Parking } from '../../sync/pause.ts'
import type { Scenario } from '../../workload/scenario.ts'
import type { CompiledLoop } from '../compiled/compiled-loop.ts'
import type { Clock, LabProcess } from '../process.ts'
import type { SharedRun } from '../shared-run.ts'
import type { Script } from './script.ts'
import type { ThreadStarter } from './thread-starter.ts'

export const NO_OP = 0

export interface WorkerContext {
  readonly run: SharedRun
  readonly scenario: Scenario
  readonly script: Script
  readonly process: LabProcess
  readonly clock: Clock
  /** Carries ops out in place of the op loop; undefined: the design runs as JavaScript. */
  readonly compiled?: CompiledLoop | undefined
  readonly parking: Parking
  readonly channels: Channels
  readonly barriers: Barriers
  readonly starter: ThreadStarter
  /** Tells the main thread that this seat has reached a phase mark. */
  readonly announcePhase: (seat: number, label: string) => void
  /**
   * Called with the code of each op before it, and with `NO_OP` before the lab thread ends; absent:
   * ops run in batches, without a call.
   */
  readonly beforeOp?: (code: number) => void
}
