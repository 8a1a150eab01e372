/** A run as it goes on, over a WebSocket. The server sends the history first, then what is new. */
import {
  type ClientMessage,
  decodeFrame,
  type Frame,
  FrameKind,
  NameTable,
} from '../../../protocol.ts'
import { applySession, catalogue, pastRuns, starting } from '../control/session.ts'
import {
  changed,
  connection,
  lookAt,
  mayControl,
  notice,
  run,
  skippedFrames,
  zoomTo,
} from '../state.ts'
import { RunStore } from '../store/run.ts'

const RETRY_MS_MIN = 500
const RETRY_MS_MAX = 10_000

let socket: WebSocket | undefined
let retryMs = RETRY_MS_MIN
let names = new Map<number, NameTable>()

function namesOf(variant: number): NameTable {
  const known = names.get(variant)
  if (known !== undefined) return known
  const table = new NameTable()
  names.set(variant, table)
  return table
}

/** Connects, and again whenever the connection is lost. */
export function connect(): void {
  connection.value = 'connecting'
  socket = new WebSocket(`ws://${location.host}/live`)
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => {
    connection.value = 'live'
    retryMs = RETRY_MS_MIN
  }
  socket.onmessage = (event) => {
    try {
      if (event.data instanceof ArrayBuffer) apply(decodeFrame(event.data, namesOf))
    } catch (error) {
      notice.value = error instanceof Error ? error.message : String(error)
    }
  }
  socket.onclose = () => {
    connection.value = 'lost'
    setTimeout(connect, retryMs)
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
  }
}

/** Sends a message; does nothing while there is no connection. */
export function send(message: ClientMessage): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
}

/** A hidden page asks for no frames, and gets what it missed when it is seen again. */
export function followVisibility(): void {
  document.addEventListener('visibilitychange', () => send({ type: 'watch', on: !document.hidden }))
}

function apply(frame: Frame): void {
  if (frame.kind === FrameKind.STATUS) {
    mayControl.value = frame.body.control
    skippedFrames.value = frame.body.skipped
    notice.value = frame.body.notice
    if (frame.body.notice !== '') starting.value = false
    return
  }
  if (frame.kind === FrameKind.CATALOGUE) {
    catalogue.value = frame.body
    return
  }
  if (frame.kind === FrameKind.SESSION) {
    applySession(frame.body)
    return
  }
  if (frame.kind === FrameKind.RUNS) {
    pastRuns.value = frame.body
    return
  }
  if (frame.kind === FrameKind.DESCRIBE) {
    names = new Map()
    run.value = new RunStore(frame.body)
    zoomTo(null)
    lookAt(null)
    return
  }
  const variant = run.value?.variants[frame.variant]
  if (variant === undefined) return
  if (frame.kind === FrameKind.MATRIX) variant.applyMatrix(frame.body)
  else if (frame.kind === FrameKind.FINISH) variant.end = frame.body
  else if (frame.kind !== FrameKind.NAMES) variant.apply(frame.body)
  changed()
}
