/** Past runs over HTTP, and what a page may ask of a session: who gets what, and at what cost. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainJob } from '../../lab/report/test/summaries.ts'
import { fakeRun, SEEDSERVICE } from '../../test/browser/fake-run.ts'
import { cookieOf, rawUpgrade, request, SocketClient } from '../../test/browser/socket-client.ts'
import { testPage } from '../../test/browser/test-page.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { FrameKind } from '../protocol.ts'
import { FIRST_SETUP, type RunSetup } from '../setup.ts'
import { type Dashboard, startDashboard } from './dashboard.ts'
import { Library } from './library.ts'
import { IDLE } from './shown-run.ts'

const NAME = '20260101T101112Z-seedservice-glibc-and-1-more-3f9a1c'
const CRASHED = '20260102T101112Z-seedservice-glibc-000000'
/** Its run.json is of no version that we know. */
const UNKNOWN = '20251231T101112Z-seedservice-glibc-111111'
const folder = temporaryFolder('library')
const runs = join(folder, '.arena-lab', 'runs')
const run = fakeRun({ ...SEEDSERVICE, days: 2 })
const starts: RunSetup[] = []
let dashboard: Dashboard
let headers: Record<string, string>

beforeAll(async () => {
  for (const name of [NAME, CRASHED, UNKNOWN]) {
    mkdirSync(join(runs, name), { recursive: true })
    const lines = run.lines.flatMap((all, variant) =>
      all.map((line) => `${JSON.stringify({ variant, ...line })}\n`),
    )
    writeFileSync(join(runs, name, 'samples.ndjson'), lines.join(''))
    const { scenario, machine, cores, seed, params } = run.description
    const plan = { variant: { label: 'glibc' }, cores, params, limits: { memoryLimit: 2 ** 29 } }
    const asked = name === UNKNOWN ? { v: 9 } : { scenario, machine, seed, plans: [plan] }
    writeFileSync(join(runs, name, 'run.json'), JSON.stringify(asked))
  }
  writeFileSync(join(runs, NAME, 'summary.json'), JSON.stringify(mainJob))
  writeFileSync(join(folder, 'secret.html'), 'secret')
  symlinkSync(folder, join(folder, 'outside'))
  dashboard = await startDashboard({
    port: 0,
    control: true,
    pagePath: testPage(),
    library: new Library(folder),
    onStart: (setup) => {
      starts.push(setup)
      return Promise.reject(new Error('not today'))
    },
  })
  headers = { cookie: await cookieOf(dashboard) }
})
afterAll(() => dashboard.close())

const get = (path: string, with_ = headers) =>
  request(`http://127.0.0.1:${dashboard.port}${path}`, with_)

describe('past runs over HTTP', () => {
  it('a run is the page with the run in it, under the same policy', async () => {
    const { status, headers: got, body } = await get(`/run/${NAME}`)
    expect(status).toBe(200)
    expect(got['content-security-policy']).toContain("default-src 'none'")
    expect(body).toMatch(/^<!doctype html>/)
    const data = /id="arena-lab-run">(.*?)<\/script>/.exec(body)![1]!
    expect(JSON.parse(data).summary.scenario).toBe('seedservice')
  })

  it.each([
    ['samples.ndjson', /^\{"variant":0,/],
    ['samples.csv', /^variant,t,rss/],
    ['trace.json', /^\{"traceEvents":\[/],
    ['summary.json', /^\{/],
  ])('%s is a file to save', async (file, begins) => {
    const { status, headers: got, body } = await get(`/run/${NAME}/${file}`)
    expect(status).toBe(200)
    expect(got['content-disposition']).toBe(`attachment; filename="${NAME}.${file}"`)
    expect(body).toMatch(begins)
  })

  it.each([
    ['no cookie', `/run/${NAME}`, { cookie: '' }, 401],
    ['a token instead of the cookie', '/run/x?token=TOKEN', { cookie: '' }, 401],
    ['a foreign Host', `/run/${NAME}`, { host: 'evil.example' }, 403],
    ['a foreign Origin', `/run/${NAME}/trace.json`, { origin: 'http://evil.example' }, 403],
    ['no such run', '/run/20260101T000000Z-none', {}, 404],
    ['a run of which nothing is known', `/run/${UNKNOWN}`, {}, 404],
    ['a file that is not offered', `/run/${NAME}/run.json`, {}, 404],
    ['a file that is not there', `/run/${NAME}/report.html`, {}, 404],
    ['a path that climbs', `/run/${NAME}/..%2f..%2fsecret.html`, {}, 404],
    ['a name that climbs', '/run/..%2f..%2foutside/secret.html', {}, 404],
    ['a very long name', `/run/${'a'.repeat(5000)}`, {}, 404],
  ])('%s is refused', async (_, path, change, status) => {
    const token = new URL(dashboard.url).searchParams.get('token')!
    const answer = await get(path.replace('TOKEN', token), { ...headers, ...change })
    expect(answer.status).toBe(status)
    expect(answer.body).not.toContain('seedservice')
    expect(answer.body).not.toContain('secret')
  })

  it('many at once are read two at a time; the others are told to come again', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => get(`/run/${NAME}`)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0)
    expect(new Set(statuses.filter((status) => status !== 200))).toEqual(new Set([503]))
    expect((await get(`/run/${NAME}`)).status).toBe(200)
  })

  it('a run that left no summary opens with what it was asked for, and what it wrote', async () => {
    const [crashed, ended, unknown] = new Library(folder).list().runs
    expect(crashed).toMatchObject({ name: CRASHED, ended: false, asked: ['glibc'], variants: [] })
    expect(crashed!.query).toContain('memory-limit=512MiB')
    expect(ended).toMatchObject({ name: NAME, ended: true })
    expect(ended!.query).toContain('scenario=seedservice')
    expect(unknown).toMatchObject({ name: UNKNOWN, ended: false, query: '', asked: [] })
    expect((await get(`/run/${CRASHED}/samples.ndjson`)).status).toBe(200)
    const data = /id="arena-lab-run">(.*?)<\/script>/.exec((await get(`/run/${CRASHED}`)).body)!
    const { summary, lines } = JSON.parse(data[1]!)
    expect(summary).toMatchObject({ scenario: 'seedservice', variantsAsked: ['glibc'] })
    expect(summary.variants).toBeUndefined()
    expect(lines[0].length).toBeGreaterThan(10)
  })
})

describe('a setup from a page', () => {
  const start = (setup: object): string => JSON.stringify({ type: 'start', setup, hold: false })

  it.each([
    ['no setup', start({})],
    ['five variants', start({ ...FIRST_SETUP, variants: ['a', 'b', 'c', 'd', 'e'] })],
    ['no variant', start({ ...FIRST_SETUP, variants: [] })],
    ['a line break', start({ ...FIRST_SETUP, scenario: 'a\nb' })],
    ['a text that is too long', start({ ...FIRST_SETUP, memoryLimit: '1'.repeat(41) })],
    ['a number for a text', start({ ...FIRST_SETUP, seed: 1 })],
    ['more fields', start({ ...FIRST_SETUP, directory: '/etc' })],
    ['65 parameters', start({ ...FIRST_SETUP, params: Array(65).fill('a=1') })],
    ['an unknown action', '{"type":"steer","action":"format-disk"}'],
  ])('%s ends the connection and starts nothing', async (_, message) => {
    const client = await SocketClient.connect(dashboard)
    client.socket.send(message)
    expect(await client.closed()).toBe(1008)
    expect(starts).toEqual([])
  })

  it('what cannot start is answered with why, to the page that asked and no other', async () => {
    const other = await SocketClient.connect(dashboard)
    const client = await SocketClient.connect(dashboard)
    client.socket.send(start(FIRST_SETUP))
    await client.until(() => client.of(FrameKind.STATUS).at(-1)?.body.notice === 'not today')
    expect(starts).toEqual([FIRST_SETUP])
    expect(other.of(FrameKind.STATUS).every(({ body }) => body.notice === '')).toBe(true)
    client.socket.terminate()
    other.socket.terminate()
  })
})

describe('states', () => {
  it('a page that comes late, and one that did not read, get the newest of each', async () => {
    dashboard.setSession({ ...IDLE, command: 'first' })
    const stalled = await rawUpgrade(dashboard)
    for (let change = 0; change < 20_000; change++) {
      dashboard.setSession({ ...IDLE, command: `${change} ${'x'.repeat(1000)}` })
    }
    // 20 MB of states were told; what waits for the page that reads nothing is bounded.
    expect(dashboard.load().bufferedMax).toBeLessThanOrEqual(2 * 1024 * 1024)
    dashboard.setSession({ ...IDLE, command: 'last' })
    const late = await SocketClient.connect(dashboard)
    await late.until(() => late.of(FrameKind.SESSION).length === 1)
    expect(late.of(FrameKind.SESSION)[0]!.body.command).toBe('last')
    let tail = ''
    stalled.on('data', (data: Buffer) => {
      tail = (tail + data.toString('latin1')).slice(-4096)
    })
    stalled.resume()
    await late.until(() => tail.includes('"command":"last"'))
    stalled.destroy()
    late.socket.terminate()
  })

  it('a page that asks without reading makes nothing pile up', async () => {
    const stalled = await rawUpgrade(dashboard)
    const closed = new Promise((resolve) => stalled.on('close', resolve))
    stalled.on('end', () => stalled.destroy())
    // Masked text frames of one steering message each: every one would be answered.
    const message = Buffer.from('{"type":"steer","action":"step"}')
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | message.length, 0, 0, 0, 0]), message])
    stalled.write(Buffer.concat(Array(2000).fill(frame)))
    stalled.resume()
    await closed
    expect(dashboard.load().bufferedMax).toBeLessThan(64 * 1024)
  })
})
