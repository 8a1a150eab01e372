/**
 * A recorder's batches are carried out here by a tiny machine that knows nothing but cells full or
 * empty. What it must never see: an op on a cell that the script does not hold.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BadInput } from '../words/bad-input.ts'
import { describeOp, eachOp, readArgs, readText } from './decode.ts'
import { OP_OPERANDS, Op } from './ops.ts'
import { planScenario } from './plan.ts'
import { BATCH_WORDS, FIRST_BATCH_WORDS, RoleRecorder } from './recorder.ts'
import { type CellRef, defineScenario, type Recorder, type Scenario } from './scenario.ts'

type Script = (t: Recorder) => Generator<void, void, void>

function scenarioOf(script: Script, loop = false): Scenario {
  return defineScenario({
    name: 'sample',
    summary: '',
    params: {},
    ...(loop ? { loop: ['main'] } : {}),
    tables: () => ({ first: 10, second: 5 }),
    threads: () => 2,
    privateCells: () => 200,
    *main(t) {
      yield* script(t)
    },
    *other() {
      yield
    },
  })
}

function recorderOf(
  script: Script,
  options: { loop?: boolean; seed?: number; handed?: number } = {},
) {
  const scenario = scenarioOf(script, options.loop ?? false)
  return new RoleRecorder({
    scenario,
    params: {},
    role: scenario.main,
    index: 0,
    seed: options.seed ?? 1,
    args: {},
    handed: options.handed ?? 0,
    tables: planScenario(scenario, {}).tables,
    privateCells: 200,
    loopOps: 1000,
  })
}

/** All ops of a role, as text. */
function record(script: Script, options: { seed?: number; handed?: number } = {}): string[] {
  const recorder = recorderOf(script, options)
  const lines: string[] = []
  for (let done = false; !done; ) {
    const batch = recorder.nextBatch()
    let ops = 0
    eachOp(batch.ops, batch.length, (_, at) => {
      lines.push(describeOp(batch.ops, at))
      ops++
    })
    expect(ops).toBe(batch.opCount)
    done = batch.done
  }
  return lines
}

/** A script of random but lawful steps. */
function* wander(t: Recorder, steps: readonly number[]): Generator<void, void, void> {
  const held: CellRef[] = []
  const row = t.cells(8)
  const take = (): CellRef | undefined => held.splice(t.random.below(held.length + 1), 1)[0]
  for (const step of steps) {
    const cell = step % 8 < 3 ? undefined : take()
    if (cell === undefined) held.push(t.malloc(step))
    else if (step % 8 === 3) t.free(cell)
    else if (step % 8 === 4) t.send(0, cell)
    else if (step % 8 === 5) t.move(cell, t.table('first', step % 10))
    else if (step % 8 === 6) t.move(cell, t.at(row, step % 8))
    else held.push(cell, t.receive(0))
    if (step % 5 === 0) yield
  }
}

describe('recorder', () => {
  it('records what the script does, in order', () => {
    const lines = record(function* (t) {
      const a = t.malloc(100)
      const b = t.calloc(3, 40)
      t.write(a)
      t.realloc(a, 200)
      t.free(b)
      const c = t.memalign(64, 10)
      t.writePages(c, 2)
      t.swap(c, t.table('second', 1))
      t.send(0, a)
      const d = t.receive(1)
      t.move(d, t.table('first', 9))
      t.barrier(0, 3)
      t.work(2_500_001)
      t.sleep(3e12)
      t.pace(1000)
      t.trim(4096)
      t.start('other', { day: 4, i: 2 })
      t.joinAll()
      t.phase('day 1 · midnight')
      t.exit()
      yield
    })
    expect(lines).toEqual([
      'malloc cell 0, 100 bytes',
      'calloc cell 1, 3 × 40 bytes',
      'write cell 0',
      'realloc cell 0, 200 bytes',
      'free cell 1',
      'memalign cell 1, 10 bytes at a multiple of 64',
      'write cell 1, 2 pages',
      'swap cell 1, shared cell 11',
      'send channel 0, cell 0',
      'receive channel 1, cell 0',
      'move cell 0, shared cell 9',
      'barrier 0 of 3',
      'work 2500001 ns',
      'sleep 3000000000000 ns',
      'pace 1000 ops/s',
      'trim 4096 bytes',
      'start role 1 {"day":4,"i":2}',
      'join_all',
      'phase "day 1 · midnight"',
      'exit',
    ])
  })

  it('uses no cell that is not held (random scripts)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 300 }), fc.nat(), (steps, seed) => {
        const recorder = recorderOf((t) => wander(t, steps), { seed })
        const held = new Set<number>([0, 1, 2, 3, 4, 5, 6, 7])
        for (let done = false; !done; ) {
          const { ops, length, done: last } = recorder.nextBatch()
          done = last
          eachOp(ops, length, (code, at) => {
            const [a, b] = [ops[at + 1]!, ops[at + 2]!]
            const fills = code === Op.MALLOC || code === Op.RECEIVE
            const target = code === Op.RECEIVE || code === Op.SEND ? b : a
            if (fills) {
              expect(held.has(target)).toBe(false)
              held.add(target)
              return
            }
            expect(held.has(target)).toBe(true)
            if (code === Op.MOVE && b >= 0) expect(held.has(b)).toBe(true)
            if (target >= 8) held.delete(target)
          })
        }
      }),
    )
  })

  it('gets its cells back when their content leaves', () => {
    // Far more blocks than the 200 cells: each way out has to give its cell back.
    const lines = record(function* (t) {
      for (let i = 0; i < 1000; i++) {
        t.free(t.malloc(1))
        t.send(0, t.malloc(2))
        t.move(t.malloc(3), t.table('first', 0))
        t.start('other', {}, { first: t.malloc(4), count: 1 })
        yield
      }
    })
    expect(new Set(lines.filter((line) => line.startsWith('malloc'))).size).toBe(4)
  })

  it('records the same ops for the same seed, others for another', () => {
    const script: Script = (t) =>
      wander(
        t,
        Array.from({ length: 200 }, (_, i) => i * 7),
      )
    expect(record(script, { seed: 5 })).toEqual(record(script, { seed: 5 }))
    expect(record(script, { seed: 5 })).not.toEqual(record(script, { seed: 6 }))
  })

  it('cuts batches at yields: the first ones short, then past 32 Ki words', () => {
    const recorder = recorderOf(function* (t) {
      for (let i = 0; i < 40_000; i++) {
        t.free(t.malloc(16))
        yield
      }
    })
    const lengths: number[] = []
    for (let done = false; !done; ) {
      const batch = recorder.nextBatch()
      lengths.push(batch.length)
      done = batch.done
    }
    expect(lengths.reduce((sum, length) => sum + length)).toBe(40_000 * 5)
    lengths.slice(0, -1).forEach((length, batch) => {
      const least = Math.min(BATCH_WORDS, FIRST_BATCH_WORDS * 2 ** batch)
      expect(length).toBeGreaterThanOrEqual(least)
      expect(length).toBeLessThan(least + 5)
    })
  })

  it('knows the size of every op', () => {
    for (const code of Object.values(Op)) expect(OP_OPERANDS[code]).toBeTypeOf('number')
  })

  it('keeps texts and arguments whole', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.integer(), (label, day) => {
        const recorder = recorderOf(function* (t) {
          t.phase(label)
          t.start('other', { day })
          yield
        })
        const { ops, length } = recorder.nextBatch()
        const texts: string[] = []
        eachOp(ops, length, (code, at) => {
          if (code === Op.PHASE) texts.push(readText(ops, at))
          else expect(readArgs(ops, at)).toEqual({ day })
        })
        expect(texts).toEqual([label])
      }),
    )
  })

  it('hands cells over: they leave the starter and are 0, 1, … of the other', () => {
    const lines = record(
      function* (t) {
        t.free(t.handed(1))
        const own = t.malloc(8)
        t.start('other', {}, { first: own, count: 1 })
        t.malloc(9)
        yield
      },
      { handed: 2 },
    )
    expect(lines).toEqual([
      'free cell 1',
      'malloc cell 2, 8 bytes',
      'start role 1 {} with 1 cells from cell 2',
      'malloc cell 2, 9 bytes',
    ])
  })
})

describe('loop roles', () => {
  it('are recorded once, cut at a yield, and repeated', () => {
    let runs = 0
    const recorder = recorderOf(
      function* (t) {
        runs++
        for (;;) {
          t.free(t.malloc(32))
          t.work(1)
          yield
        }
      },
      { loop: true },
    )
    const first = recorder.nextBatch()
    expect(first).toMatchObject({ opCount: 1002, done: false })
    expect(recorder.nextBatch()).toBe(first)
    expect(runs).toBe(1)
  })

  it('must record something', () => {
    const recorder = recorderOf(
      function* () {
        for (;;) yield
      },
      { loop: true },
    )
    expect(() => recorder.nextBatch()).toThrow(/records no op/)
  })
})

describe('recorder refuses, naming scenario and role', () => {
  const cases: Record<string, [(t: Recorder) => void, RegExp]> = {
    'ops without a yield': [
      (t) => {
        for (;;) t.trim(0)
      },
      /1048576 ops without a yield/,
    ],
    'use after free': [
      (t) => {
        const a = t.malloc(1)
        t.free(a)
        t.write(a)
      },
      /uses cell 0, whose content has left/,
    ],
    'double free': [
      (t) => {
        const a = t.malloc(1)
        t.free(a)
        t.free(a)
      },
      /content has left/,
    ],
    'use after send': [
      (t) => {
        const a = t.malloc(1)
        t.send(0, a)
        t.free(a)
      },
      /content has left/,
    ],
    'too many cells': [
      (t) => {
        for (let i = 0; i < 201; i++) t.malloc(1)
      },
      /more than the 200 private cells/,
    ],
    'a size that is none': [(t) => void t.malloc(-1), /bytes must be a whole number/],
    'a size beyond 2^31': [(t) => void t.malloc(2 ** 31), /bytes must be a whole number/],
    'an alignment that is none': [(t) => void t.memalign(48, 1), /alignment 48/],
    'an unknown table': [
      (t) => void t.table('frist', 0),
      /unknown table 'frist': did you mean first/,
    ],
    'a table index too far': [(t) => void t.table('first', 10), /cells 0 to 9, not 10/],
    'an unknown role': [(t) => void t.start('othr'), /unknown role 'othr': did you mean other/],
    'ops after exit': [
      (t) => {
        t.exit()
        t.malloc(1)
      },
      /after exit/,
    ],
    'a long label': [(t) => void t.phase('x'.repeat(300)), /label of 300 bytes/],
    'a cell beside its row': [(t) => void t.at(t.cells(3), 3), /not in a row/],
    'a handed cell it has not got': [(t) => void t.handed(0), /handed 0 cells/],
    'whatever the script throws': [
      () => {
        throw new TypeError('p.x is not a function')
      },
      /p.x is not a function/,
    ],
  }
  it.each(Object.keys(cases))('%s', (name) => {
    const [steps, message] = cases[name]!
    const recorder = recorderOf(function* (t) {
      steps(t)
      yield
    })
    const error = thrownBy(() => recorder.nextBatch())
    expect(error).toBeInstanceOf(BadInput)
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^scenario sample, role main: /)
  })

  it('yields without an op', () => {
    const recorder = recorderOf(function* () {
      for (;;) yield
    })
    expect(() => recorder.nextBatch()).toThrow(/yields without an op/)
  })
})

function thrownBy(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
