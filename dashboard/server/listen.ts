/** Finding a port: the one asked for, or the next that is free. */
import type { Server } from 'node:http'

/** How many ports are tried before giving up. */
const TRIES = 32

function tryPort(server: Server, port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening)
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    }
    const onListening = (): void => {
      server.off('error', onError)
      resolve(true)
    }
    server.once('error', onError)
    server.once('listening', onListening)
    server.listen(port, host)
  })
}

/**
 * Listens on `port` or the next free one, 0 for any. The port listened on; rejects when none of 32
 * is free, or the address cannot be used at all.
 */
export async function listenNear(server: Server, port: number, host: string): Promise<number> {
  for (let tried = port; tried < port + TRIES && tried < 65_536; tried++) {
    if (await tryPort(server, tried, host)) {
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : tried
    }
  }
  throw new Error(`no free port for the dashboard from ${port} on: choose another with --port`)
}
