/** What plain requests get: the page, past runs inside it, and what past runs can be saved as. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Gate, type Refusal, securityHeaders } from './gate.ts'
import type { Library } from './library.ts'

/** Runs read from the disk at once: reading one costs the main thread time. */
const READING_MAX = 2
/** `/run/NAME` and `/run/NAME/FILE`. Names are looked up in a list, never joined to a path. */
const RUN_PATH = /^\/run\/([A-Za-z0-9_=.,-]{1,200})(?:\/([a-z.-]{1,40}))?$/

const NOTHING: Refusal = { status: 404, reason: 'There is nothing here.' }
const BUSY: Refusal = { status: 503, reason: 'Other runs are being read: try again.' }
const NO_TOKEN: Refusal = {
  status: 401,
  reason: 'Open the whole link that arena-lab printed, with its token.',
}

/** Answers every request that is no upgrade. `library` is where past runs are found. */
export function servePages(
  server: Server,
  gate: Gate,
  page: string,
  library: Library | undefined,
): void {
  const pages = new Pages(gate, page, library)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void pages.answer(request, response)
  })
}

class Pages {
  readonly #gate: Gate
  readonly #page: string
  readonly #library: Library | undefined
  readonly #headers: Readonly<Record<string, string>>
  #reading = 0

  constructor(gate: Gate, page: string, library: Library | undefined) {
    this.#gate = gate
    this.#page = page
    this.#library = library
    this.#headers = securityHeaders(page, gate.port)
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#gate.refuseAddress(request, false)
    if (refusal !== undefined) return this.#refuse(response, refusal)
    if (request.method !== 'GET') {
      return this.#refuse(response, { status: 405, reason: 'Only GET is served here.' })
    }
    const url = urlOf(request)
    const run = url === undefined ? null : RUN_PATH.exec(url.pathname)
    if (url === undefined || (url.pathname !== '/' && run === null)) {
      return this.#refuse(response, NOTHING)
    }
    const token = url.searchParams.get('token')
    if (run === null && token !== null && this.#gate.isToken(token)) {
      // The token leaves the address bar and the history; from now on the cookie stands for it.
      response.writeHead(303, {
        ...this.#headers,
        location: '/',
        'set-cookie': this.#gate.setCookie(),
      })
      response.end()
    } else if (token !== null || !this.#gate.hasCookie(request)) {
      this.#refuse(response, NO_TOKEN)
    } else if (run === null) {
      this.#send(response, 'text/html', this.#page)
    } else {
      await this.#readRun(response, run[1]!, run[2])
    }
  }

  /** A past run as a page, or one of its files. */
  async #readRun(response: ServerResponse, name: string, file: string | undefined): Promise<void> {
    if (this.#reading >= READING_MAX) return this.#refuse(response, BUSY)
    this.#reading++
    try {
      if (file === undefined) {
        const page = await this.#library?.page(name, this.#page)
        if (page === undefined) this.#refuse(response, NOTHING)
        else this.#send(response, 'text/html', page)
        return
      }
      const download = this.#library?.download(name, file)
      if (download === undefined) return this.#refuse(response, NOTHING)
      response.writeHead(200, {
        ...this.#headers,
        'content-type': `${download.type}; charset=utf-8`,
        'content-disposition': `attachment; filename="${name}.${file}"`,
      })
      await pipeline(Readable.from(download.chunks), response)
    } catch {
      // The page went away, or the folder did. Nobody else is concerned.
      if (response.headersSent) response.destroy()
      else this.#refuse(response, NOTHING)
    } finally {
      this.#reading--
    }
  }

  #send(response: ServerResponse, type: string, text: string): void {
    response.writeHead(200, { ...this.#headers, 'content-type': `${type}; charset=utf-8` })
    response.end(text)
  }

  #refuse(response: ServerResponse, { status, reason }: Refusal): void {
    response.writeHead(status, { ...this.#headers, 'content-type': 'text/plain; charset=utf-8' })
    response.end(`${reason}\n`)
  }
}

function urlOf(request: IncomingMessage): URL | undefined {
  const text = `http://127.0.0.1${request.url ?? '/'}`
  return URL.canParse(text) ? new URL(text) : undefined
}

/** The path that a request names, undefined where it names none. */
export const pathOf = (request: IncomingMessage): string | undefined => urlOf(request)?.pathname
