/**
 * Goal: runs are started, steered and ended through the dashboard as through the command line.
 * Method: the built command line in processes of its own, and real sockets.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FrameKind } from '../../dashboard/protocol.ts'
import { FIRST_SETUP, type RunSetup } from '../../dashboard/setup.ts'
import { cookieOf, request, SocketClient } from '../../test/browser/socket-client.ts'
import { traceEventProblems } from '../../test/support/trace-event-format.ts'
import type { RunSummary } from '../metrics/types.ts'
import { type Running, runCli, start } from './test/spawn.ts'

const base = mkdtempSync(join(tmpdir(), 'arena-lab-dashboard-'))
let folder = ''
let count = 0
let running: Running | undefined
beforeEach(() => {
  folder = join(base, `${count++}`)
  mkdirSync(folder)
})
afterEach(() => {
  running?.child.kill('SIGKILL')
  running = undefined
})
afterAll(() => rmSync(base, { recursive: true, force: true }))

const TINY = ['-P', 'ingesters=4', '-P', 'records=100']
const LONG = ['-P', 'ingesters=4', '-P', 'records=2000', '-P', 'days=1000']

/** Starts a command that serves a page; gives its address. */
async function serving(...args: string[]): Promise<{ url: string; port: number }> {
  running = start(folder, args)
  const url = (await running.said(/http:\S+/)).trim()
  return { url, port: Number(new URL(url).port) }
}

const runs = (): string[] => readdirSync(join(folder, '.arena-lab', 'runs'))
const summaryOf = (run: string): RunSummary =>
  JSON.parse(readFileSync(join(folder, '.arena-lab', 'runs', run, 'summary.json'), 'utf8'))

const setupOf = (part: Partial<RunSetup>): RunSetup => ({
  ...FIRST_SETUP,
  memoryLimit: '',
  params: ['ingesters=4', 'records=100', 'days=3'],
  ...part,
})
const send = (page: SocketClient, message: object): void =>
  page.socket.send(JSON.stringify(message))
const stateOf = (page: SocketClient) => page.of(FrameKind.SESSION).at(-1)?.body
const noticeOf = (page: SocketClient) => page.of(FrameKind.STATUS).at(-1)?.body.notice ?? ''

describe('cli: --lockstep', () => {
  it('no variant passes a phase mark before all have reached it; the trace is sound', async () => {
    const trace = join(folder, 'trace.json')
    const variants = ['-a', 'glibc', '-a', 'tcmalloc']
    const options = ['--lockstep', '--json', '--out', `trace=${trace}`]
    const args = ['seedservice', ...TINY, '-P', 'days=3', ...variants, ...options]
    const { code, stdout } = await runCli(folder, 'run', ...args)
    expect(code).toBe(0)
    const { variants: ended } = JSON.parse(stdout) as RunSummary
    expect(ended.map(({ variant }) => variant)).toEqual(['glibc', 'tcmalloc'])
    const samples = readFileSync(join(folder, '.arena-lab', 'runs', runs()[0]!, 'samples.ndjson'))
    const marks = samples
      .toString()
      .split('\n')
      .filter((line) => line.includes('"type":"safepoint"') && line.includes('"reason":"phase"'))
      .map((line) => JSON.parse(line) as { variant: number; label: string })
    const labels = marks.map(({ label }) => label)
    // Two at a time: both variants are at one mark before either is at the next.
    expect(labels).toEqual([...labels].sort())
    expect(new Set(labels.slice(0, 2)).size).toBe(1)
    expect(labels.length).toBe(2 * 3)
    const text = readFileSync(trace, 'utf8')
    expect(traceEventProblems(text)).toEqual([])
    expect(JSON.parse(text).otherData.lockWaits).toMatch(/^each wait is kept/)
  })

  it('more than four variants, and limits that do not fit, are refused', async () => {
    const five = ['a=1', 'a=2', 'a=3', 'a=4', 'a=5'].flatMap(() => ['-a', 'glibc'])
    const many = await runCli(folder, 'run', 'seedservice', ...five, '--lockstep')
    expect(many.code).toBe(2)
    expect(many.stderr).toMatch(/--lockstep with 5 variants: expected at most 4/)
    const two = ['-a', 'glibc', '-a', 'tcmalloc', '--lockstep', '--memory-limit', '4096GiB']
    const large = await runCli(folder, 'run', 'seedservice', ...two)
    expect(large.code).toBe(2)
    expect(large.stderr).toMatch(/--lockstep holds 2 heaps .*: --memory-limit \d+MiB would do/)
  })
})

describe('cli: run --dashboard', () => {
  const long = ['run', 'seedservice', ...LONG, '-a', 'tcmalloc']

  it('only watches unless --control is given', async () => {
    const { url, port } = await serving(...long, '--dashboard', '0')
    const page = await SocketClient.connect({ url, port })
    await page.until(() => stateOf(page)?.activity === 'running')
    send(page, { type: 'steer', action: 'stop' })
    await page.until(() => noticeOf(page) !== '')
    expect(noticeOf(page)).toMatch(/only watches/)
    send(page, { type: 'start', setup: setupOf({}), hold: false })
    await page.until(() => page.of(FrameKind.STATUS).length === 3)
    expect(noticeOf(page)).toMatch(/only watches/)
    expect(stateOf(page)?.activity).toBe('running')
    expect(running!.child.exitCode).toBeNull()
  })

  it('--control: it pauses, steps a phase, goes on, and stops with a partial summary', async () => {
    const { url, port } = await serving(...long, '--dashboard', '0', '--control')
    const page = await SocketClient.connect({ url, port })
    await page.until(() => stateOf(page)?.activity === 'running')
    send(page, { type: 'steer', action: 'pause' })
    await page.until(() => stateOf(page)?.mode === 'paused')
    for (let step = 0; step < 2; step++) {
      const before = page.of(FrameKind.SESSION).length
      send(page, { type: 'steer', action: 'step' })
      await page.until(() => page.of(FrameKind.SESSION).length > before + 1)
      expect(stateOf(page)).toMatchObject({
        mode: 'paused',
        mark: expect.stringMatching(/^(start$|day )/),
      })
    }
    send(page, { type: 'steer', action: 'resume' })
    await page.until(() => stateOf(page)?.mode === 'running')
    send(page, { type: 'steer', action: 'stop' })
    const { code, stdout } = await running!.ended
    expect(code).toBe(130)
    expect(stdout).toMatch(/interrupted/)
    expect(summaryOf(runs()[0]!).variants[0]!.outcome).toBe('interrupted')
  })

  it('Ctrl-C ends a run that is paused while a page looks on', async () => {
    const { url, port } = await serving(...long, '--dashboard', '0', '--control')
    const page = await SocketClient.connect({ url, port })
    await page.until(() => stateOf(page)?.activity === 'running')
    send(page, { type: 'steer', action: 'pause' })
    await page.until(() => stateOf(page)?.mode === 'paused')
    running!.child.kill('SIGINT')
    const { code, stdout } = await running!.ended
    expect(code).toBe(130)
    expect(stdout).toMatch(/tcmalloc +interrupted/)
    expect(await page.closed()).not.toBe(1000)
  })

  it('a port in use: the next one is taken, and said', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const taken = (other.address() as { port: number }).port
    const tiny = ['run', 'seedservice', ...TINY, '-P', 'days=2', '--dashboard', `${taken}`]
    const { code, stderr } = await runCli(folder, ...tiny)
    expect(code).toBe(0)
    expect(stderr).toMatch(new RegExp(`^port ${taken} is in use: the dashboard is on port`, 'm'))
    other.close()
  })

  it('--control without a page is refused', async () => {
    const { code, stderr } = await runCli(folder, 'run', 'seedservice', '--control')
    expect(code).toBe(2)
    expect(stderr).toContain('it needs --dashboard')
  })
})

describe('cli: dashboard', () => {
  it('starts what the page asks for, keeps it, and serves it as page and files', async () => {
    const { url, port } = await serving('dashboard', '--port', '0', '--control')
    const page = await SocketClient.connect({ url, port })
    await page.until(() => page.of(FrameKind.CATALOGUE).length === 1)
    const variants = ['glibc', 'tcmalloc']
    send(page, { type: 'start', setup: setupOf({ variants, traceWaits: true }), hold: true })
    await page.until(() => stateOf(page)?.mark === 'start')
    expect(stateOf(page)!.command).toBe(
      'arena-lab run seedservice -a glibc -a tcmalloc -P ingesters=4 -P records=100 -P days=3 ' +
        '--lockstep --trace-waits',
    )
    send(page, { type: 'start', setup: setupOf({}), hold: false })
    await page.until(() => noticeOf(page) !== '')
    expect(noticeOf(page)).toMatch(/^A run is under way/)
    send(page, { type: 'steer', action: 'resume' })
    await page.until(() => stateOf(page)?.activity === 'idle')
    await page.until(() => page.of(FrameKind.RUNS).at(-1)!.body.runs.length === 1)
    const [past] = page.of(FrameKind.RUNS).at(-1)!.body.runs
    expect(past!.variants.map(({ outcome }) => outcome)).toEqual(['completed', 'completed'])
    expect(runs()).toEqual([past!.name])

    const headers = { cookie: await cookieOf({ url, port }) }
    const get = (path: string) =>
      request(`http://127.0.0.1:${port}/run/${past!.name}${path}`, headers)
    const opened = await get('')
    expect(opened.status).toBe(200)
    expect(opened.body).toContain('id="arena-lab-run"')
    expect((await get('/samples.csv')).body).toMatch(/^variant,t,rss/)
    expect((await get('/samples.ndjson')).body).toContain('"type":"safepoint"')
    expect(traceEventProblems((await get('/trace.json')).body)).toEqual([])
    const report = await get('/report.html')
    expect(report.headers['content-disposition']).toMatch(/^attachment; filename="/)
    running!.child.kill('SIGINT')
    expect((await running!.ended).code).toBe(0)
  })

  it('refuses files, unknown names and values, and says why', async () => {
    const { url, port } = await serving('dashboard', '--port', '0', '--control')
    const page = await SocketClient.connect({ url, port })
    const refusals: [Partial<RunSetup>, RegExp][] = [
      [{ scenario: './evil.ts' }, /^unknown scenario '.\/evil.ts'/],
      [{ scenario: '--help' }, /^unknown scenario/],
      [{ variants: ['./evil.ts'] }, /^unknown design '.\/evil.ts'/],
      [{ variants: ['glibc:arena_mux=1'] }, /did you mean arena_max/],
      [{ machine: 'moon' }, /^unknown machine/],
      [{ params: ['dayz=1'] }, /did you mean days\?/],
      [{ memoryLimit: '--out html=/tmp/x' }, /^--memory-limit .*: expected a size/],
      [{ memoryLimit: '4KiB' }, /is too small for .* would do/],
      [{ cores: '1e9' }, /^--cores .*: expected a whole number/],
    ]
    // The greeting is a notice too, an empty one.
    await page.until(() => page.of(FrameKind.STATUS).length === 1)
    for (const [part, reason] of refusals) {
      const before = page.of(FrameKind.STATUS).length
      send(page, { type: 'start', setup: setupOf(part), hold: false })
      await page.until(() => page.of(FrameKind.STATUS).length > before)
      expect(noticeOf(page)).toMatch(reason)
    }
    await page.until(() => (stateOf(page)?.activity ?? '') === 'idle')
    send(page, { type: 'steer', action: 'step' })
    await page.until(() => noticeOf(page) === 'No run is under way.')
  })

  it('Ctrl-C while a run stands still ends both, and keeps what there is', async () => {
    const { url, port } = await serving('dashboard', '--port', '0', '--control')
    const page = await SocketClient.connect({ url, port })
    send(page, { type: 'start', setup: setupOf({}), hold: true })
    await page.until(() => stateOf(page)?.mark === 'start')
    running!.child.kill('SIGINT')
    expect((await running!.ended).code).toBe(130)
    expect(summaryOf(runs()[0]!).variants.map(({ outcome }) => outcome)).toEqual([
      'interrupted',
      'interrupted',
    ])
  })

  it('Ctrl-C while a run goes on ends both, and keeps what there is', async () => {
    const { url, port } = await serving('dashboard', '--port', '0', '--control')
    const page = await SocketClient.connect({ url, port })
    const params = ['ingesters=4', 'records=2000', 'days=1000']
    send(page, { type: 'start', setup: setupOf({ params }), hold: false })
    await page.until(() => page.of(FrameKind.SAMPLE).length > 0)
    running!.child.kill('SIGINT')
    const { code, stderr } = await running!.ended
    expect(code).toBe(130)
    expect(stderr).toMatch(/SIGINT: ending the run/)
    const [first] = summaryOf(runs()[0]!).variants
    expect(first!.outcome).toBe('interrupted')
  })

  it('a second one beside it takes the next port, and each knows its own pages', async () => {
    const first = await serving('dashboard', '--port', '0')
    const other = start(folder, ['dashboard', '--port', `${first.port}`])
    try {
      const url = (await other.said(/http:\S+/)).trim()
      await other.said(new RegExp(`port ${first.port} is in use: the dashboard is on port`))
      const second = { url, port: Number(new URL(url).port) }
      expect(second.port).toBeGreaterThan(first.port)
      const cookies = [await cookieOf(first), await cookieOf(second)]
      // A browser sends the cookies of both to both: they are of one host.
      const both = { cookie: cookies.join('; ') }
      for (const { port } of [first, second]) {
        expect((await request(`http://127.0.0.1:${port}/`, both)).status).toBe(200)
      }
      const foreign = { cookie: cookies[0]! }
      expect((await request(`http://127.0.0.1:${second.port}/`, foreign)).status).toBe(401)
      running!.child.kill('SIGINT')
      expect((await running!.ended).code).toBe(0)
      expect((await request(`http://127.0.0.1:${second.port}/`, both)).status).toBe(200)
    } finally {
      other.child.kill('SIGINT')
      expect((await other.ended).code).toBe(0)
    }
  })

  it('without --control nothing is started', async () => {
    const { url, port } = await serving('dashboard', '--port', '0')
    const page = await SocketClient.connect({ url, port })
    send(page, { type: 'start', setup: setupOf({}), hold: false })
    await page.until(() => noticeOf(page) !== '')
    expect(noticeOf(page)).toMatch(/only watches/)
    expect(stateOf(page)?.activity).toBe('idle')
  })
})
