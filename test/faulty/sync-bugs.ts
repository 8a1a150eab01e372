/**
 * Planted bugs: each makes a twin of lab/sync with one defect, by a change of its compiled code.
 * The same tests that the sound code passes must catch every one of them. A twin is made from the
 * code as it is, so it cannot fall behind; a change that no longer finds its place fails.
 */
export interface PlantedBug {
  readonly name: string
  /** Compiled file, from the root of the repository. */
  readonly file: string
  /** The place, and what stands there instead. */
  readonly sound: string
  readonly faulty: string
}

/**
 * Lets others run, now and then: put between the two halves of what ought to be one step, so that
 * somebody comes in between in every test run, on one core as on many.
 */
const YIELD =
  '(globalThis.steps = (globalThis.steps | 0) + 1) % 50 === 0 && ' +
  'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.1);'
/** The last lines of a successful send. */
const SENT = 'this.#unlockAndWake(head, Head.RECEIVERS, Head.ARRIVALS);'
const NEXT_CASE = '\n                }\n                else {'

const LOCKS = 'lab/sync/locks.js'
const CHANNEL = 'lab/sync/channel.js'
const PAUSE = 'lab/sync/pause.js'
const QUEUE = 'lab/sync/run-queue.js'

export const lockBugs: readonly PlantedBug[] = [
  {
    name: 'unlock wakes nobody',
    file: LOCKS,
    sound: 'if (Atomics.exchange(words, word, LockState.FREE) === LockState.HELD_WITH_WAITERS)',
    faulty: 'if (Atomics.exchange(words, word, LockState.FREE) > LockState.HELD_WITH_WAITERS)',
  },
  {
    name: 'a woken waiter forgets the others',
    file: LOCKS,
    sound:
      'while (Atomics.exchange(words, word, LockState.HELD_WITH_WAITERS) !== LockState.FREE) {',
    faulty: `const { FREE, HELD } = LockState;
        while (Atomics.compareExchange(words, word, FREE, HELD) !== FREE) {
            Atomics.compareExchange(words, word, LockState.HELD, LockState.HELD_WITH_WAITERS);`,
  },
  {
    name: 'a woken waiter does not look again',
    file: LOCKS,
    sound: 'Atomics.wait(words, word, LockState.HELD_WITH_WAITERS, WAIT_SLICE_MS);',
    faulty: 'Atomics.wait(words, word, LockState.HELD_WITH_WAITERS, WAIT_SLICE_MS); break;',
  },
  {
    name: 'a failed try takes the lock',
    file: LOCKS,
    sound: 'this.#count(Counter.TRYLOCK_FAILURES, 1);\n            return false;',
    faulty: 'this.#count(Counter.TRYLOCK_FAILURES, 1);\n            return true;',
  },
]

/** Lost wake-ups of channels. */
export const channelWakeBugs: readonly PlantedBug[] = [
  {
    name: 'the turn is read too late',
    file: CHANNEL,
    sound: `const turn = Atomics.load(words, head + turnWord);
        words[head + waiters] = words[head + waiters] + 1;
        unlockWord(words, head + Head.MUTEX);`,
    faulty: `words[head + waiters] = words[head + waiters] + 1;
        unlockWord(words, head + Head.MUTEX);
        ${YIELD}
        const turn = Atomics.load(words, head + turnWord);`,
  },
  {
    name: 'a waiter is not counted',
    file: CHANNEL,
    sound: 'words[head + waiters] = words[head + waiters] + 1;',
    faulty: '',
  },
  {
    name: 'a wake-up on the wrong side',
    file: CHANNEL,
    sound: `${SENT}${NEXT_CASE}`,
    faulty: `this.#unlockAndWake(head, Head.SENDERS, Head.DEPARTURES);${NEXT_CASE}`,
  },
]

export const channelBugs: readonly PlantedBug[] = [
  {
    name: 'the mutex is taken in two steps',
    file: 'lab/sync/word-mutex.js',
    sound: 'if (Atomics.compareExchange(words, word, FREE, HELD) === FREE)',
    faulty: `const seen = words[word]; ${YIELD} if (seen === FREE && (words[word] = HELD))`,
  },
]

export const barrierBugs: readonly PlantedBug[] = [
  {
    name: 'no generation',
    file: 'lab/sync/barrier.js',
    sound: 'if (openings(now) !== opening)',
    faulty: 'if ((now & ARRIVED_MASK) === 0)',
  },
  {
    name: 'an arrival is not atomic',
    file: 'lab/sync/barrier.js',
    sound: '} while (Atomics.compareExchange(words, gate, before, after) !== before)',
    faulty: `${YIELD} } while ((words[gate] = after) !== after)`,
  },
]

export const pauseBugs: readonly PlantedBug[] = [
  {
    name: 'leaving a wait does not look again',
    file: PAUSE,
    sound: 'if (Atomics.load(this.#control.words, ControlWord.PAUSE) !== 0)',
    faulty: 'if (false)',
  },
  {
    name: 'a resumed lab thread still says parked',
    file: PAUSE,
    sound: 'this.setState(SeatState.RUNNING);\n            if (',
    faulty: 'if (',
  },
]

export const cellBugs: readonly PlantedBug[] = [
  {
    name: 'a claim in two steps',
    file: 'lab/sync/cells.js',
    sound: 'const block = Atomics.exchange(cells, cell, CELL_BUSY);',
    faulty: `const block = cells[cell]; ${YIELD} cells[cell] = CELL_BUSY;`,
  },
]

export const queueBugs: readonly PlantedBug[] = [
  {
    name: 'a push wakes nobody',
    file: QUEUE,
    sound: 'ringQueueBell(control, 1);',
    faulty: '',
  },
  {
    name: 'the bell is read after the queue',
    file: QUEUE,
    sound: 'Atomics.wait(control.words, ControlWord.QUEUE_BELL, bell, WAIT_SLICE_MS);',
    faulty: `${YIELD} const late = Atomics.load(control.words, ControlWord.QUEUE_BELL);
        Atomics.wait(control.words, ControlWord.QUEUE_BELL, late, WAIT_SLICE_MS);`,
  },
  {
    name: 'entries are taken without the mutex',
    file: QUEUE,
    sound: `lockWord(control.words, ControlWord.QUEUE_LOCK);
    const taken = control.words[ControlWord.QUEUE_TAKEN];`,
    faulty: `const taken = control.words[ControlWord.QUEUE_TAKEN]; ${YIELD}`,
  },
]
