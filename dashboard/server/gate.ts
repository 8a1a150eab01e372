/**
 * Who may talk to the dashboard's server. It listens on the loopback alone, but every page in the
 * user's browser can reach the loopback, so three things are checked before anything is answered:
 *
 *   Host    must name this machine's loopback and our port: a foreign name that resolves to
 *           127.0.0.1 (DNS rebinding) is refused.
 *   Origin  must be one of our own, where a browser sends one: a foreign page is refused.
 *   Token   128 random bits from the printed link, afterwards in a cookie that scripts cannot read
 *           and other sites cannot send.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Why a request is refused, as an HTTP answer. */
export interface Refusal {
  readonly status: 401 | 403 | 404 | 405 | 503
  readonly reason: string
}

/** Guards one server. Any request of any kind passes through it first. */
export class Gate {
  readonly token = randomBytes(16).toString('hex')
  readonly port: number
  readonly #hosts: ReadonlySet<string>
  readonly #origins: ReadonlySet<string>
  /** Cookies do not tell ports apart, so the port is part of the name. */
  readonly #cookie: string

  constructor(port: number) {
    this.port = port
    const hosts = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${port}`)
    this.#hosts = new Set(hosts)
    this.#origins = new Set(hosts.map((host) => `http://${host}`))
    this.#cookie = `arena_lab_${port}`
  }

  /** Host and Origin. `originRequired` for WebSocket upgrades, which browsers always mark. */
  refuseAddress(request: IncomingMessage, originRequired: boolean): Refusal | undefined {
    const host = request.headers.host
    if (host === undefined || !this.#hosts.has(host)) {
      return { status: 403, reason: 'This Host is not served here.' }
    }
    const origin = request.headers.origin
    if (origin === undefined ? originRequired : !this.#origins.has(origin)) {
      return { status: 403, reason: 'This Origin is not served here.' }
    }
    return undefined
  }

  /** Whether the cookie of the first visit came along. */
  hasCookie(request: IncomingMessage): boolean {
    for (const part of (request.headers.cookie ?? '').split(';')) {
      const [name, value] = part.trim().split('=')
      if (name === this.#cookie && value !== undefined && this.isToken(value)) return true
    }
    return false
  }

  /** Compares in constant time; hashing first makes the lengths equal, whatever was sent. */
  isToken(given: string): boolean {
    const digest = (text: string) => createHash('sha256').update(text).digest()
    return timingSafeEqual(digest(given), digest(this.token))
  }

  setCookie(): string {
    return `${this.#cookie}=${this.token}; HttpOnly; SameSite=Strict; Path=/`
  }
}

/** Content of every inline `<tag>` of a page, as CSP source expressions. */
function inlineHashes(page: string, tag: 'script' | 'style'): string {
  const hashes = [...page.matchAll(new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`, 'g'))].map(
    ([, content]) => `'sha256-${createHash('sha256').update(content!).digest('base64')}'`,
  )
  return hashes.length === 0 ? "'none'" : hashes.join(' ')
}

/**
 * Headers of every answer. The page is one file with everything inline, so its policy names the
 * hash of each script and style it has, and allows nothing else but its own WebSocket.
 */
export function securityHeaders(page: string, port: number): Record<string, string> {
  const sockets = ['127.0.0.1', 'localhost'].map((host) => `ws://${host}:${port}`)
  return {
    'content-security-policy': [
      "default-src 'none'",
      `script-src ${inlineHashes(page, 'script')}`,
      `style-src ${inlineHashes(page, 'style')}`,
      'img-src data:',
      `connect-src ${sockets.join(' ')}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  }
}
