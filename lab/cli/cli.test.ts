/**
 * Goal: what a user types ends as DESIGN section 8 says. Method: the built command line in
 * processes of its own, with runs small enough to take a second.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { RunSummary } from '../metrics/types.ts'
import { runCli, runWithFileLimit, start } from './test/spawn.ts'

const designs = fileURLToPath(new URL('../../test/designs', import.meta.url))
const base = mkdtempSync(join(tmpdir(), 'arena-lab-cli-'))
let folder = ''
let count = 0
beforeEach(() => {
  folder = join(base, `${count++}`)
  mkdirSync(folder)
})
afterAll(() => rmSync(base, { recursive: true, force: true }))

const TINY = ['seedservice', '-P', 'ingesters=4', '-P', 'records=100']
const SMALL = [...TINY, '-P', 'days=3']
const LONG = ['seedservice', '-P', 'ingesters=4', '-P', 'records=2000', '-P', 'days=1000']
const runs = (): string[] => {
  const path = join(folder, '.arena-lab', 'runs')
  return existsSync(path) ? readdirSync(path) : []
}

describe('cli: bad input is one line and exit code 2, and nothing is left behind', () => {
  const cases: readonly [string, string[], RegExp][] = [
    [
      'scenario',
      ['run', 'seedservce'],
      /unknown scenario 'seedservce': did you mean seedservice\?/,
    ],
    ['scenario file', ['run', './none.ts'], /scenario file '.\/none.ts' does not exist/],
    ['design', ['run', 'pinned-top', '-a', 'glbc'], /unknown design 'glbc': did you mean glibc\?/],
    ['tunable', ['run', 'pinned-top', '-a', 'glibc:arena_mx=1'], /did you mean arena_max/],
    ['tunable value', ['run', 'pinned-top', '-a', 'glibc:arena_max=x'], /arena_max='x': expected/],
    ['parameter', ['run', 'seedservice', '-P', 'day=3'], /did you mean days\?/],
    ['option', ['run', 'pinned-top', '--memry-limit', '1'], /Did you mean --memory-limit\?/],
    ['command', ['rum'], /unknown command 'rum'/],
    ['missing argument', ['run'], /missing required argument 'scenario'/],
    ['extra argument', ['run', 'pinned-top', 'x'], /too many arguments/],
    ['size', ['run', 'pinned-top', '--memory-limit', '5x'], /'5x': expected a size such as 768MiB/],
    ['count', ['run', 'pinned-top', '--cores', '0'], /expected a whole number from 1 to 1024/],
    ['seed', ['run', 'pinned-top', '--seed', '-1'], /--seed/],
    ['output', ['run', 'pinned-top', '--out', 'htm=x'], /unknown kind of output 'htm': did you/],
    ['output path', ['run', 'pinned-top', '--out', 'csv=no/x.csv'], /cannot write 'no\/x.csv'/],
    ['threshold', ['run', 'pinned-top', '--threshold', 'rss.mx<1'], /did you mean rss.max\?/],
    ['lines', ['run', 'pinned-top', '--lines'], /--lines is of --machine virtual: .*'threads'/],
    [
      'schedules',
      ['run', 'pinned-top', '--machine', 'virtual', '--schedules', '9'],
      /--schedules is of --machine explore: the machine is 'virtual'/,
    ],
    ['limit', ['run', 'pinned-top', '--memory-limit', '4KiB'], /\d+[KM]iB would do$/m],
    ['folder', ['run', 'pinned-top', '--dir', '/proc'], /cannot write results below '\/proc'/],
    ['run', ['show', 'x'], /there are no runs below/],
  ]
  for (const [what, args, message] of cases) {
    it(`${what}: ${args.slice(1).join(' ')}`, async () => {
      const { code, stdout, stderr } = await runCli(folder, ...args)
      expect(stderr).toMatch(message)
      expect(stderr.trimEnd().split('\n')).toHaveLength(1)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(runs()).toEqual([])
    })
  }

  it('no command at all: the help, on stderr', async () => {
    const { code, stdout, stderr } = await runCli(folder)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Usage: arena-lab')
  })
})

describe('cli: run', () => {
  it('prints the summary on stdout and all else on stderr; the seed is in both', async () => {
    const args = ['run', ...SMALL, '-a', 'tcmalloc', '--seed', '77']
    const { code, stdout, stderr } = await runCli(folder, ...args)
    expect(stderr).toContain('seed 77')
    expect(stderr).toMatch(/^tcmalloc: day 2 {2}/m)
    expect(stdout).toMatch(/^seedservice · .* · seed 77$/m)
    expect(stdout).toContain('Where the stranded bytes are')
    expect(stdout).not.toContain('note:')
    expect(code).toBe(0)
  })

  it('--json is summary.json, and what it says is true', async () => {
    const { code, stdout } = await runCli(
      folder,
      ...['run', ...SMALL, '-a', 'tcmalloc', '-a', 'glibc:arena_max=1', '--json', '--quiet'],
    )
    expect(code).toBe(0)
    const summary = JSON.parse(stdout) as RunSummary
    const stored = join(folder, summary.folder!, 'summary.json')
    expect(JSON.parse(readFileSync(stored, 'utf8'))).toEqual(summary)
    expect(summary).toMatchObject({ scenario: 'seedservice', machine: 'threads', seed: 1 })
    expect(summary.variants.map(({ variant }) => variant)).toEqual([
      'tcmalloc',
      'glibc:arena_max=1',
    ])
    for (const variant of summary.variants) {
      expect(variant.outcome).toBe('completed')
      expect(variant.phases.map(({ label }) => label)).toEqual(['day 0', 'day 1', 'day 2'])
      expect(variant.rss.max).toBeGreaterThanOrEqual(variant.rss.end)
      expect(variant.live.end).toBeGreaterThan(0)
    }
    // The same script: what the workload holds does not depend on the allocator.
    const [a, b] = summary.variants.map(({ phases }) => phases.map(({ live }) => live))
    expect(a).toEqual(b)
  })

  it('--out writes what it says, samples of each variant included', async () => {
    const outs = ['json=s.json', 'ndjson=s.ndjson', 'csv=s.csv'].flatMap((out) => ['--out', out])
    const { code } = await runCli(folder, 'run', ...SMALL, '-a', 'tcmalloc', ...outs, '--quiet')
    expect(code).toBe(0)
    const rows = readFileSync(join(folder, 's.csv'), 'utf8').trimEnd().split('\n')
    const lines = readFileSync(join(folder, 's.ndjson'), 'utf8').trimEnd().split('\n')
    const samples = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'sample')
    expect(rows).toHaveLength(1 + samples.length)
    expect(rows[1]).toMatch(/^tcmalloc,\d+,/)
    expect(JSON.parse(readFileSync(join(folder, 's.json'), 'utf8')).variants).toHaveLength(1)
  })

  it('a threshold that does not hold: exit code 99, after the summary', async () => {
    const args = ['run', ...SMALL, '-a', 'tcmalloc', '--threshold', 'rss.max<1MiB', '--quiet']
    const { code, stdout, stderr } = await runCli(folder, ...args)
    expect(code).toBe(99)
    expect(stdout).toContain('Verdict')
    expect(stderr).toMatch(/^threshold rss.max<1MiB failed by tcmalloc: rss.max \d+$/m)
  })

  it('an OOM kill that the scenario is there to show: a result, exit code 0', async () => {
    const args = ['run', ...LONG, '-a', 'tcmalloc', '--memory-limit', '12MiB', '--quiet']
    const { code, stdout } = await runCli(folder, ...args)
    expect(stdout).toMatch(/OOM-killed after/)
    expect(code).toBe(0)
  })

  it("runs a user's own scenario from its file", async () => {
    writeFileSync(
      join(folder, 'mine.ts'),
      `import { defineScenario } from 'arena-lab'
       export default defineScenario({
         name: 'mine', summary: 'one block', params: {}, threads: () => 1, privateCells: () => 1,
         *main(t) {
           const block: unknown = t.malloc(5000)
           t.write(block as never)
           t.phase('held')
           yield
         },
       })`,
    )
    const args = ['run', './mine.ts', '-a', 'tcmalloc', '--json', '--quiet']
    const { code, stdout, stderr } = await runCli(folder, ...args)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const [variant] = (JSON.parse(stdout) as RunSummary).variants
    expect(variant!.phases).toMatchObject([{ label: 'held', live: 5000 }])
  })
})

describe('cli: a disk that fails in the middle', () => {
  const args = ['run', ...TINY, '-P', 'days=30', '-a', 'tcmalloc', '--quiet']
  const files = (): string[] => {
    const [run = ''] = runs()
    return readdirSync(join(folder, '.arena-lab', 'runs', run)).sort()
  }

  it('the run goes on; cut samples are not taken for whole: exit code 1', async () => {
    const { code, stdout, stderr } = await runWithFileLimit(folder, 24, ...args)
    expect(stdout).toContain('completed')
    expect(stderr).toMatch(/^samples.ndjson is cut, \d+ lines are missing: the file would be too/)
    expect(code).toBe(1)
    expect(files()).toContain('samples.ndjson.partial')
    expect(files()).toContain('summary.json')
  })

  it('a summary that does not fit is not there at all', async () => {
    const { code, stdout, stderr } = await runWithFileLimit(folder, 1, ...args)
    expect(stdout).toContain('completed')
    expect(stderr).toMatch(/^summary.json could not be written: the file would be too large$/m)
    expect(code).toBe(1)
    expect(files()).toEqual(['samples.ndjson.partial'])
  })
})

describe('cli: a worker dies in the middle of an op', () => {
  it('lab thread and arena lock are named, what was measured is kept: 1', async () => {
    const design = join(designs, 'glibc-dies-in-arena.ts')
    const { code, stdout } = await runCli(folder, 'run', ...SMALL, '-a', design, '--json')
    expect(code).toBe(1)
    const { folder: run, variants } = JSON.parse(stdout) as RunSummary
    expect(variants[0]!.outcome).toBe('crashed')
    expect(variants[0]!.message).toMatch(/it carried lab thread 2, which held "arena \d"/)
    const samples = readFileSync(join(folder, run!, 'samples.ndjson'), 'utf8')
    expect(samples).toContain('"type":"sample"')
  })
})

describe('cli: interrupted', () => {
  const long = ['run', ...LONG, '-a', 'tcmalloc']

  it('the first Ctrl-C ends the run and prints the partial summary: 130', async () => {
    const { child, ended, said } = start(folder, [...long, '-a', 'glibc'])
    await said(/tcmalloc: day 1 /)
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect(code).toBe(130)
    expect(stderr).toContain('SIGINT: ending the run')
    expect(stdout).toMatch(/tcmalloc +interrupted after "day \d+": partial figures/)
    expect(stdout).toContain('not run: glibc')
    const [run] = runs()
    const path = join(folder, '.arena-lab', 'runs', run!, 'summary.json')
    const summary = JSON.parse(readFileSync(path, 'utf8')) as RunSummary
    expect(summary.variants.map(({ outcome }) => outcome)).toEqual(['interrupted'])
    expect(summary.variantsAsked).toEqual(['tcmalloc', 'glibc'])
  })

  it('the second exits at once, and the run shows as not ended', async () => {
    const { child, ended, said } = start(folder, long)
    await said(/tcmalloc: day 1 /)
    child.kill('SIGINT')
    await said(/SIGINT/)
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
  })

  it('SIGTERM: 143', async () => {
    const { child, ended, said } = start(folder, long)
    await said(/tcmalloc: day 0 /)
    child.kill('SIGTERM')
    expect((await ended).code).toBe(143)
  })

  it('killed outright, its samples are there and its run is not taken for whole', async () => {
    const { child, ended, said } = start(folder, long)
    await said(/tcmalloc: day 2 /)
    child.kill('SIGKILL')
    await ended
    const { stdout } = await runCli(folder, 'list', 'runs')
    expect(stdout).toContain('did not end properly')
    const [run] = runs()
    const samples = readFileSync(join(folder, '.arena-lab', 'runs', run!, 'samples.ndjson'), 'utf8')
    expect(samples).toContain('"label":"day 0"')
  })
})

describe('cli: dashboard', () => {
  it('--dashboard serves the page while the run goes on, behind its token', async () => {
    const args = ['run', ...LONG, '-a', 'tcmalloc', '--dashboard', '0']
    const { child, ended, said } = start(folder, args)
    const url = await said(/http:\/\/127\.0\.0\.1:\d+\/\?token=\w+/)
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(303)
    expect((await fetch(url.replace(/\?.*/, ''))).status).toBe(401)
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
    await expect(fetch(url)).rejects.toThrow()
  })

  it('refuses a port that is none', async () => {
    const { code, stderr } = await runCli(folder, 'run', 'pinned-top', '--dashboard', '70000')
    expect(stderr).toMatch(/--dashboard '70000': expected a whole number from 0 to 65535/)
    expect(code).toBe(2)
  })
})

describe('cli: past runs', () => {
  it('show, compare and rm find them by any part of their names', async () => {
    for (const seed of ['1', '2']) {
      await runCli(folder, 'run', ...SMALL, '-a', 'tcmalloc', '--seed', seed, '--quiet')
    }
    const [first = '', second = ''] = runs()
    const id = first.slice(-6)
    const shown = await runCli(folder, 'show', id)
    expect(shown.stdout).toMatch(/seed 1$/m)
    expect((await runCli(folder, 'show')).stdout).toMatch(/seed 2$/m)

    const pmap = await runCli(folder, 'show', id, '--pmap')
    expect(pmap.stdout).toMatch(/^[0-9a-f]{16} +\d+ +\d+ +\d+ rw--- \[ heap \] +brk heap$/m)

    const compared = await runCli(folder, 'compare', first, second)
    expect(compared.stderr).toBe(
      "note: the runs differ in their seed; the heading shows the first one's\n",
    )
    expect(compared.stdout).toMatch(/^ +tcmalloc +tcmalloc$/m)

    const removed = await runCli(folder, 'rm', id)
    expect(removed).toMatchObject({ code: 0, stderr: `removed ${first}\n` })
    expect(runs()).toEqual([second])
  })

  it('list tells scenarios with parameters, and designs with real names and defaults', async () => {
    const { code, stdout } = await runCli(folder, 'list')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ +-P ingesters=16 +Ingest threads, created anew each day/m)
    expect(stdout).toMatch(/^ +arena_max=0 /m)
    expect(stdout).toContain('glibc.malloc.arena_max')
    expect(stdout).toContain('Runs: none yet')
    const json = await runCli(folder, 'list', 'designs', '--json')
    expect(JSON.parse(json.stdout).designs.map(({ name }: { name: string }) => name)).toContain(
      'glibc',
    )
  })
})
