/**
 * What the lock table says after known sequences, in one isolate that speaks for several lab
 * threads in turn. Waiting is tested on real workers, in test/sync.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Control, ControlWord, createControl } from '../words/control.ts'
import { COUNTER_ROW, Counter } from '../words/events.ts'
import { lockFigures, locksMade } from './lock-table.ts'
import { KernelMutex, Locks, MMAP_LOCK_ID, type SyncSelf } from './locks.ts'

const WORD = 5
const LOCKS_MAX = 4
let control: Control
let self: SyncSelf
let locks: Locks
const words = new Int32Array(new SharedArrayBuffer(64))

const speakFor = (thread: number, seat: number): void => {
  self.thread = thread
  self.seat = seat
  self.counterBase = seat * COUNTER_ROW
}

beforeEach(() => {
  control = createControl({
    seats: 2,
    heapBytes: 4096,
    mappingsMax: 16,
    locksMax: LOCKS_MAX,
    cellsPerSeat: 1,
    tableCells: 0,
    channelCapacities: [],
    barriers: 0,
    runQueueSlots: 2,
    logEntries: 16,
  })
  self = { seat: 0, thread: 0, counterBase: 0 }
  words.fill(0)
  locks = new Locks(control, self, () => {
    throw new Error('the clock is read on the slow path only')
  })
  new KernelMutex(control, locks).make()
})

describe('locks', () => {
  it('ids follow one another, names are kept, and a full table says so', () => {
    expect(lockFigures(control, MMAP_LOCK_ID).name).toBe('mmap_lock')
    expect(locks.make(WORD, 'main arena')).toBe(1)
    expect(locks.make(WORD, 'arène 2')).toBe(2)
    expect(locks.make(WORD, 'n'.repeat(100))).toBe(3)
    expect(() => locks.make(WORD, 'one more')).toThrow('more than 4 locks')
    expect(lockFigures(control, 2).name).toBe('arène 2')
    expect(lockFigures(control, 3).name).toMatch(/^n{40,}$/)
    expect(locksMade(control)).toBe(LOCKS_MAX)
  })

  it('the holder is known while the lock is held, and only then', () => {
    const id = locks.make(WORD, 'arena')
    expect(lockFigures(control, id).holderThread).toBe(-1)
    speakFor(7, 1)
    locks.lock(words, WORD, id)
    expect(words[WORD]).toBe(1)
    expect(lockFigures(control, id).holderThread).toBe(7)
    locks.unlock(words, WORD, id)
    expect(words[WORD]).toBe(0)
    expect(lockFigures(control, id).holderThread).toBe(-1)
  })

  it('counts acquisitions and owner switches, by lock and by lab thread', () => {
    const id = locks.make(WORD, 'arena')
    const other = locks.make(WORD + 1, 'arena 2')
    // The first owner counts as a switch, as in jemalloc's mutex_owner_stats_update.
    for (const thread of [3, 3, 4, 3, 3]) {
      speakFor(thread, thread % 2)
      locks.lock(words, WORD, id)
      locks.unlock(words, WORD, id)
    }
    expect(lockFigures(control, id)).toMatchObject({ acquisitions: 5, ownerSwitches: 3, waits: 0 })
    expect(lockFigures(control, other)).toMatchObject({ acquisitions: 0, ownerSwitches: 0 })
  })

  it('a try on a held lock fails, leaves everything, and counts in the row of who tried', () => {
    const id = locks.make(WORD, 'arena')
    expect(locks.tryLock(words, WORD, id)).toBe(true)
    speakFor(1, 1)
    expect(locks.tryLock(words, WORD, id)).toBe(false)
    expect(locks.tryLock(words, WORD, id)).toBe(false)
    expect(lockFigures(control, id)).toMatchObject({ holderThread: 0, acquisitions: 1 })
    expect(control.counters[Counter.TRYLOCK_FAILURES]).toBe(0)
    expect(control.counters[COUNTER_ROW + Counter.TRYLOCK_FAILURES]).toBe(2)
    expect(words[WORD]).toBe(1)
  })

  it('the mmap_lock lies in the control buffer and must be the first lock', () => {
    const kernel = new KernelMutex(control, locks)
    kernel.lock()
    expect(lockFigures(control, MMAP_LOCK_ID).holderThread).toBe(0)
    kernel.unlock()
    expect(lockFigures(control, MMAP_LOCK_ID).acquisitions).toBe(1)
    expect(() => kernel.make()).toThrow('first lock')
    expect(control.words[ControlWord.LOCKS_MADE]).toBe(2)
  })
})
