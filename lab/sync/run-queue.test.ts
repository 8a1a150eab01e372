/** The run queue in one isolate: order, contents, limits. Waiting is tested in test/sync. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  type Control,
  ControlWord,
  createControl,
  QUEUE_ENTRY_WORDS,
  RunState,
} from '../words/control.ts'
import { pushEntry, type QueueEntry, takeEntry, takeEntryBlocking } from './run-queue.ts'

const SLOTS = 3
const TEXT_BYTES_MAX = (QUEUE_ENTRY_WORDS - 6) * 4

const createQueue = (): Control =>
  createControl({
    seats: SLOTS,
    heapBytes: 4096,
    mappingsMax: 16,
    locksMax: 4,
    cellsPerSeat: 1,
    tableCells: 0,
    channelCapacities: [],
    barriers: 0,
    runQueueSlots: SLOTS,
    logEntries: 16,
  })

const number = fc.nat(0x7fffffff)
const text = fc.string({ unit: 'grapheme', maxLength: 60 })
const entries = fc.record<QueueEntry>({
  seat: number,
  role: number,
  thread: number,
  index: number,
  handed: number,
  text,
})

it('entries come out as they went in, oldest first, round and round the ring', () => {
  fc.assert(
    fc.property(fc.array(fc.option(entries), { maxLength: 30 }), (steps) => {
      const control = createQueue()
      const model: QueueEntry[] = []
      for (const step of steps) {
        if (step !== null && model.length < SLOTS) {
          pushEntry(control, step)
          model.push(step)
        } else {
          expect(takeEntry(control)).toEqual(model.shift())
        }
      }
    }),
    { numRuns: 200, seed: 7 },
  )
})

it('arguments that do not fit are refused, and nothing is pushed', () => {
  const control = createQueue()
  const entry = { seat: 0, role: 0, thread: 0, index: 0, handed: 0 }
  pushEntry(control, { ...entry, text: 'x'.repeat(TEXT_BYTES_MAX) })
  // Two bytes each: it is the bytes that count.
  const long = 'é'.repeat(TEXT_BYTES_MAX / 2 + 1)
  expect(() => pushEntry(control, { ...entry, text: long })).toThrow('at most')
  expect(takeEntry(control)?.text).toHaveLength(TEXT_BYTES_MAX)
  expect(takeEntry(control)).toBeUndefined()
})

it('a worker is told when the run is over, even if lab threads are left', () => {
  const control = createQueue()
  const entry = { seat: 0, role: 0, thread: 4, index: 0, handed: 0, text: '{}' }
  pushEntry(control, entry)
  control.words[ControlWord.STATE] = RunState.ENDING
  expect(takeEntryBlocking(control)).toEqual(entry)
  pushEntry(control, entry)
  control.words[ControlWord.STATE] = RunState.STOPPED
  expect(takeEntryBlocking(control)).toBeUndefined()
})
