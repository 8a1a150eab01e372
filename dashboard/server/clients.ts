/**
 * The connected pages. Each is either live (it gets every frame as it is made) or catching up (it
 * is fed from the history, no faster than it reads). A frame is encoded once for all of them.
 *
 * What a slow reader costs is bounded: a live page with more than 1 MiB unread has frames left out,
 * and a page catching up never has more than 256 KiB unread.
 */
import { type RawData, WebSocket } from 'ws'
import { encodeJson, FrameKind, type ServerStatus } from '../protocol.ts'
import type { StoredFrame } from './history.ts'

/** Above this much unread, a live page has frames left out, bytes. */
export const BUFFERED_BYTES_MAX = 1024 * 1024
/** While catching up, the history waits for the page at this much unread, bytes. */
const CATCH_UP_BYTES = 256 * 1024
/** How long a page that broke the rules has to take leave, ms. */
const HANG_UP_MS = 1000
/** Messages a page may send in one second; a page sends a handful in a minute. */
const MESSAGES_PER_SECOND_MAX = 50

/** Notices and states for a page that reads nothing are left out above this much unread, bytes. */
const STATE_BYTES_MAX = BUFFERED_BYTES_MAX + 256 * 1024

/** What the clients need of the dashboard. */
export interface ClientHost {
  /** The first frame of the history after `sequence`. */
  after(sequence: number): StoredFrame | undefined
  /** One text message of a page. The answer is a notice for it, or `undefined` to hang up. */
  onMessage(text: string, from: Correspondent): string | undefined
  readonly control: boolean
}

/** The page a message came from. */
export interface Correspondent {
  watch(on: boolean): void
  /** Tells it something later than in the answer. */
  tell(notice: string): void
}

interface Client {
  readonly socket: WebSocket
  /** Sequence of the last frame that went to it. */
  cursor: number
  catchingUp: boolean
  /** False while the page is hidden: it catches up when it is seen again. */
  watching: boolean
  skipped: number
  skippedTold: number
  /** Whether it answered the last ping. */
  answered: boolean
  messages: number
  messagesSince: number
  /** States that changed while it read too slowly: it gets the newest of each when it has read. */
  readonly owed: Set<FrameKind>
  readonly onFlushed: () => void
}

/** Says why, and does not wait for long until the page has closed its end too. */
function hangUp(socket: WebSocket, reason: string): void {
  socket.close(1008, reason)
  setTimeout(() => socket.terminate(), HANG_UP_MS).unref()
}

export class Clients {
  readonly #clients = new Set<Client>()
  readonly #host: ClientHost
  readonly #pingTimer: NodeJS.Timeout
  /** The newest frame of each kind of which only the newest counts. */
  readonly #states = new Map<FrameKind, Uint8Array<ArrayBuffer>>()
  #skipped = 0

  constructor(host: ClientHost, pingMs: number) {
    this.#host = host
    this.#pingTimer = setInterval(() => this.#ping(), pingMs)
    this.#pingTimer.unref()
  }

  get size(): number {
    return this.#clients.size
  }
  /** Frames left out for slow readers so far, over all pages. */
  get skipped(): number {
    return this.#skipped
  }
  /** Bytes handed to sockets and not yet read by the pages, the largest of all clients. */
  get bufferedMax(): number {
    return Math.max(0, ...[...this.#clients].map((client) => client.socket.bufferedAmount))
  }

  add(socket: WebSocket): void {
    const client: Client = {
      socket,
      cursor: -1,
      catchingUp: true,
      watching: true,
      skipped: 0,
      skippedTold: 0,
      answered: true,
      messages: 0,
      messagesSince: 0,
      owed: new Set(this.#states.keys()),
      onFlushed: () => {
        this.#sendOwed(client)
        this.#catchUp(client)
      },
    }
    this.#clients.add(client)
    socket.on('close', () => this.#clients.delete(client))
    // An oversized or malformed WebSocket frame ends the connection; ws has sent the close code.
    socket.on('error', () => socket.terminate())
    socket.on('pong', () => {
      client.answered = true
    })
    socket.on('ping', (data) => this.#onPing(client, data))
    socket.on('message', (data, isBinary) => this.#onMessage(client, data, isBinary))
    this.#sendStatus(client, '')
    this.#sendOwed(client)
    this.#catchUp(client)
  }

  /** Sends a frame to every page that can take it. `needed` frames are made up for later. */
  broadcast(frame: StoredFrame, needed: boolean): void {
    for (const client of this.#clients) {
      if (client.catchingUp || !client.watching) continue
      if (client.socket.bufferedAmount + frame.bytes.byteLength <= BUFFERED_BYTES_MAX) {
        this.#send(client, frame)
      } else if (needed) {
        client.cursor = frame.sequence - 1
        client.catchingUp = true
      } else {
        client.skipped++
        this.#skipped++
      }
    }
  }

  /** Something changed of which only the newest counts: every page gets it, late ones too. */
  setState(kind: FrameKind, bytes: Uint8Array<ArrayBuffer>): void {
    this.#states.set(kind, bytes)
    for (const client of this.#clients) {
      client.owed.add(kind)
      this.#sendOwed(client)
    }
  }

  /** A new run begins: pages forget the old one, and so do the cursors. */
  restart(): void {
    for (const client of this.#clients) {
      client.catchingUp = true
      this.#catchUp(client)
    }
  }

  /** Hangs up on everybody. */
  close(): void {
    clearInterval(this.#pingTimer)
    for (const client of this.#clients) {
      client.socket.close(1001, 'the run is over')
      client.socket.terminate()
    }
    this.#clients.clear()
  }

  #send(client: Client, frame: StoredFrame): void {
    if (client.skipped !== client.skippedTold) {
      client.skippedTold = client.skipped
      this.#sendStatus(client, '')
    }
    client.cursor = frame.sequence
    client.socket.send(frame.bytes, client.onFlushed)
  }

  /** Feeds the history to a page until it is live or has enough to read. */
  #catchUp(client: Client): void {
    while (client.catchingUp && client.watching && client.socket.readyState === WebSocket.OPEN) {
      if (client.socket.bufferedAmount > CATCH_UP_BYTES) return
      const frame = this.#host.after(client.cursor)
      if (frame === undefined) client.catchingUp = false
      else this.#send(client, frame)
    }
  }

  #sendOwed(client: Client): void {
    for (const kind of client.owed) {
      if (client.socket.bufferedAmount > CATCH_UP_BYTES) return
      client.owed.delete(kind)
      const bytes = this.#states.get(kind)
      if (bytes !== undefined) client.socket.send(bytes, client.onFlushed)
    }
  }

  /** A page that sends without reading gets no answers: they would pile up here. */
  #sendStatus(client: Client, notice: string): void {
    if (client.socket.bufferedAmount > STATE_BYTES_MAX) return
    const status: ServerStatus = { control: this.#host.control, skipped: client.skipped, notice }
    client.socket.send(encodeJson(FrameKind.STATUS, 0, 0, 0, status))
  }

  /** False, and hung up on, when it sends more than any page would. */
  #mayGoOn(client: Client): boolean {
    const second = Math.floor(Date.now() / 1000)
    if (second !== client.messagesSince) client.messages = 0
    client.messagesSince = second
    if (++client.messages <= MESSAGES_PER_SECOND_MAX) return true
    hangUp(client.socket, 'too many messages')
    return false
  }

  /** No browser pings. Answered, but counted and never piled up. */
  #onPing(client: Client, data: Buffer): void {
    if (!this.#mayGoOn(client) || client.socket.bufferedAmount > STATE_BYTES_MAX) return
    client.socket.pong(data)
  }

  #onMessage(client: Client, data: RawData, isBinary: boolean): void {
    if (client.socket.readyState !== WebSocket.OPEN || !this.#mayGoOn(client)) return
    const notice = isBinary
      ? undefined
      : this.#host.onMessage(data.toString(), {
          watch: (on) => this.#watch(client, on),
          tell: (notice) => this.#sendStatus(client, notice),
        })
    if (notice === undefined) hangUp(client.socket, 'not a message of this protocol')
    else if (notice !== '') this.#sendStatus(client, notice)
  }

  #watch(client: Client, on: boolean): void {
    if (on && !client.watching) client.catchingUp = true
    client.watching = on
    this.#catchUp(client)
  }

  /** Removes pages that did not answer since the last ping. */
  #ping(): void {
    for (const client of this.#clients) {
      if (!client.answered) client.socket.terminate()
      client.answered = false
      client.socket.ping()
    }
  }
}
