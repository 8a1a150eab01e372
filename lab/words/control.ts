/**
 * The control buffer: everything the lab itself keeps in shared memory beside the heap. One
 * `planControl` call on the main thread says where each area lies; the plan is plain data, sent to
 * every worker, which builds its views from it with `viewControl`.
 */
import { COUNTER_ROW } from './events.ts'
import { HISTOGRAM_BUCKETS, HISTOGRAMS_PER_SEAT } from './histogram.ts'
import { PAGE_BYTES, roundUp, type SharedWords } from './units.ts'

/** How many of everything a run needs. All are fixed before the run starts. */
export interface ControlSizes {
  /** Lab threads alive at once, the main thread included. */
  readonly seats: number
  readonly heapBytes: number
  /** Rows of the mapping table; Linux's vm.max_map_count by default. */
  readonly mappingsMax: number
  /** Rows of the lock table. */
  readonly locksMax: number
  /** Private cells of each seat. */
  readonly cellsPerSeat: number
  /** Cells of all shared tables together. */
  readonly tableCells: number
  /** Bounded channels: the capacity of each. */
  readonly channelCapacities: readonly number[]
  readonly barriers: number
  /** Entries of the run queue: lab threads started and not yet taken by a worker. */
  readonly runQueueSlots: number
  /** Entries of the event log ring. */
  readonly logEntries: number
  /** Entries of the ring of lock waits; none unless each wait is to be kept. */
  readonly waitEntries?: number
  /** Bytes of tables that compiled code reads; none where nothing is compiled. */
  readonly tableBytes?: number
  /** Words of ops that compiled code can have before it, for each seat. */
  readonly opWords?: number
}

/** Where each area starts, in bytes from the start of the control buffer. */
export interface ControlPlan extends ControlSizes {
  readonly bytes: number
  readonly at: {
    readonly words: number
    readonly space: number
    readonly mappings: number
    readonly pages: number
    readonly locks: number
    readonly seatRows: number
    readonly counters: number
    readonly matrix: number
    readonly histograms: number
    readonly cells: number
    readonly channels: number
    readonly barriers: number
    readonly runQueue: number
    readonly log: number
    readonly waits: number
    readonly stacks: number
    readonly tables: number
    readonly ops: number
  }
}

/** Control words: one `Int32` each, at the head of the control buffer. */
export const ControlWord = {
  /** A `RunState`. */
  STATE: 0,
  /** 1 while a safepoint is wanted: every lab thread parks before its next op. */
  PAUSE: 1,
  /** Counts up whenever something a waiter may wait for has changed; waited on with a timeout. */
  WAKE: 2,
  /** Lab threads created so far: the next lab thread's number. */
  THREADS_CREATED: 3,
  /** Lab threads created and not ended. */
  THREADS_ALIVE: 4,
  /** Locks made so far: the next lock id. */
  LOCKS_MADE: 5,
  /** Entries ever written to the event log. */
  LOG_WRITTEN: 6,
  /** Workers ready at the start barrier. */
  WORKERS_READY: 7,
  /** Lab thread whose fault crossed the memory limit, + 1; 0 before. */
  OOM_THREAD: 8,
  /** Phase marks passed. */
  PHASES: 9,
  /** Spin count of allocator mutexes. */
  SPIN_COUNT: 10,
  /** 1 while the run's time is up: channels and barriers open, streams end. */
  DEADLINE: 11,
  /** Run queue: entries pushed, entries taken, and the mutex word that guards both. */
  QUEUE_PUSHED: 12,
  QUEUE_TAKEN: 13,
  QUEUE_LOCK: 14,
  /** 1 when the process has more than one thread, or ever had one (glibc's !SINGLE_THREAD_P). */
  MULTI_THREADED: 15,
  /** 1 from when on lab threads of loop roles count what they measure (a benchmark's warm-up). */
  MEASURING: 16,
  /** 1 once the heap was looked at as its design laid it out: lab threads may attach to it. */
  PREPARED: 17,
  /** Entries ever written to the log of lock waits. */
  WAITS_WRITTEN: 18,
  /** Looks at the heap so far (observe.ts): blocks allocated from then on remember it. */
  LOOKS: 19,
  /** Counts pushes to the run queue and changes of the run's state: idle workers wait on it. */
  QUEUE_BELL: 20,
} as const
const CONTROL_WORDS = 64

export const RunState = {
  STARTING: 0,
  RUNNING: 1,
  /** The deadline has passed: lab threads drop the rest of their streams. */
  ENDING: 2,
  /** The memory limit was crossed: lab threads stop at their next op boundary, for good. */
  KILLED: 3,
  /** The user asked to stop, or all is done: as KILLED. */
  STOPPED: 4,
  /** A worker died or an invariant broke: nobody may wait for anything any more, locks included. */
  FAILED: 5,
} as const
export type RunState = (typeof RunState)[keyof typeof RunState]

/** A seat's row: what its lab thread is doing. `Int32` each, on cache lines of its own. */
export const SeatWord = {
  /** A `SeatState`. Written by the lab thread, with Atomics where it may be parked. */
  STATE: 0,
  /** Lab thread number + 1; 0 when the seat is free. */
  THREAD: 1,
  /** Lock id + 1 it waits for; 0 when none. */
  WAITS_FOR_LOCK: 2,
  /** Channel, barrier or lab thread it waits for, + 1. */
  WAITS_FOR: 3,
  /** Role index + 1. */
  ROLE: 4,
  /** Ops carried out, modulo 2^31: what the watchdog looks at. */
  PROGRESS: 5,
  /** Op code under way. */
  OP: 6,
  /** 1 once its lab thread has ended and not been joined. */
  ENDED: 7,
  /** Lab thread number + 1 of the starter. */
  STARTED_BY: 8,
  /** Index of the lab thread within its role. */
  INDEX: 9,
  /** 1 while its lab thread waits for the safepoint of a phase mark. */
  PHASE_WAIT: 10,
  /** Times its role was handed on: a lab thread started by one of its own role has one more. */
  GENERATION: 11,
  /** Worker that carries it, + 1. */
  WORKER: 12,
} as const
export const SEAT_ROW_WORDS = 32

export const SeatState = {
  FREE: 0,
  RUNNING: 1,
  RECORDING: 2,
  /** Parked at a safepoint. */
  PARKED: 3,
  LOCK: 4,
  CHANNEL: 5,
  BARRIER: 6,
  JOIN: 7,
  SLEEPING: 8,
  /** Started, but no worker has taken it yet. */
  QUEUED: 9,
  ENDED: 10,
} as const
export type SeatState = (typeof SeatState)[keyof typeof SeatState]

/** Bytes of the address space's own figures (brk, RSS, limits, …): see lab/memory. */
const SPACE_BYTES = 1024
/** Bytes of a mapping row: see lab/memory. */
export const MAPPING_ROW_BYTES = 32
/** Bytes of a lock row: see lab/sync. */
export const LOCK_ROW_BYTES = 128
/** Words of a cell: see cells.ts. */
export const CELL_WORDS = 4
/** Bytes of a channel's head: mutex, counters, waiters. */
export const CHANNEL_HEAD_BYTES = 64
export const BARRIER_BYTES = 64
/** Words of a run-queue entry: role, seat, argument text and handed cells. */
export const QUEUE_ENTRY_WORDS = 128
/** Float64 figures of an event-log entry: see `LogField`. */
export const LOG_ENTRY = 8

/** Float64 figures of an entry in the log of lock waits: see `WaitField`. */
export const WAIT_ENTRY = 8

/**
 * Words before the stack entries: mutex, entries in the cache. See lab/machine/thread-lifecycle.
 */
export const STACK_HEAD = 16
/** Words of a thread's stack entry: its mapping, its pages, the block of its DTV. */
export const STACK_ENTRY_WORDS = 4
/** Most stacks the cache can hold: 40 MiB of the smallest stacks (16 KiB and a guard page). */
export const STACK_CACHE_MAX = 2048

const LINE = 64

export function planControl(sizes: ControlSizes): ControlPlan {
  let next = 0
  const area = (bytes: number, align = LINE): number => {
    const start = roundUp(next, align)
    next = start + bytes
    return start
  }
  const cells = sizes.seats * sizes.cellsPerSeat + sizes.tableCells
  const channelBytes = sizes.channelCapacities.reduce(
    (sum, capacity) => sum + CHANNEL_HEAD_BYTES + roundUp(capacity * CELL_WORDS * 4, LINE),
    0,
  )
  const at = {
    words: area(CONTROL_WORDS * 4),
    space: area(SPACE_BYTES),
    mappings: area(sizes.mappingsMax * MAPPING_ROW_BYTES),
    pages: area(sizes.heapBytes / PAGE_BYTES, PAGE_BYTES),
    locks: area(sizes.locksMax * LOCK_ROW_BYTES),
    seatRows: area(sizes.seats * SEAT_ROW_WORDS * 4),
    counters: area(sizes.seats * COUNTER_ROW * 8),
    matrix: area(2 * sizes.seats * sizes.seats * 8),
    histograms: area(sizes.seats * HISTOGRAMS_PER_SEAT * HISTOGRAM_BUCKETS * 4),
    cells: area(cells * CELL_WORDS * 4),
    channels: area(channelBytes),
    barriers: area(sizes.barriers * BARRIER_BYTES),
    runQueue: area(sizes.runQueueSlots * QUEUE_ENTRY_WORDS * 4),
    log: area(sizes.logEntries * LOG_ENTRY * 8),
    waits: area((sizes.waitEntries ?? 0) * WAIT_ENTRY * 8),
    stacks: area((STACK_HEAD + (sizes.seats + STACK_CACHE_MAX) * STACK_ENTRY_WORDS) * 4),
    tables: area(sizes.tableBytes ?? 0),
    ops: area(sizes.seats * (sizes.opWords ?? 0) * 4),
  }
  return { ...sizes, bytes: roundUp(next, PAGE_BYTES), at }
}

/** Views of one control buffer, rebuilt in every isolate. */
export interface Control {
  readonly plan: ControlPlan
  /** All of it, byte by byte. */
  readonly bytes: Uint8Array<SharedArrayBuffer>
  /** The control words (`ControlWord`). */
  readonly words: SharedWords
  /** All of it as `Int32`: index = byte offset ÷ 4. */
  readonly int32: SharedWords
  /** All of it as `Float64`: index = byte offset ÷ 8. */
  readonly float64: Float64Array<SharedArrayBuffer>
  /** One byte per page of the heap. */
  readonly pages: Uint8Array<SharedArrayBuffer>
  /** One `SEAT_ROW_WORDS` row per seat. */
  readonly seats: SharedWords
  /** One `COUNTER_ROW` row per seat. */
  readonly counters: Float64Array<SharedArrayBuffer>
  /**
   * Blocks, then bytes: `[freeing seat × seats + allocating seat]`; written by the freeing seat.
   */
  readonly matrixBlocks: Float64Array<SharedArrayBuffer>
  readonly matrixBytes: Float64Array<SharedArrayBuffer>
  /** Latency buckets: see histogram.ts. */
  readonly histograms: SharedWords
  /** Cells: private ones by seat, then the shared tables. */
  readonly cells: SharedWords
}

export function createControl(sizes: ControlSizes): Control {
  const plan = planControl(sizes)
  return viewControl({ buffer: new SharedArrayBuffer(plan.bytes), start: 0 }, plan)
}

/** Where the control buffer lies: alone, or behind the heap in one memory. */
export interface ControlPlace {
  readonly buffer: SharedArrayBuffer
  /** Bytes before it: whole pages. */
  readonly start: number
}

export function viewControl({ buffer, start }: ControlPlace, plan: ControlPlan): Control {
  const { seats } = plan
  const at = Object.fromEntries(
    Object.entries(plan.at).map(([area, bytes]) => [area, start + bytes]),
  ) as ControlPlan['at']
  const cells = plan.seats * plan.cellsPerSeat + plan.tableCells
  return {
    plan,
    bytes: new Uint8Array(buffer, start, plan.bytes),
    words: new Int32Array(buffer, at.words, CONTROL_WORDS),
    int32: new Int32Array(buffer, start, plan.bytes / 4),
    float64: new Float64Array(buffer, start, plan.bytes / 8),
    pages: new Uint8Array(buffer, at.pages, plan.heapBytes / PAGE_BYTES),
    seats: new Int32Array(buffer, at.seatRows, seats * SEAT_ROW_WORDS),
    counters: new Float64Array(buffer, at.counters, seats * COUNTER_ROW),
    matrixBlocks: new Float64Array(buffer, at.matrix, seats * seats),
    matrixBytes: new Float64Array(buffer, at.matrix + seats * seats * 8, seats * seats),
    histograms: new Int32Array(
      buffer,
      at.histograms,
      seats * HISTOGRAMS_PER_SEAT * HISTOGRAM_BUCKETS,
    ),
    cells: new Int32Array(buffer, at.cells, cells * CELL_WORDS),
  }
}

/** Fields of an event-log entry. `SEQUENCE` is written last: 0 while the entry is being written. */
export const LogField = { SEQUENCE: 0, TIME: 1, THREAD: 2, EVENT: 3, A: 4, B: 5 } as const
/**
 * Fields of an entry in the log of lock waits, times in ns of the clock of lab threads. `SEQUENCE`
 * is written last. `NS` is how long a wait took; -1 says that a lock was let go while others waited
 * for it. `HOLDER`: the lab thread that held the lock when the wait began, -1 when not known.
 */
export const WaitField = { SEQUENCE: 0, TIME: 1, THREAD: 2, LOCK: 3, NS: 4, HOLDER: 5 } as const
