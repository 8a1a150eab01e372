/** A page's end of the socket, without a browser: what tests of the server connect with. */
import { once } from 'node:events'
import { get, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'
import { decodeFrame, type Frame, FrameKind, NameTable } from '../../dashboard/protocol.ts'

/** Where a dashboard is, in this process or in another. */
export interface Place {
  /** The printed link, token and all. */
  readonly url: string
  readonly port: number
}

/** Answers of a plain request. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export function request(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { headers, method, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      )
    })
    sent.on('error', reject)
  })
}

/** Opens the printed link and keeps the cookie, as a browser does. */
export async function cookieOf(dashboard: Place): Promise<string> {
  const { headers } = await request(dashboard.url)
  return headers['set-cookie']![0]!.split(';')[0]!
}

/** Headers of an upgrade that is let in. */
export async function goodHeaders(dashboard: Place): Promise<Record<string, string>> {
  return {
    cookie: await cookieOf(dashboard),
    origin: `http://127.0.0.1:${dashboard.port}`,
  }
}

export const liveUrl = (dashboard: Place): string => `ws://127.0.0.1:${dashboard.port}/live`

/** Upgrades by hand, for what a WebSocket client never does: reading nothing, sending nonsense. */
export async function rawUpgrade(dashboard: Place): Promise<Socket> {
  const headers = await goodHeaders(dashboard)
  const socket = connect(dashboard.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    [
      'GET /live HTTP/1.1',
      `Host: 127.0.0.1:${dashboard.port}`,
      `Origin: ${headers['origin']}`,
      `Cookie: ${headers['cookie']}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      '\r\n',
    ].join('\r\n'),
  )
  await once(socket, 'data')
  socket.pause()
  return socket
}

/** 101 when let in; the HTTP status of the refusal otherwise. */
export function tryUpgrade(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { headers })
    socket.on('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.on('unexpected-response', (_, response) => {
      response.resume()
      socket.terminate()
      resolve(response.statusCode ?? 0)
    })
    socket.on('error', () => resolve(0))
  })
}

/** A connected page that decodes what it is sent. */
export class SocketClient {
  readonly frames: Frame[] = []
  readonly socket: WebSocket
  readonly #names = new Map<number, NameTable>()

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.binaryType = 'arraybuffer'
    socket.on('message', (data) => this.#take(data as ArrayBuffer))
  }

  static async connect(dashboard: Place): Promise<SocketClient> {
    const headers = await goodHeaders(dashboard)
    const client = new SocketClient(new WebSocket(liveUrl(dashboard), { headers }))
    await once(client.socket, 'open')
    return client
  }

  of<K extends FrameKind>(kind: K): Extract<Frame, { kind: K }>[] {
    return this.frames.filter((frame): frame is Extract<Frame, { kind: K }> => frame.kind === kind)
  }

  /** Waits until `condition` holds; rejects after a minute. */
  async until(condition: () => boolean): Promise<void> {
    const end = performance.now() + 60_000
    while (!condition()) {
      if (performance.now() > end) throw new Error('waited a minute in vain')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** The close code, once the server has hung up. */
  async closed(): Promise<number> {
    if (this.socket.readyState === WebSocket.CLOSED) return 0
    const [code] = (await once(this.socket, 'close')) as [number]
    return code
  }

  #take(data: ArrayBuffer): void {
    const frame = decodeFrame(data, (variant) => {
      if (!this.#names.has(variant)) this.#names.set(variant, new NameTable())
      return this.#names.get(variant)!
    })
    if (frame.kind === FrameKind.DESCRIBE) this.#names.clear()
    this.frames.push(frame)
  }
}
