/**
 * The run queue: lab threads that were started and that no worker carries yet. Entries are made of
 * words, so that any worker may push and any worker may take.
 *
 *   word  0      1      2        3       4        5 …
 *       ┌──────┬──────┬────────┬───────┬────────┬─────────────────────────────
 *       │ seat │ role │ thread │ index │ handed │ text: bytes, then UTF-8
 *       └──────┴──────┴────────┴───────┴────────┴─────────────────────────────
 */
import { type Control, ControlWord, QUEUE_ENTRY_WORDS, RunState } from '../words/control.ts'
import { WAIT_SLICE_MS } from './wait-slice.ts'
import { lockWord, unlockWord } from './word-mutex.ts'

const HEAD_WORDS = 5
const TEXT_BYTES_MAX = (QUEUE_ENTRY_WORDS - HEAD_WORDS - 1) * 4

/** A started lab thread. */
export interface QueueEntry {
  readonly seat: number
  /** Place of its role among the scenario's. */
  readonly role: number
  readonly thread: number
  /** Which lab thread of its role. */
  readonly index: number
  /** Private cells handed over by the starter. */
  readonly handed: number
  /** Its arguments, as JSON. */
  readonly text: string
}

/** Never full: it has a slot per seat, and a seat has one lab thread. */
export function pushEntry(control: Control, entry: QueueEntry): void {
  const bytes = new TextEncoder().encode(entry.text)
  if (bytes.length > TEXT_BYTES_MAX) {
    throw new Error(`arguments of ${bytes.length} bytes: at most ${TEXT_BYTES_MAX} fit`)
  }
  lockWord(control.words, ControlWord.QUEUE_LOCK)
  const at = slotAt(control, control.words[ControlWord.QUEUE_PUSHED]!)
  const { int32 } = control
  int32[at] = entry.seat
  int32[at + 1] = entry.role
  int32[at + 2] = entry.thread
  int32[at + 3] = entry.index
  int32[at + 4] = entry.handed
  int32[at + HEAD_WORDS] = bytes.length
  control.bytes.set(bytes, (at + HEAD_WORDS + 1) * 4)
  Atomics.add(control.words, ControlWord.QUEUE_PUSHED, 1)
  unlockWord(control.words, ControlWord.QUEUE_LOCK)
  ringQueueBell(control, 1)
}

/** The oldest entry, undefined when there is none. */
export function takeEntry(control: Control): QueueEntry | undefined {
  lockWord(control.words, ControlWord.QUEUE_LOCK)
  const taken = control.words[ControlWord.QUEUE_TAKEN]!
  if (taken === control.words[ControlWord.QUEUE_PUSHED]!) {
    unlockWord(control.words, ControlWord.QUEUE_LOCK)
    return undefined
  }
  const at = slotAt(control, taken)
  const { int32 } = control
  const bytes = int32[at + HEAD_WORDS]!
  const textAt = (at + HEAD_WORDS + 1) * 4
  const entry: QueueEntry = {
    seat: int32[at]!,
    role: int32[at + 1]!,
    thread: int32[at + 2]!,
    index: int32[at + 3]!,
    handed: int32[at + 4]!,
    text: new TextDecoder().decode(control.bytes.slice(textAt, textAt + bytes)),
  }
  control.words[ControlWord.QUEUE_TAKEN] = taken + 1
  unlockWord(control.words, ControlWord.QUEUE_LOCK)
  return entry
}

/** Wakes so many of the workers that wait for an entry: to look at queue and state again. */
export function ringQueueBell(control: Control, workers: number): void {
  Atomics.add(control.words, ControlWord.QUEUE_BELL, 1)
  Atomics.notify(control.words, ControlWord.QUEUE_BELL, workers)
}

/**
 * Waits for an entry; undefined once the run is over. The bell is read before the queue and the
 * run's state are looked at, so a push, or an end, in between makes the wait return at once. Each
 * push wakes one worker: started lab threads then begin in their order, as on a real run queue, and
 * not all at once.
 */
export function takeEntryBlocking(control: Control): QueueEntry | undefined {
  for (;;) {
    const bell = Atomics.load(control.words, ControlWord.QUEUE_BELL)
    if (Atomics.load(control.words, ControlWord.STATE) >= RunState.KILLED) return undefined
    const entry = takeEntry(control)
    if (entry !== undefined) return entry
    Atomics.wait(control.words, ControlWord.QUEUE_BELL, bell, WAIT_SLICE_MS)
  }
}

const slotAt = (control: Control, entry: number): number =>
  control.plan.at.runQueue / 4 + (entry % control.plan.runQueueSlots) * QUEUE_ENTRY_WORDS
