/** Ctrl-C: the first ends the run and its partial summary is printed, the second exits at once. */
import { ExitCode } from '../session/types.ts'
import type { Streams } from './streams.ts'

export interface Interrupt {
  readonly signal: AbortSignal
  /** Whether there was a Ctrl-C: a run may also be stopped from elsewhere. */
  readonly wasPressed: () => boolean
  /** Resolves at the first Ctrl-C. */
  readonly pressed: Promise<void>
  /** Ends the run as Ctrl-C does, for whoever steers it from elsewhere. */
  readonly stop: () => void
  /** Signals do again what they did before. */
  release(): void
}

const EXIT_CODES = { SIGINT: ExitCode.INTERRUPTED, SIGTERM: ExitCode.TERMINATED } as const

/** `beforeExit` leaves the terminal in order when there is no time for more. */
export function catchSignals({ err }: Streams, beforeExit: () => void): Interrupt {
  const controller = new AbortController()
  let presses = 0
  let announce: () => void = () => {}
  const pressed = new Promise<void>((resolve) => {
    announce = resolve
  })
  const onSignal = (name: 'SIGINT' | 'SIGTERM'): void => {
    if (++presses > 1) {
      beforeExit()
      process.exit(EXIT_CODES[name])
    }
    err.write(`\n${name}: ending the run; once more exits at once, without a summary\n`)
    controller.abort(name)
    announce()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    pressed,
    wasPressed: () => presses > 0,
    stop: () => controller.abort('request'),
    release() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
