// What the dashboard costs a run, and what a page that reads nothing costs the server. Needs dist/.
//
//   node test/support/dashboard-cost.mjs [days]
//
// Runs seedservice three times, each alone: without a page, with three pages that read everything,
// and with three and one that reads nothing. The pages are a process of their own. The share of the
// main thread in the run's CPU time is the summary's `cpu`: to be read on an idle machine.
import { fork, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'

const MAIN = fileURLToPath(new URL('../../dist/lab/cli/main.js', import.meta.url))
const SELF = fileURLToPath(import.meta.url)

/** The cookie that the printed link gives, and the headers a browser would send. */
function headersFor(url) {
  const { host, origin } = new URL(url)
  return new Promise((resolve, reject) => {
    get(url, (answer) => {
      answer.resume()
      resolve({ host, origin, cookie: answer.headers['set-cookie'][0].split(';')[0] })
    }).on('error', reject)
  })
}

async function readPages(url, reading, stalled) {
  const { host, origin, cookie } = await headersFor(url)
  for (let page = 0; page < reading; page++) {
    const socket = new WebSocket(`ws://${host}/live`, { headers: { cookie, origin } })
    socket.on('message', () => {})
    socket.on('error', () => {})
  }
  for (let page = 0; page < stalled; page++) {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(
      `GET /live HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nCookie: ${cookie}\r\n` +
        'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    )
    socket.once('data', () => socket.pause())
  }
}

/** One run; the summary of its only variant. */
function runOnce(days, reading, stalled) {
  const folder = mkdtempSync(join(tmpdir(), 'arena-lab-cost-'))
  const pages = reading + stalled
  const args = [
    ...['run', 'seedservice', '-a', 'glibc', '-P', `days=${days}`, '--dir', folder, '--json'],
    ...(pages === 0 ? [] : ['--dashboard', '0']),
  ]
  return new Promise((resolve) => {
    const run = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let said = ''
    let readers
    run.stdout.on('data', (data) => {
      out += data
    })
    run.stderr.on('data', (data) => {
      said += data
      const url = /http:\S+/.exec(said)?.[0]
      if (pages === 0 || url === undefined || readers !== undefined) return
      readers = fork(SELF, ['--read', url, `${reading}`, `${stalled}`])
    })
    run.on('close', () => {
      readers?.kill()
      rmSync(folder, { recursive: true, force: true })
      resolve(JSON.parse(out).variants[0])
    })
  })
}

if (process.argv[2] === '--read') {
  const [url, reading, stalled] = process.argv.slice(3)
  await readPages(url, Number(reading), Number(stalled))
} else {
  const days = Number(process.argv[2] ?? 4)
  for (const [what, reading, stalled] of [
    ['no page', 0, 0],
    ['three pages', 3, 0],
    ['three pages and one that reads nothing', 3, 1],
  ]) {
    const { cpu, seconds } = await runOnce(days, reading, stalled)
    const share = (100 * cpu.mainSeconds) / cpu.seconds
    const figures = `${cpu.mainSeconds.toFixed(2)} of ${cpu.seconds.toFixed(2)} s CPU`
    process.stdout.write(
      `${what}: main thread ${share.toFixed(1)} % (${figures}), run of ${seconds.toFixed(1)} s\n`,
    )
  }
}
