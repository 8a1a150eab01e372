/**
 * The connected pages. Each is either live (it gets every frame as it is made) or catching up (it
 * is fed from the history, no faster than it reads). A frame is encoded once for all of them.
 *
 * What a slow reader costs is bounded: a live page with more than 1 MiB unread has frames left out,
 * and a page catching up never has more than 256 KiB unread.
 */
import type { RawData, WebSocket } from 'ws'
import { encodeJson, FrameKind, type ServerStatus } from '../protocol.ts'
import type { StoredFrame } from './history.ts'

/** Above this much unread, a live page has frames left out, bytes. */
export const BUFFERED_BYTES_MAX = 1024 * 1024
/** While catching up, the history waits for the page at this much unread, bytes. */
const CATCH_UP_BYTES = 256 * 1024
/** Messages a page may send in one second; a page sends a handful in a minute. */
const MESSAGES_PER_SECOND_MAX = 50

/** What the clients need of the dashboard. */
export interface ClientHost {
  /** The first frame of the history after `sequence`. */
  after(sequence: number): StoredFrame | undefined
  /** One text message of a page. The answer is a notice for it, or `undefined` to hang up. */
  onMessage(text: string, setWatching: (on: boolean) => void): string | undefined
  readonly control: boolean
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
  readonly onFlushed: () => void
}

export class Clients {
  readonly #clients = new Set<Client>()
  readonly #host: ClientHost
  readonly #pingTimer: NodeJS.Timeout
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
      onFlushed: () => this.#catchUp(client),
    }
    this.#clients.add(client)
    socket.on('close', () => this.#clients.delete(client))
    // An oversized or malformed WebSocket frame ends the connection; ws has sent the close code.
    socket.on('error', () => socket.terminate())
    socket.on('pong', () => {
      client.answered = true
    })
    socket.on('message', (data, isBinary) => this.#onMessage(client, data, isBinary))
    this.#sendStatus(client, '')
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
    while (client.catchingUp && client.watching && client.socket.readyState === 1) {
      if (client.socket.bufferedAmount > CATCH_UP_BYTES) return
      const frame = this.#host.after(client.cursor)
      if (frame === undefined) client.catchingUp = false
      else this.#send(client, frame)
    }
  }

  #sendStatus(client: Client, notice: string): void {
    const status: ServerStatus = { control: this.#host.control, skipped: client.skipped, notice }
    client.socket.send(encodeJson(FrameKind.STATUS, 0, 0, 0, status))
  }

  #onMessage(client: Client, data: RawData, isBinary: boolean): void {
    const second = Math.floor(Date.now() / 1000)
    if (second !== client.messagesSince) client.messages = 0
    client.messagesSince = second
    if (++client.messages > MESSAGES_PER_SECOND_MAX) {
      client.socket.close(1008, 'too many messages')
      return
    }
    const notice = isBinary
      ? undefined
      : this.#host.onMessage(data.toString(), (on) => this.#watch(client, on))
    if (notice === undefined) client.socket.close(1008, 'not a message of this protocol')
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
