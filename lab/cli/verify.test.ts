/**
 * Goal: `verify`, `replay` and `trace` as a user runs them. What needs the glibc of the model runs
 * only where the machine has it.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { nativeGlibcVersion } from '../machine/native/build.ts'
import { GLIBC_VERSION } from '../session/verify/subject.ts'
import { runCli, runWithFullOutput, startAsJob } from './test/spawn.ts'

const broken = fileURLToPath(new URL('../../test/designs/glibc-rounds-up.ts', import.meta.url))
const base = mkdtempSync(join(tmpdir(), 'arena-lab-verify-'))
let folder = ''
let count = 0
beforeEach(() => {
  folder = join(base, `${count++}`)
  mkdirSync(folder)
})
afterAll(() => rmSync(base, { recursive: true, force: true }))

function writeTrace(...lines: string[]): string {
  const path = join(folder, 't.trace')
  writeFileSync(path, `# arena-lab-trace 1\n${lines.join('\n')}\n`)
  return path
}

describe('verify, replay, trace: what cannot work is one line and exit code 2', () => {
  const cases: readonly [string, string[], RegExp][] = [
    ['nothing to verify', ['verify'], /expected a trace file, or --scenario NAME, or --random N/],
    ['two things', ['verify', 't.trace', '--random', '3'], /expected a trace file, or/],
    ['parameters', ['verify', 't.trace', '-P', 'days=3'], /-P is for --scenario/],
    ['checkpoints', ['verify', '--random', '1', '--checkpoints'], /are for one trace/],
    ['scenario', ['verify', '--scenario', 'seedservic'], /unknown scenario 'seedservic'/],
    ['preload', ['replay', 't.trace', '--preload', 'x.so'], /--preload is for native:NAME/],
    ['no library', ['replay', 't.trace', '-a', 'native:x', '--preload', 'x.so'], /cannot be read/],
    ['both outputs', ['replay', 't.trace', '--placements', '--malloc-info'], /nothing else/],
    ['heap', ['replay', 't.trace', '--heap', '64GiB'], /--heap 64GiB: expected .* 16MiB to 8GiB/],
    ['no file', ['replay', 'none.trace'], /trace 'none.trace' cannot be read: ENOENT/],
    ['bad line', ['replay', 't.trace'], /line 2 '0 m 1': expected a size/],
    [
      'tunables',
      ['replay', 't.trace', '-a', 'glibc:GLIBC_TUNABLES=glibc.malloc.arena_mx=1'],
      /did you mean glibc\.malloc\.arena_max/,
    ],
  ]
  it.concurrent.each(cases)('%s', async (_what, args, message) => {
    const path = writeTrace('0 m 1')
    const at = args.map((arg) => (arg === 't.trace' ? path : arg))
    const { code, stdout, stderr } = await runCli(base, ...at)
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect([code, stdout]).toEqual([2, ''])
  })

  it('a trace larger than the model’s heap: exit code 7, and how much would do', async () => {
    const blocks = Array.from({ length: 20 }, (_, i) => `0 m ${i} 1000000`)
    const path = writeTrace(...blocks)
    const { code, stderr } = await runCli(folder, 'replay', path, '--heap', '16MiB')
    expect(stderr).toMatch(/^arena-lab: the heap buffer .* has no room .*--heap \S+ would do\n$/)
    expect(code).toBe(7)
    const roomy = await runCli(folder, 'replay', path, '--heap', '64MiB')
    expect([roomy.code, roomy.stderr]).toEqual([0, ''])
  })

  it('output that cannot be written', async () => {
    const args = ['trace', 'generate', '--ops', '100']
    const { code, stderr } = await runWithFullOutput(folder, ...args)
    expect([code, stderr]).toEqual([
      2,
      'arena-lab: output cannot be written: ENOSPC: no space left on device, write\n',
    ])
  })
})

describe('replay: GLIBC_TUNABLES', () => {
  it('means the same as its parts', async () => {
    const path = writeTrace('0 m 0 200000', '1 m 1 200000', 'k')
    const list = 'glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=0x100000'
    const variants = [
      `glibc:GLIBC_TUNABLES=${list}`,
      `glibc:${list}`,
      'glibc:arena_max=1,mmap_threshold=1MiB',
      'glibc',
    ]
    const runs = variants.map((name) => runCli(folder, 'replay', path, '-a', name, '--placements'))
    const [named, bare, parts, defaults] = (await Promise.all(runs)).map(({ stdout }) => stdout)
    expect(named).toMatch(/^M \d+\nM \d+\nk /)
    expect(bare).toBe(named)
    expect(parts).toBe(named)
    expect(defaults).toMatch(/^P 16\nP 16\nk /)
  })
})

const version = await nativeGlibcVersion().catch(() => 'none')

describe.skipIf(version !== GLIBC_VERSION)(`verify, with this machine’s glibc ${version}`, () => {
  it('a design file with one rule broken: found, explained and reduced to two ops', async () => {
    const trace = join(folder, 'random.trace')
    const made = ['trace', 'generate', '--seed', '9', '--ops', '20000', '-o', trace]
    expect((await runCli(folder, ...made)).code).toBe(0)
    const { code, stdout } = await runCli(folder, 'verify', trace, '-a', broken, '--shrink')
    expect(code).toBe(1)
    expect(stdout).toMatch(/DIFFERENT \(\w+\) at op \d+ \(line \d+\)/)
    const shrunk = readFileSync(join(folder, 'shrunk.trace'), 'utf8').trimEnd().split('\n')
    expect(shrunk.filter((line) => !line.startsWith('#'))).toHaveLength(2)
    expect(shrunk.at(-1)).toMatch(/^\d+ r \d+ 30\d\d$/)
  })

  it('Ctrl-C in a soak: what is through is shown, nothing is taken for a difference', async () => {
    const random = ['--random', '100000', '--ops', '5000', '-a', 'glibc']
    const job = startAsJob(folder, ['verify', ...random])
    await job.said(/seed 1: /)
    const pid = job.child.pid!
    const children = (): string => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    // A replayer is at work.
    await expect.poll(children, { timeout: 60_000 }).toMatch(/\d/)
    process.kill(-pid, 'SIGINT')
    const { code, stdout, stderr } = await job.ended
    expect(stderr).not.toContain('DIFFERENT')
    expect(stdout).toMatch(/^glibc +\d+ +\d+ .* 0$/m)
    expect(code).toBe(130)
    expect(existsSync(join(folder, 'shrunk.trace'))).toBe(false)
  })
})
