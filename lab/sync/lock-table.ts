/**
 * The lock table: what is known of each lock beside its futex word. One row per lock id, written by
 * the lock's holder alone with plain stores (a held lock orders them), readable by anybody.
 *
 *   byte   0        4       8          12        16 ......... 72   80 ....... 127
 *        ┌────────┬───────┬──────────┬─────────┬────────────────┬──────────────┐
 *        │ holder │ word  │ waiters x│ last    │ seven figures  │ name (UTF-8) │
 *        └────────┴───────┴──────────┴─────────┴────────────────┴──────────────┘
 *
 * `holder` and `last` are lab thread numbers + 1; `waiters` is the one field that waiting threads
 * change, with Atomics, on a path that waits anyway.
 */
import { type Control, ControlWord, LOCK_ROW_BYTES } from '../words/control.ts'
import { atomicAdd } from './atomics.ts'

/** `Int32` words, and `Float64` figures, of one row. */
export const ROW_INT32 = LOCK_ROW_BYTES / 4
export const ROW_FLOAT64 = LOCK_ROW_BYTES / 8

/** Int32 fields of a row. */
export const LockWord = { HOLDER: 0, WORD: 1, WAITERS: 2, LAST_OWNER: 3 } as const
/** Float64 fields of a row. */
export const LockFigure = {
  ACQUISITIONS: 2,
  SPIN_ACQUISITIONS: 3,
  WAITS: 4,
  WAIT_NS: 5,
  WAIT_NS_MAX: 6,
  WAITERS_MAX: 7,
  OWNER_SWITCHES: 8,
} as const
const NAME_AT = 80
const NAME_BYTES = LOCK_ROW_BYTES - NAME_AT

/** Index of a lock's row in `control.int32`. */
export const lockWords = (control: Control, id: number): number =>
  control.plan.at.locks / 4 + id * ROW_INT32
/** Index of a lock's row in `control.float64`. */
export const lockFloats = (control: Control, id: number): number =>
  control.plan.at.locks / 8 + id * ROW_FLOAT64

/** Takes the next lock id and names it; any thread. Names are cut to 48 bytes. */
export function makeLockRow(control: Control, word: number, name: string): number {
  const id = atomicAdd(control.words, ControlWord.LOCKS_MADE, 1)
  if (id >= control.plan.locksMax) {
    throw new Error(`more than ${control.plan.locksMax} locks: the lock table is full`)
  }
  control.int32[lockWords(control, id) + LockWord.WORD] = word
  // TextEncoder refuses shared memory, so the name is copied.
  const bytes = new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1)
  const at = control.plan.at.locks + id * LOCK_ROW_BYTES + NAME_AT
  control.bytes.set(bytes, at)
  return id
}

export interface LockFigures {
  readonly id: number
  readonly name: string
  /** Lab thread that holds it, -1 for none. */
  readonly holderThread: number
  readonly acquisitions: number
  /** Acquisitions that found it held and got it while spinning. */
  readonly spinAcquisitions: number
  readonly waits: number
  readonly waitNs: number
  readonly waitNsMax: number
  readonly waitersMax: number
  readonly ownerSwitches: number
}

/**
 * What a lock's row says now; any thread, without locks, so figures may be of different moments.
 */
export function lockFigures(control: Control, id: number): LockFigures {
  const row = lockWords(control, id)
  const figures = lockFloats(control, id)
  const { int32, float64 } = control
  return {
    id,
    name: lockName(control, id),
    holderThread: int32[row + LockWord.HOLDER]! - 1,
    acquisitions: float64[figures + LockFigure.ACQUISITIONS]!,
    spinAcquisitions: float64[figures + LockFigure.SPIN_ACQUISITIONS]!,
    waits: float64[figures + LockFigure.WAITS]!,
    waitNs: float64[figures + LockFigure.WAIT_NS]!,
    waitNsMax: float64[figures + LockFigure.WAIT_NS_MAX]!,
    waitersMax: float64[figures + LockFigure.WAITERS_MAX]!,
    ownerSwitches: float64[figures + LockFigure.OWNER_SWITCHES]!,
  }
}

/** Locks made so far. */
export const locksMade = (control: Control): number =>
  Math.min(control.words[ControlWord.LOCKS_MADE]!, control.plan.locksMax)

function lockName(control: Control, id: number): string {
  const at = control.plan.at.locks + id * LOCK_ROW_BYTES + NAME_AT
  const bytes = control.bytes.slice(at, at + NAME_BYTES)
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
}
