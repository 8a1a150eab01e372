/**
 * Goal: `arena-lab bench` does the work it tells of, in the shape that others read, and ends as it
 * should. Nothing is said about how fast anything is. Method: the built command line, the shortest
 * measurements.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { nativeGlibcVersion } from '../machine/native/build.ts'
import type { BenchReport } from '../report/bench/types.ts'
import { runCli, start } from './test/spawn.ts'

const native = await nativeGlibcVersion().catch(() => 'none')
const bump = fileURLToPath(new URL('../../test/designs/bump.ts', import.meta.url))
const base = mkdtempSync(join(tmpdir(), 'arena-lab-bench-cli-'))
let folder = ''
let count = 0
beforeEach(() => {
  folder = join(base, `${count++}`)
  mkdirSync(folder)
})
afterAll(() => rmSync(base, { recursive: true, force: true }))

const SHORT = ['--rounds', '1', '--seconds', '10ms', '--warmup', '1ms']
const ALONE = ['--no-floors', '--no-peers']
const results = (): string[] => {
  const path = join(folder, '.arena-lab', 'bench')
  return existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : []
}

describe('bench: bad input is one line and exit code 2, and nothing is left behind', () => {
  const cases: readonly [string, string[], RegExp][] = [
    ['unknown workload', ['-w', 'replace-smal'], /workload 'replace-smal'.*replace-small/],
    ['empty workload', ['-w', 'remote,,cached'], /-w 'remote,,cached': expected names/],
    ['unknown design', ['-a', 'glib'], /design 'glib'/],
    ['unknown tunable', ['-a', 'glibc:tcache=0'], /tunable 'tcache'/],
    ['threads', ['--threads', '1,x'], /--threads 'x': expected a whole number/],
    ['rounds', ['--rounds', '0'], /--rounds '0': expected a whole number/],
    ['spin', ['--spin', '-1'], /--spin '-1': expected/],
    ['json and markdown', ['--json', '--markdown'], /cannot be used with/],
    ['a parameter without scenario', ['-P', 'days=1'], /-P is a parameter of a scenario/],
    ['scenario and workload', ['--scenario', 'seedservice', '-w', 'remote'], /leave -w and/],
    ['unknown scenario', ['--scenario', 'seedservic'], /scenario 'seedservic'/],
    ['results folder', ['--dir', '/proc/nowhere'], /cannot write results below/],
  ]
  it.each(cases)('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await runCli(folder, 'bench', ...args)
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect({ code, stdout, left: results() }).toEqual({ code: 2, stdout: '', left: [] })
  })
})

describe('bench: what it measures', () => {
  it.skipIf(native === 'none')('model and native rows in the shape that others read', async () => {
    const args = ['-w', 'contend', '-a', 'glibc', '--threads', '1,2', '--spin', '0', '--json']
    const { code, stdout } = await runCli(folder, 'bench', ...args, ...SHORT, ...ALONE)
    expect(code).toBe(0)
    const { results: rows } = JSON.parse(stdout) as BenchReport
    expect(rows.map(({ threads }) => threads)).toEqual([1, 2])
    for (const row of rows) {
      expect(row).toMatchObject({ workload: 'contend', variant: 'glibc', rounds: 1 })
      const { nsPerPair, ratio, setByWorkload } = row
      expect(setByWorkload).toBe('arena_max=1,tcache_count=0')
      expect(row.native).not.toBeNull()
      for (const { median, min, max } of [nsPerPair, row.native!]) {
        expect(min).toBeGreaterThan(0)
        expect(min).toBeLessThanOrEqual(median)
        expect(median).toBeLessThanOrEqual(max)
      }
      expect(ratio).toBeCloseTo(nsPerPair.median / row.native!.median, 6)
      // The work is done: every measured pair was counted where mallocs are counted.
      expect(row.pairs).toBeGreaterThan(0)
      expect(row.nativePairs).toBeGreaterThan(0)
    }
    const [left] = results()
    expect(readdirSync(left!).sort()).toEqual(['bench.json', 'bench.md', 'contention.svg'])
    expect(JSON.parse(readFileSync(join(left!, 'bench.json'), 'utf8'))).toEqual(JSON.parse(stdout))
  })

  it('half of the frees of remote are remote, with two threads', async () => {
    const args = ['-w', 'remote', '-a', 'tcmalloc', '--threads', '2', '--no-native', '--json']
    const { code, stdout } = await runCli(folder, 'bench', ...args, ...SHORT, ...ALONE)
    expect(code).toBe(0)
    const [row] = (JSON.parse(stdout) as BenchReport).results
    expect(row).toMatchObject({ native: null, ratio: null, threads: 2 })
    // Threads that the scheduler starves swap less with each other: no exact share.
    expect(row!.remoteShare).toBeGreaterThan(0)
    expect(row!.remoteShare).toBeLessThan(1)
  })

  it('a design of one’s own has no native counterpart; floors and Markdown', async () => {
    const args = ['-w', 'lifo-64', '-a', bump, '--no-peers', '--markdown']
    const { code, stdout } = await runCli(folder, 'bench', ...args, ...SHORT)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\| lifo-64 \| .*bump\.ts \| 1 \| [\d.]+ \|.*\| – \|/m)
    expect(stdout).toContain('bump: no native counterpart to compare with')
    expect(stdout).toMatch(/The loops alone.*: lifo-64 [\d.]+/)
  })

  it.skipIf(native === 'none')('a whole scenario: the same ops on both sides', async () => {
    const small = ['-P', 'days=2', '-P', 'records=200', '-P', 'ingesters=4']
    const args = ['--scenario', 'seedservice', '-a', 'glibc', ...small, '--rounds', '1', '--json']
    const { code, stdout } = await runCli(folder, 'bench', ...args)
    expect(code).toBe(0)
    const { results: none, scenarios } = JSON.parse(stdout) as BenchReport
    expect(none).toEqual([])
    const [row] = scenarios
    expect(row).toMatchObject({ scenario: 'seedservice', variant: 'glibc', threads: 5 })
    expect(row!.ops).toBeGreaterThan(1000)
    expect(row!.nativeOps).toBe(row!.ops)
    expect(row!.memory.allowed).toBe(180e6)
    expect(row!.memory.overhead.max).toBeGreaterThan(0)
  })
})

describe('bench: interrupted', () => {
  it('the first Ctrl-C ends it with what there is, exit code 130', async () => {
    const args = ['-w', 'lifo-64', '-a', 'tcmalloc', '--no-native', '--seconds', '1h', ...ALONE]
    const { child, ended, said } = start(folder, ['bench', ...args])
    await said(/1\/1 lifo-64 tcmalloc/)
    child.kill('SIGINT')
    const { code, stdout } = await ended
    expect(code).toBe(130)
    expect(stdout).toContain('interrupted: 1 of 1 rows are missing')
    expect(results()).toHaveLength(1)
  })
})
