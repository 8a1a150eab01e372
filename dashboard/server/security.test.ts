/** Who is let in and what a page may do, with real sockets. The run must never notice. */
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { fakeRun, SEEDSERVICE } from '../../test/browser/fake-run.ts'
import { publishAll } from '../../test/browser/replay.ts'
import {
  cookieOf,
  goodHeaders,
  liveUrl,
  rawUpgrade,
  request,
  SocketClient,
  tryUpgrade,
} from '../../test/browser/socket-client.ts'
import { testPage } from '../../test/browser/test-page.ts'
import { FrameKind } from '../protocol.ts'
import { CLIENTS_MAX, type Dashboard, startDashboard } from './dashboard.ts'

let dashboard: Dashboard
let base: string

beforeAll(async () => {
  dashboard = await startDashboard({ port: 0, control: false, pagePath: testPage() })
  base = `http://127.0.0.1:${dashboard.port}`
  publishAll(dashboard, fakeRun(SEEDSERVICE))
})
afterAll(() => dashboard.close())

describe('security: the page', () => {
  it('the link sets the cookie and leads to the address without the token', async () => {
    const answer = await request(dashboard.url)
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe('/')
    expect(answer.headers['set-cookie']![0]).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/)
  })

  it('with the cookie the page is served, under a policy that names its scripts', async () => {
    const { status, headers, body } = await request(base, { cookie: await cookieOf(dashboard) })
    expect(status).toBe(200)
    expect(body).toContain('<!doctype html>')
    const policy = headers['content-security-policy']
    expect(policy).toContain("default-src 'none'")
    expect(policy).toMatch(/script-src 'sha256-[A-Za-z0-9+/=]{44}'/)
    expect(policy).not.toContain('unsafe')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['access-control-allow-origin']).toBeUndefined()
  })

  it.each([
    ['no token', '/', {}, 401],
    ['a wrong token', '/?token=0123456789abcdef0123456789abcdef', {}, 401],
    ['a long token', `/?token=${'a'.repeat(4000)}`, {}, 401],
    ['a wrong cookie', '/', { cookie: 'arena_lab=x; arena_lab_1=y' }, 401],
    ['another path', '/etc/passwd', {}, 404],
    ['a path that climbs', '/../../etc/passwd', {}, 404],
    ['a path that is no URL', '//', {}, 404],
    ['a foreign Host', '/', { host: 'evil.example' }, 403],
    ['a Host of another port', '/', { host: '127.0.0.1:1' }, 403],
    ['a foreign Origin', '/', { origin: 'http://evil.example' }, 403],
    ['the Origin null', '/', { origin: 'null' }, 403],
  ])('%s is refused', async (_, path, headers, status) => {
    const answer = await request(`${base}${path}`, headers as unknown as Record<string, string>)
    expect(answer.status).toBe(status)
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(answer.body).not.toContain('<!doctype')
  })

  it('a right token from a foreign Host or Origin is refused before it is looked at', async () => {
    for (const headers of [{ host: 'evil.example' }, { origin: 'http://evil.example' }]) {
      const answer = await request(dashboard.url, headers as unknown as Record<string, string>)
      expect(answer.status).toBe(403)
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
  })

  it('only GET is served', async () => {
    const cookie = await cookieOf(dashboard)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      expect((await request(base, { cookie }, method)).status).toBe(405)
    }
  })
})

describe('security: the socket', () => {
  it('the cookie and an Origin of our own are let in, by either name of the loopback', async () => {
    const headers = await goodHeaders(dashboard)
    expect(await tryUpgrade(liveUrl(dashboard), headers)).toBe(101)
    const host = `localhost:${dashboard.port}`
    const named = { ...headers, host, origin: `http://${host}` }
    expect(await tryUpgrade(liveUrl(dashboard), named)).toBe(101)
  })

  it.each([
    ['no Origin', { origin: undefined }, 403],
    ['a foreign Origin', { origin: 'http://evil.example' }, 403],
    ['the Origin null', { origin: 'null' }, 403],
    ['an Origin of another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['an Origin that only begins like ours', { origin: 'http://127.0.0.1.evil.example' }, 403],
    ['a foreign Host', { host: 'evil.example' }, 403],
    ['no cookie', { cookie: undefined }, 401],
    ['a wrong cookie', { cookie: 'arena_lab_0=0123456789abcdef0123456789abcdef' }, 401],
  ])('%s is refused', async (_, change, status) => {
    const changed: Record<string, string | undefined> = {
      ...(await goodHeaders(dashboard)),
      ...change,
    }
    const headers = Object.fromEntries(
      Object.entries(changed).filter(([, value]) => value !== undefined),
    ) as Record<string, string>
    expect(await tryUpgrade(liveUrl(dashboard), headers)).toBe(status)
  })

  it('the token in the address does not open the socket: only the cookie does', async () => {
    const { cookie: _, ...headers } = await goodHeaders(dashboard)
    const token = new URL(dashboard.url).search
    expect(await tryUpgrade(`${liveUrl(dashboard)}${token}`, headers)).toBe(401)
  })

  it('another path is refused', async () => {
    const headers = await goodHeaders(dashboard)
    expect(await tryUpgrade(`ws://127.0.0.1:${dashboard.port}/other`, headers)).toBe(404)
  })
})

describe('security: messages', () => {
  it.each([
    ['text that is no JSON', 'hello', 1008],
    ['an unknown message', '{"type":"format-disk"}', 1008],
    ['a known one with more in it', '{"type":"watch","on":true,"x":1}', 1008],
    ['an array', '[]', 1008],
    ['deep nesting', '['.repeat(20_000), 1008],
    ['bytes', Buffer.from([1, 2, 3]), 1008],
    ['more than 64 KiB', `"${'x'.repeat(70_000)}"`, 1009],
  ])('%s ends the connection', async (_, message, code) => {
    const client = await SocketClient.connect(dashboard)
    client.socket.send(message)
    // With bytes of it still unread the kernel may cut the connection before the code arrives.
    const cut = code === 1009 ? [1006] : []
    expect([code, ...cut]).toContain(await client.closed())
  })

  it('more than 50 messages a second end the connection', async () => {
    const client = await SocketClient.connect(dashboard)
    for (let sent = 0; sent < 400; sent++) client.socket.send('{"type":"watch","on":true}')
    expect(await client.closed()).toBe(1008)
  })

  it('a fragment that never ends is cut at 64 KiB', async () => {
    const client = await SocketClient.connect(dashboard)
    const closed = client.closed()
    for (let part = 0; part < 80; part++) client.socket.send('x'.repeat(1024), { fin: false })
    expect(await closed).toBe(1009)
  })

  it('broken WebSocket frames end the connection and nothing else', async () => {
    const socket = await rawUpgrade(dashboard)
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.resume()
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))
    await closed
    expect((await request(base, { cookie: await cookieOf(dashboard) })).status).toBe(200)
  })

  it('steering a dashboard that only watches is refused, and the page stays', async () => {
    const client = await SocketClient.connect(dashboard)
    client.socket.send('{"type":"steer","action":"stop"}')
    await client.until(() => client.of(FrameKind.STATUS).some(({ body }) => body.notice !== ''))
    expect(client.of(FrameKind.STATUS).every(({ body }) => !body.control)).toBe(true)
    expect(client.socket.readyState).toBe(WebSocket.OPEN)
    client.socket.terminate()
  })

  it('steering one with control arrives, once each', async () => {
    const actions: string[] = []
    const steered = await startDashboard({
      port: 0,
      control: true,
      pagePath: testPage(),
      onSteer: (action) => {
        actions.push(action)
        return ''
      },
    })
    const client = await SocketClient.connect(steered)
    for (const action of ['pause', 'resume', 'stop']) {
      client.socket.send(JSON.stringify({ type: 'steer', action }))
    }
    await client.until(() => actions.length === 3)
    expect(actions).toEqual(['pause', 'resume', 'stop'])
    await steered.close()
  })
})

describe('security: numbers', () => {
  it('of 200 pages at once 64 are let in, the others are turned away', async () => {
    const headers = await goodHeaders(dashboard)
    const open: WebSocket[] = []
    let refused = 0
    await Promise.all(
      Array.from({ length: 200 }, () => {
        const socket = new WebSocket(liveUrl(dashboard), { headers })
        return new Promise<void>((resolve) => {
          socket.on('open', () => {
            open.push(socket)
            resolve()
          })
          // Turned away with 503, or, beyond 128 sockets, hung up on at once.
          socket.on('error', () => {
            refused++
            resolve()
          })
        })
      }),
    )
    expect(open.length).toBeLessThanOrEqual(CLIENTS_MAX)
    expect(open.length).toBeGreaterThan(CLIENTS_MAX / 2)
    expect(open.length + refused).toBe(200)
    for (const socket of open) socket.terminate()
    const client = await SocketClient.connect(dashboard)
    await client.until(() => client.of(FrameKind.SAMPLE).length > 0)
    client.socket.terminate()
  })

  it('a port in use: the next free one is taken, and said', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const taken = (other.address() as { port: number }).port
    const next = await startDashboard({ port: taken, control: false, pagePath: testPage() })
    expect(next.port).toBeGreaterThan(taken)
    expect(next.notices).toEqual([`port ${taken} is in use: the dashboard is on port ${next.port}`])
    expect((await request(next.url)).status).toBe(303)
    await next.close()
    other.close()
  })

  it('it listens on the loopback alone', async () => {
    // Linux answers on all of 127.0.0.0/8: a server on 0.0.0.0 would be reached at 127.0.0.2.
    await expect(request(`http://127.0.0.2:${dashboard.port}/`)).rejects.toThrow('ECONNREFUSED')
  })
})
