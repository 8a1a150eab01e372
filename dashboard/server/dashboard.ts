/**
 * The dashboard's server: hands out the page, and passes on what a run tells while it runs. It
 * lives on the main thread beside the session and must cost next to nothing there: a frame is
 * encoded once, and only when a page is connected or the history keeps it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { type WebSocket, WebSocketServer } from 'ws'
import type { SampleLine } from '../../lab/metrics/types.ts'
import { messageOf } from '../../lab/words/bad-input.ts'
import type { Catalogue, PastRuns, SessionState } from '../catalogue.ts'
import {
  CLIENT_MESSAGE_BYTES_MAX,
  ClientMessage,
  encodeJson,
  FrameKind,
  type RunDescription,
  type SteerAction,
  type VariantEnd,
} from '../protocol.ts'
import type { RunSetup } from '../setup.ts'
import { Clients, type Correspondent } from './clients.ts'
import { Gate, type Refusal } from './gate.ts'
import type { Library } from './library.ts'
import { listenNear } from './listen.ts'
import { pathOf, servePages } from './pages.ts'
import { RunFeed } from './run-feed.ts'

export interface DashboardOptions {
  /** The port asked for; the next free one is taken when it is in use. 0: any. */
  readonly port: number
  /** Only the loopback is ever listened on. */
  readonly host?: '127.0.0.1'
  /** Whether a page may pause, resume and stop the run. */
  readonly control: boolean
  /** Called when a page with control steers the run. The answer is a notice, empty for none. */
  readonly onSteer?: (action: SteerAction) => string
  /** Called when a page with control starts a run. Resolves with a notice, empty when it starts. */
  readonly onStart?: (setup: RunSetup, hold: boolean) => Promise<string>
  /** Past runs; without it none can be opened. */
  readonly library?: Library
  /** The built page; by default dist/dashboard/web/index.html. */
  readonly pagePath?: string
  /** Milliseconds between pings; 30 000 by default. */
  readonly pingMs?: number
}

/** A running dashboard. Main thread only. */
export interface Dashboard {
  /** What to open in a browser. Holds the token: show it to the user alone. */
  readonly url: string
  readonly port: number
  /** Lines for the user: that another port was taken than the one asked for. */
  readonly notices: readonly string[]
  /** Pages connected, and frames left out for slow ones so far. */
  readonly load: () => { clients: number; skipped: number; bufferedMax: number }
  /** A run begins: everything shown before is forgotten. */
  describe(run: RunDescription): void
  /** One line of `samples.ndjson`. The line must not change afterwards. */
  publish(variant: number, line: SampleLine): void
  /** A variant ended; a `VariantSummary` will do. */
  finish(variant: number, end: VariantEnd): void
  /** What can be run here. Without it, pages show no start page. */
  setCatalogue(catalogue: Catalogue): void
  /** What the session does. */
  setSession(state: SessionState): void
  setRuns(runs: PastRuns): void
  close(): Promise<void>
}

/** Pages connected at once; more are turned away. */
export const CLIENTS_MAX = 64
/** Sockets of any kind open at once. */
const CONNECTIONS_MAX = 128
const PING_MS = 30_000

/** Compiled, this file lies in dist/dashboard/server, beside the built page. */
function builtPage(): string {
  const beside = import.meta.url.endsWith('.ts')
    ? '../../dist/dashboard/web/index.html'
    : '../web/index.html'
  return fileURLToPath(new URL(beside, import.meta.url))
}

/** Starts listening. Rejects when the page was not built or no port is free. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const pagePath = options.pagePath ?? builtPage()
  if (!existsSync(pagePath)) {
    throw new Error(`the dashboard's page is not built (${pagePath}): npm run build`)
  }
  const page = readFileSync(pagePath, 'utf8')
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 })
  server.maxConnections = CONNECTIONS_MAX
  const port = await listenNear(server, options.port, options.host ?? '127.0.0.1')
  const gate = new Gate(port)
  const feed = new RunFeed()
  const clients = new Clients(
    {
      control: options.control,
      after: (sequence) => feed.after(sequence),
      onMessage: (text, from) => takeMessage(text, options, from),
    },
    options.pingMs ?? PING_MS,
  )
  feed.onFrame = (frame, needed) => clients.broadcast(frame, needed)
  feed.isWatched = () => clients.size > 0
  servePages(server, gate, page, options.library)
  const sockets = serveSockets(server, gate, clients)
  const setState = (kind: FrameKind, body: Catalogue | SessionState | PastRuns): void =>
    clients.setState(kind, encodeJson(kind, 0, 0, 0, body))
  return {
    url: `http://127.0.0.1:${port}/?token=${gate.token}`,
    port,
    notices:
      options.port === 0 || port === options.port
        ? []
        : [`port ${options.port} is in use: the dashboard is on port ${port}`],
    load: () => ({
      clients: clients.size,
      skipped: clients.skipped,
      bufferedMax: clients.bufferedMax,
    }),
    describe: (run) => {
      feed.describe(run)
      clients.restart()
    },
    publish: (variant, line) => feed.publish(variant, line),
    finish: (variant, end) => feed.finish(variant, end),
    setCatalogue: (body) => setState(FrameKind.CATALOGUE, body),
    setSession: (body) => setState(FrameKind.SESSION, body),
    setRuns: (body) => setState(FrameKind.RUNS, body),
    close: () => closeAll(server, sockets, clients),
  }
}

/** Checks one message and does it. The answer is a notice for the page; `undefined`: hang up. */
function takeMessage(
  text: string,
  options: DashboardOptions,
  from: Correspondent,
): string | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  const checked = v.safeParse(ClientMessage, parsed)
  if (!checked.success) return undefined
  const message = checked.output
  if (message.type === 'watch') {
    from.watch(message.on)
    return ''
  }
  if (!options.control) return READ_ONLY
  if (message.type === 'steer') return options.onSteer?.(message.action) ?? NOT_HERE
  if (options.onStart === undefined) return NOT_HERE
  options.onStart(message.setup, message.hold).then(
    (notice) => {
      if (notice !== '') from.tell(notice)
    },
    (error: unknown) => from.tell(messageOf(error)),
  )
  return ''
}

const READ_ONLY = 'This dashboard only watches: start it with --control to start and steer runs.'
const NOT_HERE = 'This dashboard shows one run: arena-lab dashboard --control starts others.'

function serveSockets(server: Server, gate: Gate, clients: Clients): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: CLIENT_MESSAGE_BYTES_MAX,
    // Compressing would cost the main thread more than the loopback gains.
    perMessageDeflate: false,
    clientTracking: false,
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // A socket that fails before it is a WebSocket is nobody's business.
    socket.on('error', () => socket.destroy())
    const refusal = refuseUpgrade(request, gate, clients)
    if (refusal === undefined) {
      sockets.handleUpgrade(request, socket, head, (page: WebSocket) => clients.add(page))
    } else {
      const body = `${refusal.reason}\n`
      socket.end(
        `HTTP/1.1 ${refusal.status} Refused\r\nConnection: close\r\n` +
          `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
    }
  })
  return sockets
}

function refuseUpgrade(
  request: IncomingMessage,
  gate: Gate,
  clients: Clients,
): Refusal | undefined {
  const refusal = gate.refuseAddress(request, true)
  if (refusal !== undefined) return refusal
  if (pathOf(request) !== '/live') {
    return { status: 404, reason: 'There is nothing here.' }
  }
  if (!gate.hasCookie(request)) return { status: 401, reason: 'The token is missing or wrong.' }
  if (clients.size >= CLIENTS_MAX) return { status: 503, reason: 'Too many pages are connected.' }
  return undefined
}

async function closeAll(server: Server, sockets: WebSocketServer, clients: Clients): Promise<void> {
  clients.close()
  sockets.close()
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
