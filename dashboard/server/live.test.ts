/** What pages get: the history first, then what is new; and what slow ones cost. */
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sample } from '../../lab/metrics/types.ts'
import { fakeRun, LARGE, SEEDSERVICE } from '../../test/browser/fake-run.ts'
import { publishAll } from '../../test/browser/replay.ts'
import { rawUpgrade, SocketClient } from '../../test/browser/socket-client.ts'
import { testPage } from '../../test/browser/test-page.ts'
import { FrameKind } from '../protocol.ts'
import { BUFFERED_BYTES_MAX } from './clients.ts'
import { type Dashboard, startDashboard } from './dashboard.ts'

const run = fakeRun(SEEDSERVICE)
let dashboard: Dashboard

beforeEach(async () => {
  dashboard = await startDashboard({ port: 0, control: false, pagePath: testPage() })
})
afterEach(() => dashboard.close())

describe('live: a page that joins late', () => {
  it('gets the description, every phase mark, the ends, and the last sample', async () => {
    publishAll(dashboard, run)
    const client = await SocketClient.connect(dashboard)
    await client.until(() => client.of(FrameKind.FINISH).length === 2)
    await client.until(() => client.of(FrameKind.SAFEPOINT).some(({ variant }) => variant === 1))
    expect(client.frames.map(({ kind }) => kind).indexOf(FrameKind.DESCRIBE)).toBe(1)
    expect(client.of(FrameKind.DESCRIBE)[0]!.body).toEqual(run.description)
    for (const [place, lines] of run.lines.entries()) {
      const marks = lines.filter((line) => line.type === 'safepoint' && line.reason !== 'tick')
      const got = client.of(FrameKind.SAFEPOINT).filter(({ variant }) => variant === place)
      expect(got.map(({ body }) => body)).toEqual(expect.arrayContaining(marks))
      const last = lines.findLast((line): line is Sample => line.type === 'sample')!
      const samples = client.of(FrameKind.SAMPLE).filter(({ variant }) => variant === place)
      expect(samples.at(-1)!.body.t).toBe(last.t)
      expect(samples.at(-1)!.body.rss).toBe(last.rss)
    }
    const sequences = client.frames.slice(1).map(({ sequence }) => sequence)
    expect([...sequences].sort((a, b) => a - b)).toEqual(sequences)
  })

  it('gets a long run thinned, from its first sample to its last', async () => {
    const whole = fakeRun({ ...SEEDSERVICE, days: 60, memoryLimit: null })
    // Cut where no power of two divides the number of samples: the last one is no kept one.
    const cut = whole.lines[0]!.filter((line) => line.type === 'sample')[3401]!.t
    const long = { ...whole, lines: whole.lines.map((lines) => lines.filter(({ t }) => t <= cut)) }
    publishAll(dashboard, long)
    const client = await SocketClient.connect(dashboard)
    await client.until(() => client.of(FrameKind.FINISH).length === 2)
    const got = client.of(FrameKind.SAMPLE).filter(({ variant }) => variant === 0)
    expect(got.length).toBeLessThanOrEqual(1200)
    expect(got[0]!.body.t).toBe(0)
    expect(got.at(-1)!.body.t).toBe(cut)
  })
})

describe('live: a page that is there', () => {
  it('gets every line as it is published, and a new run when one begins', async () => {
    dashboard.describe(run.description)
    const client = await SocketClient.connect(dashboard)
    await client.until(() => client.of(FrameKind.DESCRIBE).length === 1)
    const lines = run.lines[0]!.slice(0, 100)
    for (const line of lines) dashboard.publish(0, line)
    const samples = lines.filter((line) => line.type === 'sample')
    await client.until(() => client.of(FrameKind.SAMPLE).length === samples.length)
    expect(client.of(FrameKind.SAMPLE).map(({ body }) => body.t)).toEqual(samples.map(({ t }) => t))
    dashboard.describe({ ...run.description, seed: 43 })
    await client.until(() => client.of(FrameKind.DESCRIBE).length === 2)
    dashboard.publish(0, lines[0]!)
    await client.until(() => client.of(FrameKind.SAMPLE).length === samples.length + 1)
    expect(client.of(FrameKind.SAMPLE).at(-1)!.body.arenas[0]!.name).toBe('main arena')
  })

  it('gets nothing while hidden, and what it missed when it is seen again', async () => {
    dashboard.describe(run.description)
    const client = await SocketClient.connect(dashboard)
    await client.until(() => client.of(FrameKind.DESCRIBE).length === 1)
    client.socket.send('{"type":"watch","on":false}')
    // A second message that is answered: when the answer is there, the first has been done.
    client.socket.send('{"type":"steer","action":"stop"}')
    await client.until(() => client.of(FrameKind.STATUS).length === 2)
    const missed = run.lines[0]!.slice(0, 50)
    for (const line of missed) dashboard.publish(0, line)
    // What comes after an answer that was asked for later cannot have been sent before it.
    client.socket.send('{"type":"steer","action":"stop"}')
    await client.until(() => client.of(FrameKind.STATUS).length === 3)
    expect(client.of(FrameKind.SAMPLE)).toEqual([])
    client.socket.send('{"type":"watch","on":true}')
    const samples = missed.filter((line) => line.type === 'sample').length
    await client.until(() => client.of(FrameKind.SAMPLE).length === samples)
  })

  it('lines of a variant that was not described are dropped', async () => {
    dashboard.publish(0, run.lines[0]![0]!)
    dashboard.describe(run.description)
    dashboard.publish(7, run.lines[0]![0]!)
    dashboard.finish(7, run.ends[0]!)
    const client = await SocketClient.connect(dashboard)
    await client.until(() => client.of(FrameKind.DESCRIBE).length === 1)
    expect(client.of(FrameKind.SAMPLE)).toEqual([])
  })
})

/** Reads nothing: the kernel's buffers fill, then the server's. */
const stalledPage = (): Promise<Socket> => rawUpgrade(dashboard)

describe('live: a page that does not read', () => {
  const large = fakeRun({ ...LARGE, days: 4 })
  const lines = large.lines[0]!

  it('costs at most 2 MiB; frames left out for it are counted, others get theirs', async () => {
    const quiet = await startDashboard({ port: 0, control: false, pagePath: testPage() })
    await dashboard.close()
    dashboard = quiet
    dashboard.describe(large.description)
    const stalled = await stalledPage()
    const reader = await SocketClient.connect(dashboard)
    await reader.until(() => dashboard.load().clients === 2)
    let bufferedMax = 0
    let published = 0
    for (let round = 0; round < 4; round++) {
      for (const line of lines) {
        dashboard.publish(0, line)
        published += line.type === 'sample' ? 1 : 0
        bufferedMax = Math.max(bufferedMax, dashboard.load().bufferedMax)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    expect(bufferedMax).toBeLessThanOrEqual(2 * BUFFERED_BYTES_MAX)
    expect(bufferedMax).toBeGreaterThan(BUFFERED_BYTES_MAX / 2)
    expect(dashboard.load().skipped).toBeGreaterThan(100)
    await reader.until(() => reader.of(FrameKind.SAMPLE).length === published)
    stalled.destroy()
  })

  it('the history waits for a page that does not read it', async () => {
    publishAll(dashboard, large)
    const stalled = await stalledPage()
    const reader = await SocketClient.connect(dashboard)
    await reader.until(() => reader.of(FrameKind.FINISH).length === 1)
    expect(dashboard.load().bufferedMax).toBeGreaterThan(0)
    expect(dashboard.load().bufferedMax).toBeLessThanOrEqual(BUFFERED_BYTES_MAX)
    stalled.destroy()
  })

  it('is removed when it does not answer two pings', async () => {
    const options = { port: 0, control: false, pagePath: testPage(), pingMs: 200 }
    const impatient = await startDashboard(options)
    const stalled = await rawUpgrade(impatient)
    expect(impatient.load().clients).toBe(1)
    await expect.poll(() => impatient.load().clients, { timeout: 60_000 }).toBe(0)
    stalled.destroy()
    await impatient.close()
  })
})
