/**
 * lab/sync under real workers: mutual exclusion, no lost wake-up in a million hand-offs, nothing
 * lost or doubled, nobody moving at a safepoint. Every test is run on the sound code, which must
 * pass, and on twins with one planted bug each, which must not.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { waitForStart } from '../../lab/sync/barrier.ts'
import { lockFigures, makeLockRow } from '../../lab/sync/lock-table.ts'
import { allParked, release, requestPause, setRunState } from '../../lab/sync/pause.ts'
import { Cell } from '../../lab/words/cells.ts'
import {
  CELL_WORDS,
  ControlWord,
  RunState,
  SEAT_ROW_WORDS,
  SeatState,
  SeatWord,
} from '../../lab/words/control.ts'
import { Counter } from '../../lab/words/events.ts'
import {
  barrierBugs,
  cellBugs,
  channelBugs,
  channelWakeBugs,
  lockBugs,
  type PlantedBug,
  pauseBugs,
  queueBugs,
} from '../faulty/sync-bugs.ts'
import { CompiledSync, Crew, PLANTED_HANG_MS } from './crew.ts'
import { Scratch } from './tasks.ts'

const compiled = new CompiledSync()
afterAll(() => compiled.remove())

/** What went wrong: empty for the sound code. */
type Trial = (workerFile: string, hangMs: number | undefined) => Promise<string[]>

/** A property that holds for the sound code, and that each planted bug breaks within some tries. */
function holdsAndCatches(property: string, trial: Trial, bugs: readonly PlantedBug[]): void {
  it(property, async () => {
    expect(await trial(compiled.workerFile(), undefined)).toEqual([])
  })
  for (const bug of bugs) {
    it(`${property}: not when ${bug.name}`, async () => {
      const twin = compiled.workerFile(bug)
      let wrong: string[] = []
      for (let tries = 0; tries < 5 && wrong.length === 0; tries++) {
        wrong = await trial(twin, PLANTED_HANG_MS)
      }
      expect(wrong).not.toEqual([])
    })
  }
}

async function outcome(crew: Crew, hangMs: number | undefined): Promise<string[]> {
  const verdict = await crew.finished(hangMs)
  return verdict === 'hang' ? ['hang', ...crew.failures] : [...crew.failures]
}

describe('mutex', () => {
  for (const spinCount of [0, 100]) {
    const counting: Trial = async (file, hangMs) => {
      const amount = 250_000
      const tasks = ['count', 'count', 'count', 'count']
      const crew = new Crew(file, { tasks, amount, spinCount }).start()
      const wrong = await outcome(crew, hangMs)
      if (crew.scratch[Scratch.PROTECTED] !== 4 * amount) {
        wrong.push(`counted ${crew.scratch[Scratch.PROTECTED]}`)
      }
      return wrong
    }
    const title = `a million sections of 4 lab threads, ${spinCount} spins: none overlap or hang`
    holdsAndCatches(title, counting, spinCount === 0 ? lockBugs : [])
  }
})

describe('channel', () => {
  /** Half of `tasks` send `amount` contents each, the others receive. */
  const conserving =
    (capacity: number, amount: number): Trial =>
    async (file, hangMs) => {
      const tasks = ['produce', 'consume', 'produce', 'consume', 'produce', 'consume']
      const scratchWords = 1 + tasks.length * amount
      const channelCapacities = [capacity]
      const crew = new Crew(file, { tasks, amount, scratchWords, channelCapacities }).start()
      const verdict = crew.finished(hangMs)
      const stop = new AbortController()
      void crew.until(() => crew.scratch[0]! >= 3 * amount, stop.signal).then(() => crew.end())
      const wrong = (await verdict) === 'hang' ? ['hang'] : []
      stop.abort()
      wrong.push(...crew.failures)
      for (const seat of [0, 2, 4]) {
        const tokens = crew.scratch.subarray(1 + seat * amount, 1 + (seat + 1) * amount)
        const odd = tokens.findIndex((times) => times !== 1)
        if (odd >= 0) wrong.push(`token ${odd} of ${seat} came ${tokens[odd]} times`)
      }
      return wrong
    }
  const title = (contents: string, capacity: number) =>
    `${contents} contents through ${capacity} places, 3 to 3: each arrives whole and once`
  holdsAndCatches(title('a million', 64), conserving(64, 333_334), channelBugs)
  holdsAndCatches(title('60 000', 1), conserving(1, 20_000), [])

  const relaying: Trial = async (file, hangMs) => {
    const amount = 10_000
    const tasks = ['relay', 'relay', 'relay', 'relay']
    const crew = new Crew(file, { tasks, amount, channelCapacities: [1, 1, 1, 1] }).start()
    const wrong = await outcome(crew, hangMs)
    if (crew.scratch[0] !== 4 * amount) wrong.push(`${crew.scratch[0]} hand-offs`)
    return wrong
  }
  holdsAndCatches(
    'one content round a ring of 4, 40 000 hand-offs: none is lost',
    relaying,
    channelWakeBugs,
  )
})

describe('barrier', () => {
  const meeting: Trial = async (file, hangMs) => {
    const crew = new Crew(file, { tasks: ['meet', 'meet', 'meet', 'meet'], amount: 5000 }).start()
    return outcome(crew, hangMs)
  }
  holdsAndCatches('10 000 meetings of 4: nobody is a round ahead', meeting, barrierBugs)

  const pairing: Trial = async (file, hangMs) => {
    const tasks = ['meetInPairs', 'meetInPairs', 'meetInPairs', 'meetInPairs']
    const crew = new Crew(file, { tasks, amount: 5000 }).start()
    const verdict = crew.finished(hangMs)
    // The last lab thread may have nobody left to meet.
    const { ENDED, BARRIER } = SeatState
    const settled = () => crew.seatsIn(ENDED) === 4 || crew.seatsIn(ENDED, BARRIER) === 4
    await crew.until(() => crew.seatsIn(ENDED) >= 3 && settled())
    const openings = crew.control.int32[crew.control.plan.at.barriers / 4]! >>> 16
    const passed = crew.scratch[0]!
    crew.end()
    const wrong = (await verdict) === 'hang' ? ['hang'] : []
    if (passed > 2 * openings) wrong.push(`${passed} passed in ${openings} openings`)
    return [...wrong, ...crew.failures]
  }
  const [, notAtomic] = barrierBugs as [PlantedBug, PlantedBug]
  holdsAndCatches('meetings of 2 among 4: each opening lets two pass', pairing, [notAtomic])
})

describe('pause', () => {
  const CYCLES = 1000
  const pausing: Trial = async (file, hangMs) => {
    const crew = new Crew(file, { tasks: ['runOps', 'runOps', 'runOps'], amount: 0 }).start()
    const ops = (): number => crew.scratch[0]! + crew.scratch[16]! + crew.scratch[32]!
    const wrong: string[] = []
    const verdict = crew.finished(hangMs)
    await crew.until(() => [0, 16, 32].every((at) => crew.scratch[at]! > 0))
    for (let cycle = 0; cycle < CYCLES && wrong.length === 0; cycle++) {
      requestPause(crew.control)
      while (!allParked(crew.control)) await nextTurn()
      const before = ops()
      for (let turn = 0; turn < 3; turn++) await nextTurn()
      if (ops() !== before) wrong.push(`${ops() - before} ops in pause ${cycle}`)
      release(crew.control)
      await nextTurn()
      // On a busy machine they may not even have woken by the next pause, which must be met too;
      // but now and then they are given the time it takes.
      const moved = cycle % 50 !== 0 || (await crew.until(() => ops() !== before))
      if (!moved) wrong.push(`nobody moved after pause ${cycle}`)
    }
    crew.end()
    if ((await verdict) === 'hang') wrong.push('hang')
    return [...wrong, ...crew.failures]
  }
  holdsAndCatches(`${CYCLES} pauses of 3 lab threads: nobody moves in any`, pausing, pauseBugs)
})

describe('shared cells', () => {
  const swapping: Trial = async (file, hangMs) => {
    const tableCells = 5
    const tasks = ['swap', 'swap', 'swap', 'swap']
    const crew = new Crew(file, { tasks, amount: 50_000, tableCells })
    const { cells } = crew.control
    const all = cells.length / CELL_WORDS
    for (let token = 1; token < all; token++) crew.fillCell(token, token)
    const wrong = await outcome(crew.start(), hangMs)
    const found: number[] = []
    for (let cell = 0; cell < all; cell++) found.push(cells[cell * CELL_WORDS + Cell.BLOCK]!)
    found.sort((a, b) => a - b)
    if (found.some((token, place) => token !== place)) wrong.push(`contents ${found.join(' ')}`)
    return wrong
  }
  holdsAndCatches(
    '200 000 swaps of 4 lab threads: no content is lost or doubled',
    swapping,
    cellBugs,
  )
})

describe('run queue', () => {
  const taking =
    (takers: number): Trial =>
    async (file, hangMs) => {
      const amount = 20_000
      const tasks = ['pushEntries', ...new Array<string>(takers).fill('takeEntries')]
      const crew = new Crew(file, { tasks, amount, scratchWords: amount + 1 }).start()
      const wrong = await outcome(crew, hangMs)
      const odd = crew.scratch.subarray(1).findIndex((times) => times !== 1)
      if (odd >= 0) wrong.push(`lab thread ${odd + 1} was taken ${crew.scratch[odd + 1]} times`)
      return wrong
    }
  const [wakesNobody, late, unlocked] = queueBugs as [PlantedBug, PlantedBug, PlantedBug]
  holdsAndCatches('20 000 lab threads, one worker: each is taken once', taking(1), [
    wakesNobody,
    late,
  ])
  holdsAndCatches('20 000 lab threads, 3 workers: each is taken once', taking(3), [unlocked])
})

describe('a lock that is waited for', () => {
  const { HOLDER_IN, GO } = Scratch
  const made = (tasks: readonly string[]): Crew => {
    const crew = new Crew(compiled.workerFile(), { tasks, amount: 1 })
    makeLockRow(crew.control, 0, 'mmap_lock')
    makeLockRow(crew.control, 0, 'arena 0')
    return crew
  }

  it('says who holds it and who waits, and its figures are right', async () => {
    const crew = made(['hold', 'once', 'once', 'once'])
    const { control, scratch } = crew
    crew.startTask(0)
    expect(await crew.until(() => scratch[HOLDER_IN] === 1)).toBe(true)
    for (const seat of [1, 2, 3]) crew.startTask(seat)
    expect(await crew.until(() => crew.seatsIn(SeatState.LOCK) === 3)).toBe(true)
    expect(lockFigures(control, 1)).toMatchObject({ name: 'arena 0', holderThread: 0, waits: 0 })
    expect(allParked(control)).toBe(false)
    for (const seat of [1, 2, 3]) {
      expect(control.seats[seat * SEAT_ROW_WORDS + SeatWord.WAITS_FOR_LOCK]).toBe(2)
    }

    Atomics.store(scratch, GO, 1)
    Atomics.notify(scratch, GO)
    expect(await outcome(crew, undefined)).toEqual([])
    const figures = lockFigures(control, 1)
    expect(figures).toMatchObject({
      holderThread: -1,
      acquisitions: 4,
      spinAcquisitions: 0,
      waits: 3,
      waitersMax: 3,
      ownerSwitches: 4,
    })
    const waited = [0, 1, 2, 3].map((seat) => crew.counter(seat, Counter.LOCK_WAIT_NS))
    expect(waited[0]).toBe(0)
    expect(waited.slice(1).every((ns) => ns > 0)).toBe(true)
    expect(figures.waitNs).toBe(waited.reduce((sum, ns) => sum + ns))
    expect(figures.waitNsMax).toBe(Math.max(...waited))
    expect([0, 1, 2, 3].map((seat) => crew.counter(seat, Counter.LOCK_WAITS))).toEqual([0, 1, 1, 1])
    expect(crew.seatsIn(SeatState.LOCK)).toBe(0)
  })

  it('lets its waiters go when the holder has died and the run has failed', async () => {
    const crew = made(['die', 'once', 'once'])
    crew.startTask(0)
    expect(await crew.until(() => crew.scratch[HOLDER_IN] === 1)).toBe(true)
    for (const seat of [1, 2]) crew.startTask(seat)
    expect(await crew.until(() => crew.seatsIn(SeatState.LOCK) === 2)).toBe(true)
    expect(lockFigures(crew.control, 1).holderThread).toBe(0)
    crew.end(RunState.FAILED)
    expect(await outcome(crew, undefined)).toEqual(['RunEnded', 'RunEnded'])
  })
})

describe('the start barrier', () => {
  const never = (): boolean => false
  it('lets all workers go at once', async () => {
    const crew = new Crew(compiled.workerFile(), {
      tasks: ['startBarrier', 'startBarrier', 'startBarrier'],
      amount: 0,
    })
    crew.control.words[ControlWord.STATE] = RunState.STARTING
    crew.start()
    await waitForStart(crew.control, 3, 20_000, never)
    expect(crew.scratch[0]).toBe(0)
    setRunState(crew.control, RunState.RUNNING)
    expect(await outcome(crew, undefined)).toEqual([])
    expect(crew.scratch[0]).toBe(3)
  })

  it('says how many of how many came in time', async () => {
    const { control } = new Crew(compiled.workerFile(), { tasks: [], seats: 3, amount: 0 })
    control.words[ControlWord.WORKERS_READY] = 2
    await expect(waitForStart(control, 3, 20, never)).rejects.toThrow('only 2 of 3 workers')
  })
})

describe('a run that ends', () => {
  it('opens channels and barriers', async () => {
    const tasks = ['consume', 'meet']
    const crew = new Crew(compiled.workerFile(), { tasks, amount: 1, channelCapacities: [1] })
    crew.start()
    const verdict = crew.finished()
    expect(await crew.until(() => crew.seatsIn(SeatState.CHANNEL, SeatState.BARRIER) === 2)).toBe(
      true,
    )
    crew.end(RunState.ENDING)
    expect(await verdict).toBe('done')
  })
})
