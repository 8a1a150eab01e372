/** Goal: nothing half-written is ever taken for whole, and what cannot work is refused at once. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { BadInput } from '../words/bad-input.ts'
import { checkOutputPath, folderName, RUNS, RunFolder } from './run-folder.ts'
import { type Append, SampleWriter } from './sample-writer.ts'
import { findRun, findRunByName, removeRun, storedRuns } from './stored-runs.ts'
import { sampleOf } from './test/samples.ts'
import { mainJob } from './test/summaries.ts'
import { writeWholeFile } from './whole-file.ts'

const base = mkdtempSync(join(tmpdir(), 'arena-lab-report-'))
let folder = ''
let count = 0
beforeEach(() => {
  folder = join(base, `${count++}`)
  mkdirSync(folder)
})
afterAll(() => rmSync(base, { recursive: true, force: true }))

const noSpace = Object.assign(new Error('ENOSPC: no space left on device, write'), {
  code: 'ENOSPC',
})

describe('samples: writing', () => {
  it('writes every line, in order, tagged with its variant', async () => {
    const path = join(folder, 's.ndjson')
    const writer = new SampleWriter(path)
    for (let i = 0; i < 1000; i++) writer.write(i % 2, sampleOf({ t: i }))
    await writer.close()
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    const read = lines.map((line) => JSON.parse(line))
    expect(read.map(({ t }) => t)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    expect(read.map(({ variant }) => variant).slice(0, 3)).toEqual([0, 1, 0])
  })

  it('goes on when the disk is full, and marks the file as partial', async () => {
    let writes = 0
    const fullAfterTwo: Append = (_fd, _chunk, done) =>
      setImmediate(() => done(++writes > 2 ? noSpace : null))
    const writer = new SampleWriter(join(folder, 's.ndjson'), fullAfterTwo)
    for (let i = 0; i < 50; i++) {
      writer.write(0, sampleOf({ t: i }))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await writer.close()
    expect(writer.problem).toBe('no space left on the device')
    expect(writer.dropped).toBeGreaterThan(40)
    expect(readdirSync(folder)).toEqual(['s.ndjson.partial'])
  })

  it('leaves samples out, not safepoints, when the disk does not keep up', async () => {
    const written: string[] = []
    let go = (): void => {}
    const slow: Append = (_fd, chunk, done) => {
      written.push(chunk.toString())
      go = () => done(null)
    }
    const writer = new SampleWriter(join(folder, 's.ndjson'), slow)
    const big = sampleOf({ phase: 'x'.repeat(1024 * 1024) })
    for (let i = 0; i < 40; i++) writer.write(0, big)
    expect(writer.dropped).toBeGreaterThan(20)
    const dropped = writer.dropped
    writer.write(0, { type: 'event', t: 1, thread: 0, event: 'arena_new', a: 0, b: 0 })
    expect(writer.dropped).toBe(dropped)
    const closed = writer.close()
    go()
    go()
    await closed
    expect(written.join('')).toContain('arena_new')
  })
})

describe('files: whole or not there', () => {
  it('leaves nothing behind when the write fails', () => {
    const path = join(folder, 'taken')
    mkdirSync(path)
    expect(() => writeWholeFile(path, 'text')).toThrow()
    expect(readdirSync(folder)).toEqual(['taken'])
  })

  it('replaces an older file in one step', () => {
    const path = join(folder, 'summary.json')
    writeFileSync(path, 'old')
    writeWholeFile(path, 'new')
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(folder)).toEqual(['summary.json'])
  })
})

describe('run folder', () => {
  it('is named by time, scenario, variants and an id', () => {
    const date = new Date('2026-01-02T03:04:05.678Z')
    expect(folderName('seedservice', ['glibc', 'ptmalloc2'], date)).toMatch(
      /^20260102T030405Z-seedservice-glibc-and-1-more-[0-9a-f]{6}$/,
    )
    expect(folderName('./a b/my scenario.ts', ['../d/x.ts:a=1'], date)).toMatch(
      /^20260102T030405Z-my\.scenario\.ts-x\.ts\.a=1-[0-9a-f]{6}$/,
    )
  })

  it('cannot be made below a file: bad input, before anything starts', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => RunFolder.create(join(folder, 'file'), 's', ['d'])).toThrow(BadInput)
    expect(() => RunFolder.create('/proc', 's', ['d'])).toThrow(/^cannot write results below/)
  })

  it('has no summary until the very end', async () => {
    const run = RunFolder.create(folder, 'seedservice', ['glibc'])
    run.writeRun({ seed: 1 })
    run.writeLine(0, sampleOf({}))
    expect(storedRuns(folder)[0]!.summary).toBeUndefined()
    await run.endSamples()
    run.writeSummary(mainJob)
    expect(storedRuns(folder)[0]!.summary).toEqual(mainJob)
    expect(run.problems).toEqual([])
  })

  it('tells what could not be written instead of throwing', async () => {
    const run = RunFolder.create(folder, 'seedservice', ['glibc'])
    await run.endSamples()
    rmSync(run.path, { recursive: true })
    run.writeSummary(mainJob)
    expect(run.problems).toEqual(['summary.json could not be written: no such file or folder'])
  })

  it('refuses output paths that cannot be written', () => {
    expect(() => checkOutputPath(folder)).toThrow(/it is a folder/)
    expect(() => checkOutputPath(join(folder, 'none', 'x.csv'))).toThrow(/no such file or folder/)
    expect(() => checkOutputPath(join(folder, 'x.csv'))).not.toThrow()
  })
})

describe('stored runs', () => {
  const store = (name: string): void => {
    const path = join(folder, RUNS, name)
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'run.json'), '{}')
  }

  it('finds by name, id, unique part, last, or path', () => {
    store('20260101T000000Z-a-glibc-aaaaaa')
    store('20260102T000000Z-b-glibc-bbbbbb')
    expect(findRun(folder, 'aaaaaa').name).toContain('-a-')
    expect(findRun(folder, '-b-').name).toContain('-b-')
    expect(findRun(folder, 'last').name).toContain('-b-')
    const path = join(folder, RUNS, '20260101T000000Z-a-glibc-aaaaaa')
    expect(findRun('/nowhere', path).path).toBe(path)
    expect(() => findRun(folder, 'glibc')).toThrow(/fits 2 runs/)
    expect(() => findRun(folder, 'aaaaab')).toThrow(/unknown run 'aaaaab'/)
    expect(() => findRun('/nowhere', 'x')).toThrow(/there are no runs/)
  })

  it('removes only what lies in the folder of runs', () => {
    store('20260101T000000Z-a-glibc-aaaaaa')
    const elsewhere = join(folder, 'mine')
    mkdirSync(elsewhere)
    writeFileSync(join(elsewhere, 'run.json'), '{}')
    expect(() => findRunByName(folder, elsewhere)).toThrow(/unknown run/)
    removeRun(findRunByName(folder, 'aaaaaa'))
    expect(storedRuns(folder)).toEqual([])
  })
})
