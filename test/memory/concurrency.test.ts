/**
 * Goal: faults and system calls of real threads leave page contents and figures right.
 * Method: workers hammer one address space; each checks what it reads, and the figures must add up
 * when all have left. A twin whose faults do not compare and exchange must be caught.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import { KernelMutex, Locks } from '../../lab/sync/locks.ts'
import { ControlWord, RunState } from '../../lab/words/control.ts'
import { MappingKind, Protection } from '../../lab/words/mapping.ts'
import { WORD_NULL } from '../../lab/words/units.ts'
import type { HammerData, HammerTask } from './hammer-data.ts'
import { createWorld, PAGE, type World, type WorldOptions } from './world.ts'

const MIB = 1024 * 1024
const CREW = 4
const SHARED_PAGES = 1024
/** So few that unmapping and touching meet in the same page all the time. */
const CONTENDED_PAGES = 16

const folder = mkdtempSync(join(tmpdir(), 'arena-lab-memory-'))
afterAll(() => rmSync(folder, { recursive: true }))
const here = fileURLToPath(new URL('.', import.meta.url))
const tsc = join(here, '../../node_modules/typescript/bin/tsc')
execFileSync(process.execPath, [tsc, '-p', here, '--outDir', folder])
writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')

function runWorker(workerData: HammerData): Promise<string> {
  return new Promise((resolve) => {
    const worker = new Worker(join(folder, 'test/memory/worker.js'), { workerData })
    worker.on('error', (error) => resolve(error.message))
    worker.on('exit', () => resolve(''))
  })
}

interface Hammered {
  readonly world: World
  /** What workers found wrong. */
  readonly wrong: readonly string[]
  /** RSS when the workers left: as counted, and as the pages' bytes say. */
  readonly rss: { readonly counted: number; readonly found: number }
}

async function hammer(
  task: HammerTask,
  rounds: number,
  options: WorldOptions & { faulty?: boolean; sharedPages?: number } = {},
): Promise<Hammered> {
  const world = createWorld({ heapBytes: 64 * MIB, seats: CREW, ...options })
  const { space, heap, control, self } = world
  new KernelMutex(control, new Locks(control, self, () => 0)).make()
  const { READ_WRITE } = Protection
  const sharedPages = options.sharedPages ?? SHARED_PAGES
  const shared = space.mmap(WORD_NULL, sharedPages * PAGE, READ_WRITE, MappingKind.BLOCK)
  const gate = new Int32Array(new SharedArrayBuffer(12))
  const runs = Array.from({ length: CREW }, (_, seat) =>
    runWorker({
      task,
      seat,
      crew: CREW,
      rounds,
      shared,
      sharedPages,
      heap: heap.buffer,
      control: control.bytes.buffer,
      plan: control.plan,
      faulty: options.faulty ?? false,
      gate,
    }),
  )
  const wrong = (await Promise.all(runs)).filter((message) => message !== '')
  const found = space.residentPages(WORD_NULL, heap.length) * PAGE
  const rss = { counted: space.figures().rssBytes, found }
  // What is left of the shared range goes, so that every test ends with an empty process.
  space.munmap(shared, sharedPages * PAGE)
  return { world, wrong, rss }
}

describe('address space under real threads', () => {
  test('touching the same pages: each page is filled and counted once', async () => {
    const rounds = 200
    const { world, wrong } = await hammer('touch together', rounds)
    expect(wrong).toEqual([])
    // Every second round the pages are read first, which is a fault of its own.
    const faults = (rounds + rounds / 2) * SHARED_PAGES
    expect(world.space.figures()).toMatchObject({ minorFaults: faults, rssBytes: 0 })
  })

  test('touching the same pages: faults that look and store are caught', async () => {
    let wrong: readonly unknown[] = []
    for (let tries = 0; tries < 5 && wrong.length === 0; tries++) {
      const rounds = 101
      const hammered = await hammer('touch together', rounds, { faulty: true })
      const { minorFaults, rssBytes } = hammered.world.space.figures()
      const faults = (rounds + (rounds - 1) / 2) * SHARED_PAGES
      wrong = [...hammered.wrong, minorFaults - faults, rssBytes].filter((item) => item !== 0)
    }
    expect(wrong).not.toEqual([])
  })

  test('mappings of their own: contents stay apart, and nothing is left', async () => {
    const { world, wrong } = await hammer('map apart', 4000)
    expect(wrong).toEqual([])
    const { rssBytes, vmSizeBytes, brkBytes } = world.space.figures()
    expect(rssBytes).toBe(0)
    expect(vmSizeBytes).toBe(3 * PAGE + brkBytes)
    const kinds = world.space.mappings().map((row) => row.kind)
    expect(kinds.filter((kind) => kind === MappingKind.BLOCK)).toEqual([])
  })

  test('unmapping what others touch: RSS is what the pages say', async () => {
    const { world, wrong, rss } = await hammer('unmap under others', 100_000, {
      sharedPages: CONTENDED_PAGES,
    })
    expect(wrong).toEqual([])
    expect(rss.counted).toBe(rss.found)
    expect(world.space.figures()).toMatchObject({ rssBytes: 0, lazyFreeBytes: 0 })
  })

  test('unmapping what others touch, under memory pressure', async () => {
    const limits = { memoryLimit: (CONTENDED_PAGES / 2) * PAGE }
    const { world, wrong, rss } = await hammer('unmap under others', 100_000, {
      limits,
      sharedPages: CONTENDED_PAGES,
    })
    expect(wrong).toEqual([])
    expect(rss.counted).toBe(rss.found)
    expect(world.space.figures()).toMatchObject({ rssBytes: 0, lazyFreeBytes: 0 })
    // Half of the range fits: without lazily freed pages the limit must have been crossed.
    expect(world.control.words[ControlWord.STATE]).toBe(RunState.KILLED)
  })
})
