/** Whatever a schedule does to the heap and to the lab's own state, the next begins as it did. */
import { expect, it } from 'vitest'
import { resolveTunables } from '../../../allocators/parse-tunables.ts'
import { designs } from '../../../allocators/registry.ts'
import { MIB, wordsOfBytes } from '../../words/units.ts'
import { createSharedRun, type SharedRun } from '../shared-run.ts'
import type { RunPlan } from '../types.ts'
import { Account } from './account.ts'
import { Baton } from './baton.ts'
import { Choices } from './choices.ts'
import { ExploreProcess } from './explore-process.ts'
import { ExploreWords } from './layout.ts'
import { Scheduler } from './scheduler.ts'
import { Snapshot, takeSnapshot } from './snapshot.ts'
import { watchWords } from './watched-words.ts'

const BLOCKS = 300

function openRun(name: string) {
  const design = designs[name]!
  const tunables = resolveTunables(design.tunables, [])
  const plan: RunPlan = {
    machine: 'explore',
    scheduleSeed: 0,
    variant: { label: name, design: name, tunables },
    scenario: 'none',
    params: {},
    seed: 1,
    cores: 2,
    threads: 2,
    heapBytes: 64 * MIB,
    limits: {
      memoryLimit: undefined,
      addressSpaceLimit: undefined,
      overcommitMemory: 0,
      overcommitRatio: 50,
      ramBytes: 1024 * MIB,
    },
    seconds: undefined,
    drain: false,
    fill: false,
    spinCount: 0,
  }
  const needs = {
    threads: 2,
    privateCells: 10,
    tables: {},
    tableCells: 0,
    channelCapacities: [3],
    barriers: 0,
    seconds: undefined,
    stackBytes: 8 * MIB,
  }
  return createSharedRun(plan, design, needs, { originMs: 0, now: () => 0 }).run
}

/** The process that a design gets; schedule 0 never switches, so one isolate is enough. */
function openProcess(run: SharedRun, snapshot: Snapshot): ExploreProcess {
  const { control, heap } = run
  const explore = new ExploreWords(2)
  const choices = new Choices(explore)
  const scheduler = new Scheduler({
    explore,
    control,
    heap,
    worker: 0,
    baton: new Baton(explore, 0),
    choices,
    account: new Account(explore, control),
  })
  choices.begin(1, 0)
  scheduler.begins(0, 0)
  const words = watchWords(heap, control.pages, snapshot.dirtied, scheduler)
  return ExploreProcess.open(run, words, scheduler, () => 0)
}

for (const name of Object.keys(designs)) {
  it(`${name}: the heap and the lab's own words are as they were`, () => {
    const run = openRun(name)
    const { heap, control, design, init } = run
    const snapshot = new Snapshot(takeSnapshot(run))
    const heapBefore = heap.slice()
    const controlBefore = control.int32.slice()

    const process = openProcess(run, snapshot)
    for (const seat of [0, 1]) {
      process.speakFor(seat, seat)
      const own = design.attach(process, init.tunables, run.threadInfo(seat, seat))
      const blocks = Array.from({ length: BLOCKS }, (_, i) => own.malloc(i * i))
      for (const [i, block] of blocks.entries()) {
        const words = wordsOfBytes(i * i)
        process.touchRange(block, words)
        heap.fill(-1, block, block + words)
      }
      for (const [i, block] of blocks.entries()) if (i % 3 !== 0) own.free(block)
      own.trim(0)
    }
    expect(Buffer.compare(bytesOf(heap), bytesOf(heapBefore))).not.toBe(0)

    snapshot.restore(run)
    expect(Buffer.compare(bytesOf(heap), bytesOf(heapBefore))).toBe(0)
    expect(Buffer.compare(bytesOf(control.int32), bytesOf(controlBefore))).toBe(0)
    expect(snapshot.dirtied.every((dirtied) => dirtied === 0)).toBe(true)
  })
}

const bytesOf = (words: Int32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
